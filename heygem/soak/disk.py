"""A disk that fills up under the queue, and one that cannot be written. Needs root, to mount small ones."""

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event

from heygem.bench.report import BenchError, Figure
from heygem.errors import StorageError
from heygem.jobs.job import JobSpec, JobState
from heygem.settings import Settings
from heygem.soak.inputs import short_speeches, short_template
from heygem.soak.victim import engines_named, settings_of
from heygem.studio import Studio

DISK_BYTES = 8_000_000
JOBS = 4
PATIENCE_SECONDS = 60.0


def measure_disk(folder: Path) -> list[Figure]:
    """Both disks."""
    speech, template = short_speeches(folder, 1, "tiny")[0], short_template(folder, "tiny")
    with small_disk(folder / "full") as disk:
        full = _fill(disk, JobSpec(speech, template))
    with small_disk(folder / "locked") as disk:
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        refusal = _refusal(settings_of(disk))
    return [*full, Figure("disk.refused", "a read-only disk is refused", float(bool(refusal)), "", refusal)]


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A disk of eight megabytes in memory.

    Raises:
        BenchError: it cannot be mounted.
    """
    folder.mkdir(parents=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "heygem-soak", str(folder)]
    if subprocess.run(command, stderr=subprocess.DEVNULL).returncode:
        raise BenchError("A small disk could not be mounted: run this as root.")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def _fill(disk: Path, spec: JobSpec) -> list[Figure]:
    """Jobs on a disk without room wait, and all are made once there is some."""
    studio = Studio(settings_of(disk), engines_named("tiny"))
    try:
        ids = [studio.submit(spec).id for _ in range(JOBS)]
        ballast = disk / "ballast"
        _write_until_full(ballast)
        studio.start(wait_for_page=False)
        _wait(lambda: "queue_paused" in studio.status().warnings)
        waiting = studio.jobs.counts()[JobState.PENDING] + studio.jobs.counts()[JobState.RUNNING]
        ballast.unlink()
        freed_at = time.monotonic()
        _wait(lambda: studio.jobs.counts()[JobState.SUCCEEDED] == JOBS)
        seconds = time.monotonic() - freed_at
        states = [studio.jobs.get(job_id).state for job_id in ids]
    finally:
        studio.stop()
    lost = JOBS - states.count(JobState.SUCCEEDED)
    return [
        Figure("disk.waited", "jobs kept while the disk was full", waiting, "", f"of {JOBS}"),
        Figure("disk.lost", "jobs lost or failed", lost, ""),
        Figure("disk.resumed", "room again to all of them done", seconds, "s"),
    ]


def _write_until_full(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return


def _wait(is_so: Callable[[], bool]) -> None:
    pause, deadline = Event(), time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        if time.monotonic() > deadline:
            raise BenchError("The queue did not do what it should within a minute.")
        pause.wait(0.05)


def _refusal(settings: Settings) -> str:
    """What a launch on a disk that cannot be written says; "" if it does not mind."""
    for own in (settings, replace(settings, output_dir=settings.output_dir.parent / "elsewhere")):
        try:
            Studio(own, engines_named("tiny")).stop()
        except StorageError as error:
            return str(error)
    return ""
