"""start_app.sh with a small script playing Python: what it starts, how often, and how it stops."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# `app.py` notes its arguments and ends with the next of the listed codes; "wait" stays until SIGTERM.
PYTHON = """#!/bin/sh
case "$1" in
-m) case "$2" in venv) for folder; do :; done; mkdir -p "$folder/bin" && cp "$0" "$folder/bin/python" ;; esac
    echo "$@" >>"$WORLD/python.calls"; exit 0 ;;
app.py) ;;
*) exit 0 ;;
esac
shift
touch "$WORLD/app.calls"
code=$(sed -n "$(($(wc -l <"$WORLD/app.calls") + 1))p" "$WORLD/codes")
echo "the app says hello"
if [ "$code" = wait ]; then
  sleep 60 &
  trap 'echo stopped >>"$WORLD/app.stops"; kill $!; exit 0' TERM
fi
echo "$@" >>"$WORLD/app.calls"
[ "$code" != wait ] || wait
exit "${code:-0}"
"""


class Project:
    """A folder with start_app.sh, a `python3` that is a script, and a list of exit codes for its app."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cache = folder / "cache"
        (folder / "bin").mkdir()
        (folder / "deploy").mkdir()
        for name in ("start_app.sh", "deploy/venv.sh"):
            shutil.copy(ROOT / name, folder / name)
        (folder / "requirements.txt").write_text("av==18.1.0\n")
        self._program("python3", PYTHON)
        self._program("nvidia-smi", "#!/bin/sh\nexit 9\n")

    def start(self, *argv: str, codes: str) -> subprocess.Popen[str]:
        (self.folder / "codes").write_text("\n".join(codes.split()) + "\n")
        return subprocess.Popen(
            ["./start_app.sh", *argv],
            cwd=self.folder,
            env={
                "PATH": f"{self.folder}/bin:{os.environ['PATH']}",
                "WORLD": str(self.folder),
                "HEYGEM_CACHE_DIR": str(self.cache),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *argv: str, codes: str) -> tuple[int, str]:
        process = self.start(*argv, codes=codes)
        output, _ = process.communicate(timeout=60)
        return process.returncode, output

    def lines(self, name: str) -> list[str]:
        path = self.folder / name
        return path.read_text().splitlines() if path.exists() else []

    @property
    def log(self) -> str:
        return (self.cache / "logs" / "startup.log").read_text()

    def _program(self, name: str, text: str) -> None:
        path = self.folder / "bin" / name
        path.write_text(text)
        path.chmod(0o755)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    made = Project(tmp_path)
    yield made
    pid_file = made.cache / "heygem.pid"
    if pid_file.exists():
        os.kill(int(pid_file.read_text()), signal.SIGTERM)


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.02)


def test_one_command_makes_the_environment_and_runs_the_app(project: Project) -> None:
    code, output = project.run("--port", "1234", "--title", "two words", codes="0")
    assert code == 0
    assert project.lines("app.calls") == ["--port 1234 --title two words"]
    assert any("pip install" in call for call in project.lines("python.calls"))
    assert "the app says hello" in output
    assert "the app says hello" in project.log


def test_the_second_start_installs_nothing(project: Project) -> None:
    project.run(codes="0")
    made = project.lines("python.calls")
    assert project.run(codes="0 0")[0] == 0
    assert project.lines("python.calls") == made
    assert len(project.lines("app.calls")) == 2


def test_a_crash_is_started_again_after_1_and_then_2_seconds(project: Project) -> None:
    started = time.monotonic()
    code, output = project.run("--port", "1", codes="75 139 0")
    assert code == 0
    assert project.lines("app.calls") == ["--port 1"] * 3
    assert "ended with code 75; starting it again in 1 s" in output
    assert "ended with code 139; starting it again in 2 s" in output
    assert 3 <= time.monotonic() - started < 20
    assert "code 75" in project.log


@pytest.mark.parametrize("code", [0, 2])
def test_a_good_end_and_a_refusal_are_not_started_again(project: Project, code: int) -> None:
    assert project.run(codes=f"{code} 1")[0] == code
    assert len(project.lines("app.calls")) == 1


def test_a_killed_app_comes_back(project: Project) -> None:
    process = project.start(codes="137 0")
    assert process.wait(20) == 0
    assert len(project.lines("app.calls")) == 2


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_stopping_it_stops_the_app_and_starts_no_other(project: Project, sign: signal.Signals) -> None:
    process = project.start(codes="wait")
    wait_until(lambda: len(project.lines("app.calls")) == 1)
    process.send_signal(sign)
    assert process.wait(20) == 0
    assert project.lines("app.stops") == ["stopped"]
    assert len(project.lines("app.calls")) == 1


def test_stopping_it_between_two_starts(project: Project) -> None:
    process = project.start(codes="1 wait")
    assert process.stdout is not None
    while "starting it again" not in process.stdout.readline():
        pass
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) in (0, 1)
    assert len(project.lines("app.calls")) == 1


def test_daemon(project: Project) -> None:
    code, output = project.run("--daemon", "--port", "5", codes="1 wait")
    assert code == 0
    pid_file = project.cache / "heygem.pid"
    assert f"kill {pid_file.read_text().strip()}" in output
    assert str(project.cache / "logs" / "startup.log") in output
    wait_until(lambda: len(project.lines("app.calls")) == 2)
    assert project.lines("app.calls")[0] == "--port 5"
    assert "starting it again" in project.log

    code, output = project.run("--daemon", codes="1 wait")
    assert (code, "already runs" in output) == (1, True)

    os.kill(int(pid_file.read_text()), signal.SIGTERM)
    wait_until(lambda: not pid_file.exists())
    assert project.lines("app.stops") == ["stopped"]


def test_a_long_log_is_put_aside(project: Project) -> None:
    logs = project.cache / "logs"
    logs.mkdir(parents=True)
    (logs / "startup.log").write_bytes(b"x" * 5_000_001)
    project.run(codes="0")
    assert (logs / "startup.log.1").stat().st_size == 5_000_001
    assert "hello" in project.log


def test_a_cache_that_cannot_be_written_is_said(project: Project) -> None:
    project.cache.write_text("a file")
    code, output = project.run(codes="0")
    assert code == 1
    assert "HEYGEM_CACHE_DIR" in output
    assert project.lines("app.calls") == []


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed")
def test_shellcheck_finds_nothing() -> None:
    finished = subprocess.run(["shellcheck", "-x", "start_app.sh"], cwd=ROOT, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stdout
