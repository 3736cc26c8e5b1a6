"""app.py: one studio however often it is imported, and refusals that are not started again."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def run_app(folder: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "app.py", "--data-dir", str(folder), *argv]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60)


def test_the_app_is_short() -> None:
    assert len((ROOT / "app.py").read_text(encoding="utf-8").splitlines()) <= 60


def test_importing_it_again_keeps_the_studio_and_its_one_engine_thread() -> None:
    program = "\n".join(
        [
            "import sys, threading",
            "import app",
            "first = app.launch.studio",
            "del sys.modules['app']",
            "import app as again",
            "assert again.launch.studio is first and again.demo is not app.demo",
            "assert [thread.name for thread in threading.enumerate()].count('engine') == 1",
            "assert 'torch' not in sys.modules, 'the page waited for torch'",
            "first.stop()",
        ]
    )
    finished = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=os.environ.copy(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert finished.returncode == 0, finished.stderr


def test_a_second_launch_says_where_the_first_runs(tmp_path: Path) -> None:
    from heygem.jobs.folder_lock import FolderLock

    lock = FolderLock(tmp_path, where="http://127.0.0.1:7860")
    finished = run_app(tmp_path)
    lock.release()
    assert finished.returncode == 2
    assert "http://127.0.0.1:7860" in finished.stderr
    assert "Traceback" not in finished.stderr


def test_an_unusable_option_is_said_in_a_sentence(tmp_path: Path) -> None:
    finished = run_app(tmp_path, "--port", "70000")
    assert finished.returncode == 2
    assert "70000" in finished.stderr
    assert "Traceback" not in finished.stderr
