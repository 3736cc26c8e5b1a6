"""One HeyGem per data folder."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from heygem.errors import FolderBusyError
from heygem.jobs.folder_lock import FolderLock


def test_a_second_launch_hears_where_the_first_one_runs(tmp_path: Path) -> None:
    lock = FolderLock(tmp_path, "http://127.0.0.1:7860")
    with pytest.raises(FolderBusyError, match=rf"http://127.0.0.1:7860 \(process {os.getpid()}\)"):
        FolderLock(tmp_path, "http://127.0.0.1:7999")
    lock.release()
    FolderLock(tmp_path, "http://127.0.0.1:7999").release()


def test_two_folders_do_not_meet(tmp_path: Path) -> None:
    locks = [FolderLock(tmp_path / name, "here") for name in ("a", "b")]
    for lock in locks:
        lock.release()


def test_a_killed_process_leaves_no_lock(tmp_path: Path) -> None:
    program = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from heygem.jobs.folder_lock import FolderLock\n"
        "lock = FolderLock(Path(sys.argv[1]), 'there')\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", program, str(tmp_path)], timeout=30)
    assert killed.returncode == -9
    FolderLock(tmp_path, "here").release()
