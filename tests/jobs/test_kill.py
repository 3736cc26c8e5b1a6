"""kill -9 in the middle of a job: the next process finishes it, and nobody ever sees half a file."""

import os
import random
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import pytest

from heygem.jobs.job import JobSpec, JobState
from heygem.jobs.store import JobStore
from heygem.media.check import check_video
from tests.tiny_media import write_clip, write_speech

KILLS = 8
JOBS = 4
FRAMES = 10

PROGRAM = """
import sys
from functools import partial
from pathlib import Path
from heygem.engines.fake import FakeEngines
from heygem.jobs.job import JobState
from heygem.settings import Settings
from heygem.studio import Studio

folder = Path(sys.argv[1])
settings = Settings(
    data_dir=folder / "data",
    cache_dir=folder / "cache",
    model_cache_dir=folder / "models",
    output_dir=folder / "outputs",
    preload=False,
    free_disk_reserve_bytes=0,
)
studio = Studio(settings, partial(FakeEngines, seconds_per_frame=0.03))
studio.start(wait_for_page=False)
for job in studio.jobs.list_jobs(limit=99):
    studio.wait_job(job.id)
studio.stop()
"""


def launch(folder: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-c", PROGRAM, str(folder)], stderr=subprocess.DEVNULL)


def check_visible(outputs: Path) -> int:
    """Every file under a final name is whole; says how many there are."""
    visible = [path for path in outputs.glob("*.mp4") if not path.name.startswith(".")]
    for path in visible:
        check_video(path, FRAMES, Fraction(25), with_audio=True)
    return len(visible)


def running_again_after(store: JobStore, started_at: float) -> float:
    """Seconds from the start of a process until it has a job at work."""
    while not any((job.started_at or 0) > started_at for job in store.list_jobs(limit=JOBS)):
        assert time.time() - started_at < 20
        time.sleep(0.01)
    return time.time() - started_at


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    store = JobStore(tmp_path / "data" / "jobs.db")
    spec = JobSpec(
        write_speech(tmp_path / "a.wav", FRAMES / 25), write_clip(tmp_path / "t.mp4"), audio_name="a"
    )
    for _ in range(JOBS):
        store.submit(spec)
    store.close()
    return tmp_path


def test_killed_processes_lose_nothing(folder: Path) -> None:
    store, moments = JobStore(folder / "data" / "jobs.db"), random.Random(1)
    for _ in range(KILLS):
        process, started_at = launch(folder), time.time()
        if store.counts()[JobState.SUCCEEDED] < JOBS:
            assert running_again_after(store, started_at) < 5
        time.sleep(moments.uniform(0, 0.5))
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        check_visible(folder / "outputs")
    assert launch(folder).wait(timeout=30) == 0

    jobs = store.list_jobs(limit=JOBS)
    assert {job.state for job in jobs} == {JobState.SUCCEEDED}
    assert sum(job.deaths for job in jobs) > 0  # or nothing was tested
    assert len({job.output_path for job in jobs}) == check_visible(folder / "outputs") == JOBS
    assert list((folder / "outputs").glob(".*")) == []
    store.close()
