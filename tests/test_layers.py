"""The house stands: imports point one way, and the page does not wait for torch."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOR_ALL = {"errors", "settings", "log", "assets"}
ALLOWED = {
    "media": set[str](),
    "hardware": set[str](),
    "models": {"media", "hardware"},
    "templates": {"models", "media", "hardware"},
    "engines": {"templates", "models", "media", "hardware"},
    "jobs": {"engines", "templates", "models", "media", "hardware"},
    "library": {"jobs", "engines", "templates", "models", "media", "hardware"},
    "studio": {"library", "jobs", "engines", "templates", "models", "media", "hardware"},
}
TOP = (
    *("cli", "cli_batch", "cli_options", "cli_templates", "models_command", "ui", "server"),
    *("bench", "soak", "doctor", "console", "ending", "private_studio"),
)
ABOVE_ALL = {"", "__main__"}  # heygem/__init__.py, `python -m heygem`
NAMES = set(ALLOWED) | set(TOP) | FOR_ALL
# Modules that must import in a moment: the page and the command line paint before the engine exists.
TORCH_FREE_FOLDERS = ("media", "hardware", "jobs", "library", "server", "ui", "bench", "soak", "assets")
TORCH_FREE_FILES = (
    "cli.py",
    "models_command.py",
    "doctor.py",
    "studio.py",
    "settings.py",
    "log.py",
    "errors.py",
    "engines/base.py",
    "engines/status.py",
    "models/status.py",
)


def python_files(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def module_name(path: Path) -> str:
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    return name.removesuffix(".__init__")


def part_of(module: str) -> str:
    """`heygem.models.speech` -> `models`."""
    return module.split(".")[1] if "." in module else ""


def imports_of(path: Path) -> Iterator[tuple[str, int]]:
    """Names of the modules a file imports, wherever in it, and the relative level of each."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, 0) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names = (
                [f"heygem.{alias.name}" for alias in node.names] if node.module == "heygem" else [node.module]
            )
            yield from ((name or "", node.level) for name in names)


def is_allowed(importer: str, imported: str) -> bool:
    """Whether part `importer` may import part `imported` of heygem."""
    if imported not in NAMES:  # a name of heygem/__init__.py, such as __version__
        return True
    if importer in FOR_ALL:
        return imported in FOR_ALL
    if importer in TOP or importer in ABOVE_ALL:
        return True
    return imported == importer or imported in FOR_ALL or imported in ALLOWED[importer]


def test_imports_point_down_the_house() -> None:
    wrong = [
        f"{module_name(path)} imports {name}"
        for path in python_files("heygem")
        for name, _ in imports_of(path)
        if name.startswith("heygem.") and not is_allowed(part_of(module_name(path)), part_of(name))
    ]
    assert wrong == []


def test_every_part_has_its_place() -> None:
    assert {part_of(module_name(path)) for path in python_files("heygem")} <= NAMES | ABOVE_ALL


def test_the_rule_knows_wrong_from_right() -> None:
    assert is_allowed("engines", "media")
    assert is_allowed("ui", "studio")
    assert not is_allowed("media", "hardware")
    assert not is_allowed("models", "engines")
    assert not is_allowed("studio", "server")
    assert not is_allowed("errors", "media")


def test_imports_are_absolute() -> None:
    files = [*python_files("heygem"), *python_files("training")]
    assert [module_name(path) for path in files for _, level in imports_of(path) if level > 0] == []


def test_the_product_imports_neither_training_nor_tests() -> None:
    imported = {name.split(".")[0] for path in python_files("heygem") for name, _ in imports_of(path)}
    assert imported.isdisjoint({"training", "tests"})


def torch_free_modules() -> list[str]:
    paths = [path for folder in TORCH_FREE_FOLDERS for path in python_files(f"heygem/{folder}")]
    return [module_name(path) for path in (*paths, *(ROOT / "heygem" / file for file in TORCH_FREE_FILES))]


def run(program: str, *arguments: str) -> None:
    """In a new interpreter; it has to end well."""
    command = [sys.executable, "-c", program, *arguments]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert finished.returncode == 0, finished.stderr


def test_the_page_does_not_wait_for_torch() -> None:
    program = "\n".join(
        [
            "import importlib, sys",
            "for name in sys.argv[1:]:",
            "    importlib.import_module(name)",
            "    for heavy in ('torch', 'transformers', 'diffusers'):",
            "        assert heavy not in sys.modules, f'{name} imports {heavy}'",
        ]
    )
    run(program, *torch_free_modules())


def test_ready_does_not_wait_for_imports_that_no_model_needs() -> None:
    """transformers and torch's compiler take longer to import than everything else together."""
    program = "\n".join(
        [
            "import sys, tempfile, torch",
            "from pathlib import Path",
            "from heygem.models.catalog import CATALOG",
            "from heygem.models.manifest import Manifest",
            "from heygem.models.resident import LoadContext",
            "manifest = Manifest.load(Path('models'), Path(tempfile.mkdtemp()))",
            "for spec in CATALOG:",
            "    folder = manifest.verify(spec.name).folder",
            "    spec.load(LoadContext(folder, torch.device('cpu'), 'fp32'))",
            "    for heavy in ('transformers', 'torch._dynamo', 'torch.distributed.tensor'):",
            "        assert heavy not in sys.modules, f'{spec.name} imports {heavy}'",
        ]
    )
    run(program)


def test_the_command_line_runs_without_gradio_and_fastapi() -> None:
    """The benchmark also runs on a bare GPU machine."""
    program = "\n".join(
        [
            "import sys",
            "sys.modules.update(dict.fromkeys(('gradio', 'fastapi', 'uvicorn')))",
            "import heygem.bench.run",
            "from heygem.cli import main",
            "main(['bench', '--help'])",
        ]
    )
    run(program)
