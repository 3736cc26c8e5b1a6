"""From launch to exit code, in processes of their own."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from heygem.errors import SettingsError
from heygem.server.run import listen

ROOT = Path(__file__).parents[2]

# A page on fake engines. With the word "fatal" its first job loses the device, and with it memory that nobody
# may free: freeing it aborts the process.
PROGRAM = """
import os
import sys
from functools import partial
from heygem.engines.fake import FakeEngines
from heygem.errors import DeviceLostError
from heygem.server.run import serve
from heygem.settings import Settings
class Pinned:
    def __del__(self):
        os.abort()
def lose(stage):
    held = Pinned()
    raise DeviceLostError("The GPU is gone.")
engines = partial(FakeEngines, on_stage=lose) if "fatal" in sys.argv else FakeEngines
sys.exit(serve(Settings.from_args(sys.argv[2:], {}), engines))
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def start(folder: Path, port: int, word: str = "") -> subprocess.Popen[bytes]:
    folders = ["--data-dir", f"{folder}/data", "--output-dir", f"{folder}/out"]
    argv = [sys.executable, "-c", PROGRAM, word, "--port", str(port), *folders]
    return subprocess.Popen(argv, cwd=ROOT, env={**os.environ, "HOME": str(folder)}, stderr=subprocess.PIPE)


def fetch(url: str, process: subprocess.Popen[bytes], timeout_seconds: float = 30) -> str:
    """The page, as soon as it answers."""
    deadline = time.monotonic() + timeout_seconds
    while process.poll() is None and time.monotonic() < deadline:
        try:
            return str(urllib.request.urlopen(url, timeout=5).read().decode())
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"no answer from {url}")


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_and_stops_when_told(tmp_path: Path, sign: signal.Signals) -> None:
    port = free_port()
    process = start(tmp_path, port)
    try:
        page = fetch(f"http://127.0.0.1:{port}/", process)
        assert "HeyGem" in page
        process.send_signal(sign)
        assert process.wait(20) == 0
    finally:
        process.kill()
    assert not (tmp_path / "data" / "jobs.db-wal").exists(), "the store was not closed"


def test_a_lost_device_ends_the_process_with_75(tmp_path: Path) -> None:
    from heygem.jobs.database import Database
    from heygem.jobs.job import JobSpec
    from heygem.jobs.store import JobStore
    from tests.fake_studio import CLIP, SPEECH

    (tmp_path / "data").mkdir()
    store = JobStore(Database(tmp_path / "data" / "jobs.db"))
    job = store.submit(JobSpec(SPEECH, CLIP))
    store.close()
    process = start(tmp_path, free_port(), "fatal")
    try:
        assert process.wait(30) == 75
    finally:
        process.kill()
    store = JobStore(Database(tmp_path / "data" / "jobs.db"))
    assert not store.get(job.id).state.is_final, "the job was lost"
    store.close()


def test_a_taken_port_is_said_in_a_sentence() -> None:
    with listen("127.0.0.1", 0) as first, pytest.raises(SettingsError, match="--port"):
        listen("127.0.0.1", first.getsockname()[1])
