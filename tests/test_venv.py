"""deploy/venv.sh: what it installs, and when nothing. A small script plays Python and notes its calls."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PYTHON = """#!/bin/sh
echo "$@" >>"$CALLS"
case "$*" in
*"-m venv"*) for folder; do :; done; mkdir -p "$folder/bin" && cp "$0" "$folder/bin/python" ;;
*download.pytorch.org*) exit "${INDEX_CODE:-0}" ;;
*"pip install"*) exit "${PIP_CODE:-0}" ;;
esac
"""


class Machine:
    """A machine with a `python3`, and perhaps a GPU, to make an environment on."""

    def __init__(self, folder: Path, has_gpu: bool = False) -> None:
        self.venv = folder / "venv"
        self.requirements = folder / "requirements.txt"
        self.requirements.write_text("torch==2.13.0\nav==18.1.0\n")
        self._calls = folder / "calls"
        self._bin = folder / "bin"
        self._bin.mkdir()
        self.set_gpu(has_gpu)
        self._program("python3", PYTHON)

    def set_gpu(self, has_gpu: bool) -> None:
        self._program("nvidia-smi", "#!/bin/sh\necho 'GPU 0: a GPU'\n" if has_gpu else "#!/bin/sh\nexit 9\n")

    def make(self, files: Sequence[Path] = (), **environ: str) -> tuple[int, list[str], str]:
        """Run `heygem_make_venv`: its exit code, what Python was called with, what it said."""
        self._calls.write_text("")
        script = 'set -euo pipefail; source deploy/venv.sh; heygem_make_venv "$@"'
        finished = subprocess.run(
            ["bash", "-c", script, "bash", str(self.venv), str(self.requirements), *map(str, files)],
            cwd=ROOT,
            env={"PATH": f"{self._bin}:{os.environ['PATH']}", "CALLS": str(self._calls), **environ},
            capture_output=True,
            text=True,
        )
        return finished.returncode, self._calls.read_text().splitlines(), finished.stderr

    def _program(self, name: str, text: str) -> None:
        path = self._bin / name
        path.write_text(text)
        path.chmod(0o755)


def installs(calls: list[str]) -> list[str]:
    return [call for call in calls if "pip install" in call]


no_real_gpu = pytest.mark.skipif(Path("/dev/nvidia0").exists(), reason="a GPU is visible here in any case")


@no_real_gpu
def test_a_machine_without_gpu_gets_the_cpu_build_of_torch(tmp_path: Path) -> None:
    code, calls, said = Machine(tmp_path).make()
    cpu_torch, the_rest = installs(calls)
    assert code == 0
    assert cpu_torch.endswith("--index-url https://download.pytorch.org/whl/cpu torch==2.13.0")
    assert "--timeout 5 --retries 0" in cpu_torch
    assert "requirements.txt" in the_rest and "--index-url" not in the_rest
    assert "CPU build" in said


@no_real_gpu
def test_the_default_index_serves_where_pytorchs_own_does_not_answer(tmp_path: Path) -> None:
    code, calls, said = Machine(tmp_path).make(INDEX_CODE="1")
    assert code == 0
    assert len(installs(calls)) == 2
    assert "did not answer" in said


def test_a_machine_with_gpu_takes_torch_from_the_default_index(tmp_path: Path) -> None:
    code, calls, _ = Machine(tmp_path, has_gpu=True).make()
    (install,) = installs(calls)
    assert code == 0
    assert "--index-url" not in install


def test_nothing_runs_when_nothing_changed(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.make()
    assert machine.make() == (0, [], "")


def test_a_changed_requirement_is_installed_into_the_same_environment(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.make()
    machine.requirements.write_text("torch==2.13.0\nav==18.2.0\n")
    code, calls, _ = machine.make()
    assert code == 0
    assert installs(calls) and not any("-m venv" in call for call in calls)


def test_an_environment_for_more_files_serves_for_fewer(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    more = tmp_path / "requirements-dev.txt"
    more.write_text("pytest\n")
    machine.make()
    _, calls, _ = machine.make([more])
    assert "requirements-dev.txt" in installs(calls)[-1]
    assert machine.make() == (0, [], "")


@no_real_gpu
def test_a_gpu_that_was_added_gets_an_environment_of_its_own(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.make()
    machine.set_gpu(True)
    assert any("-m venv --clear" in call for call in machine.make()[1])


def test_a_failed_installation_is_said_and_tried_again(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    code, _, said = machine.make(PIP_CODE="1")
    assert code == 1
    assert "check the network" in said
    assert installs(machine.make()[1])


def test_a_machine_without_python_hears_what_to_install(tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    finished = subprocess.run(
        ["/bin/bash", "-c", "source deploy/venv.sh; heygem_find_python"],
        cwd=ROOT,
        env={"PATH": str(tools)},
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 1
    assert "Python 3.11, 3.12 or 3.13" in finished.stderr
