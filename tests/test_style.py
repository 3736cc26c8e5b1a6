"""The house rules a linter does not know: short functions, short files, nothing printed."""

import ast
from pathlib import Path
from statistics import median

HEYGEM = Path(__file__).parents[1] / "heygem"
FILES = sorted(HEYGEM.rglob("*.py"))
LONGEST_FUNCTION_LINES = 60
LONGEST_FILE_LINES = 300
MEDIAN_FUNCTION_LINES = 12


def functions_of(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def line_count(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def name_of(path: Path) -> str:
    return str(path.relative_to(HEYGEM))


def test_files_are_short() -> None:
    lines = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in FILES}
    assert {name: count for name, count in lines.items() if count > LONGEST_FILE_LINES} == {}


def test_functions_are_short() -> None:
    lines = {f"{name_of(path)}: {f.name}": line_count(f) for path in FILES for f in functions_of(path)}
    assert {name: count for name, count in lines.items() if count > LONGEST_FUNCTION_LINES} == {}


def test_the_usual_function_is_a_few_lines() -> None:
    lengths = [line_count(function) for path in FILES for function in functions_of(path)]
    assert median(lengths) <= MEDIAN_FUNCTION_LINES


def is_refused(node: ast.AST) -> bool:
    """`global`, `print(...)`, or `except:` of everything."""
    return (
        isinstance(node, ast.Global)
        or (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print")
        or (isinstance(node, ast.ExceptHandler) and node.type is None)
    )


def test_nothing_prints_keeps_global_state_or_swallows_everything() -> None:
    nodes = ((path, node) for path in FILES for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    assert [f"{name_of(path)}:{getattr(node, 'lineno', 0)}" for path, node in nodes if is_refused(node)] == []
