"""kill -9 at random moments: does every job end once, and does nobody ever see half a file?"""

import random
import subprocess
import sys
import time
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from statistics import median
from threading import Event

from heygem.bench.report import BenchError, Figure
from heygem.jobs.archive import JobArchive
from heygem.jobs.batch import BatchSpec, Source
from heygem.jobs.database import Database
from heygem.jobs.desk import OrderDesk
from heygem.jobs.job import Job, JobState
from heygem.jobs.store import JobStore
from heygem.jobs.uploads import UploadStore
from heygem.media.check import check_video
from heygem.media.probe import probe_audio, probe_video
from heygem.settings import PROJECT_ROOT
from heygem.soak import EngineName
from heygem.soak.inputs import short_speeches, short_template
from heygem.soak.victim import settings_of

LIFE_IN_JOBS = 2.0  # from the first job at work to the kill, at most: so half of the lives finish one
FIRST_GUESS_SECONDS = {"tiny": 0.7, "mesh": 8.0}  # of one job, before one is done
LONGEST_START_SECONDS = 300.0
LONGEST_END_SECONDS = 3600.0
POLL_SECONDS = 0.01


@dataclass
class Toll:
    """What the kills did."""

    kills: int = 0
    at_work: int = 0  # of them while a job ran
    restart_seconds: list[float] = field(default_factory=list)  # process start to jobs back in line
    looked_at: set[Path] = field(default_factory=set)
    bad_files: set[str] = field(default_factory=set)


class KillSoak:
    """A folder of jobs, and processes that die over it."""

    def __init__(self, folder: Path, engine: EngineName, jobs: int, seed: int) -> None:
        self._folder = folder
        self.engine: EngineName = engine
        self._random = random.Random(seed)
        self._pause = Event()
        settings = settings_of(folder)
        self._database = Database(settings.jobs_path)
        self._store = JobStore(self._database)
        desk = OrderDesk(
            settings, self._database, self._store, UploadStore(settings.uploads_dir), lambda: None
        )
        speeches = tuple(Source(path) for path in short_speeches(folder, jobs, engine))
        batch = BatchSpec(speeches, (Source(short_template(folder, engine)),))
        self._batch_id = desk.submit_batch(batch)
        self._outputs = settings.output_dir
        self.toll = Toll()

    def run(self, kills: int) -> None:
        """Kill that often, then let the rest be finished in peace."""
        for _ in range(kills):
            self._live_and_die()
        self._launch().wait(LONGEST_END_SECONDS)
        self._look()

    @property
    def jobs(self) -> tuple[Job, ...]:
        """As they are now."""
        return JobArchive(self._database).jobs_of_batch(self._batch_id)

    def close(self) -> None:
        """Let go of the database."""
        self._store.close()

    def _live_and_die(self) -> None:
        began = time.time()
        process = self._launch()
        if self._store.counts()[JobState.RUNNING]:
            self.toll.restart_seconds.append(self._seconds_to_recovery(process, began))
        self._wait_for_work(process, began)
        self._pause.wait(self._random.uniform(0, LIFE_IN_JOBS) * self._job_seconds())
        self.toll.at_work += bool(self._store.counts()[JobState.RUNNING])
        process.kill()
        process.wait()
        self.toll.kills += 1
        self._look()

    def _job_seconds(self) -> float:
        """How long the first job of a life takes here and now: longer than those after it."""
        done = [job for job in self.jobs if job.state is JobState.SUCCEEDED][-5:]
        took = [(job.finished_at or 0.0) - (job.started_at or 0.0) for job in done]
        return max(took, default=FIRST_GUESS_SECONDS[self.engine])

    def _launch(self) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "heygem.soak.victim", str(self._folder), self.engine]
        return subprocess.Popen(command, cwd=PROJECT_ROOT, stderr=subprocess.DEVNULL)

    def _seconds_to_recovery(self, process: "subprocess.Popen[bytes]", began: float) -> float:
        """From the start of the process until what the last one left is in line, or even at work, again."""
        left = {job.id: job.deaths for job in self._store.in_state(JobState.RUNNING)}
        while any(self._store.get(job_id).deaths == deaths for job_id, deaths in left.items()):
            self._check_time(process, began)
        return time.time() - began

    def _wait_for_work(self, process: "subprocess.Popen[bytes]", began: float) -> None:
        """Until a job of this process runs, or none is left."""
        while self._store.counts()[JobState.PENDING]:
            running = self._store.in_state(JobState.RUNNING)
            if any((job.started_at or 0) > began for job in running):
                return
            self._check_time(process, began)

    def _check_time(self, process: "subprocess.Popen[bytes]", began: float) -> None:
        if time.time() - began > LONGEST_START_SECONDS:
            process.kill()
            raise BenchError(f"A new process did not get to work within {LONGEST_START_SECONDS:.0f} s.")
        self._pause.wait(POLL_SECONDS)

    def _look(self) -> None:
        """Every file under a final name has to be whole, at any time."""
        visible = {path for path in self._outputs.glob("*.mp4") if not path.name.startswith(".")}
        for path in visible - self.toll.looked_at:
            if not _is_whole(path):
                self.toll.bad_files.add(path.name)
        self.toll.looked_at |= visible


def _is_whole(path: Path) -> bool:
    try:
        info = probe_video(path)
        check_video(path, round(Fraction(probe_audio(path).duration_seconds) * info.fps), info.fps, True)
    except Exception:
        return False
    return True


def measure_kills(folder: Path, engine: EngineName, kills: int, jobs: int, seed: int = 1) -> list[Figure]:
    """The figures of one soak."""
    soak = KillSoak(folder, engine, jobs, seed)
    soak.run(kills)
    figures = kill_figures(soak, folder)
    soak.close()
    return figures


def kill_figures(soak: KillSoak, folder: Path) -> list[Figure]:
    """What came of it."""
    ended, toll = soak.jobs, soak.toll
    outputs = {job.output_path for job in ended if job.state is JobState.SUCCEEDED}
    visible = {path for path in (folder / "outputs").glob("*.mp4") if not path.name.startswith(".")}
    wrong = len(ended) - len(outputs) + len(visible ^ outputs)
    note = f"{soak.engine} engine, {toll.kills} kills, {toll.at_work} while a job ran; {len(ended)} jobs"
    return [
        Figure("kills.wrong", "jobs lost, failed or made twice", wrong, "", note),
        Figure("kills.bad_files", "files seen that were not whole", len(toll.bad_files), ""),
        Figure(
            "kills.remains", "unfinished files left at the end", len([*(folder / "outputs").glob(".*")]), ""
        ),
        Figure(
            "kills.recovery",
            "process start to jobs in line again, slowest",
            max(toll.restart_seconds, default=None),
            "s",
            f"median {median(toll.restart_seconds or [0.0]):.1f} s of {len(toll.restart_seconds)}",
        ),
        Figure("kills.deaths", "deaths of one job, most", max(job.deaths for job in ended), ""),
    ]
