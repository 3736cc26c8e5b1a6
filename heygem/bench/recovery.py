"""A job loses its device: how long until another process is READY, and is the job done then?"""

import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from time import perf_counter, time

from heygem.bench.inputs import cut_speech, cut_template
from heygem.bench.jobs import SPEECH_SECONDS, TEMPLATE_SECONDS
from heygem.bench.launch import LOG_NAME, POLL_SECONDS, free_port, running_app, wait_until
from heygem.bench.report import BenchError, Figure
from heygem.console import complain
from heygem.jobs.database import Database
from heygem.jobs.engine_set import EngineBuilder
from heygem.jobs.job import Job, JobSpec
from heygem.jobs.store import JobStore
from heygem.settings import Settings

LONGEST_WAIT_SECONDS = 120.0  # for a launch and a job
LOSING_APP = ("-X", "faulthandler", "-m", "heygem.bench.losing")
LOG_LINES = 40
FAULT_FILE = "fault"  # in the data folder; made in the moment before the device is lost
RESTART_PAUSE_SECONDS = 1.0  # of start_app.sh, before it starts the app again for the first time


@dataclass(frozen=True, slots=True)
class _Recovery:
    """Seconds since the fault, with the pause of start_app.sh; the job, which was begun twice.

    start_app.sh starts the app again whatever its exit code was: 75 says that it saw the fault and ended by
    itself.
    """

    exit_code: int
    exit_seconds: float
    page_seconds: float
    ready_seconds: float
    job: Job


def measure_recovery(settings: Settings, build_engines: EngineBuilder | None, folder: Path) -> list[Figure]:
    """One fault while frames are drawn: a real one of CUDA, or on a CPU the exception that stands for it."""
    if find_spec("gradio") is None:
        return [Figure("recovery.ready", "fault to READY again", None, "s", "gradio is not installed here")]
    with TemporaryDirectory(prefix="heygem-bench-", dir=folder) as name:
        found = _recover(settings, Path(name))
    note = f"of it {RESTART_PAUSE_SECONDS:g} s of start_app.sh's pause"
    done = float(found.job.output_path is not None)
    attempts = f"attempt {found.job.attempt}, deaths {found.job.deaths}"
    return [
        Figure("recovery.code", "exit code of the process", found.exit_code, "", "75: it saw the fault"),
        Figure("recovery.exit", "fault to the end of the process", found.exit_seconds, "s"),
        Figure("recovery.page", "fault to the page again", found.page_seconds, "s", note),
        Figure("recovery.ready", "fault to READY again", found.ready_seconds, "s", note),
        Figure("recovery.job", "its job done, 1: yes", done, "", attempts),
    ]


def _recover(settings: Settings, folder: Path) -> _Recovery:
    port, job_id = free_port(), _submit(folder)
    with running_app(settings, port, folder, LOSING_APP) as process:
        code = _exit_code(process)
        exit_seconds, ended = _seconds_since_fault(folder), perf_counter()
    if code < 0:  # killed by a signal: its log says at which line
        complain("\n".join((folder / LOG_NAME).read_text(errors="replace").splitlines()[-LOG_LINES:]))
    Event().wait(RESTART_PAUSE_SECONDS)
    fault = ended - exit_seconds
    with running_app(settings, port, folder) as process:
        page_seconds = wait_until(process, f"http://127.0.0.1:{port}/", fault)
        ready_seconds = wait_until(process, f"http://127.0.0.1:{port}/readyz", fault)
        job = _finished(folder, job_id)
    return _Recovery(code, exit_seconds, page_seconds, ready_seconds, job)


def _exit_code(process: "subprocess.Popen[bytes]") -> int:
    """Raises BenchError if it goes on and on."""
    try:
        return process.wait(LONGEST_WAIT_SECONDS)
    except subprocess.TimeoutExpired:
        raise BenchError("The process whose device was lost goes on and on.") from None


def _seconds_since_fault(folder: Path) -> float:
    """Raises BenchError if there was none."""
    file = folder / "data" / FAULT_FILE
    if not file.exists():
        raise BenchError("The process ended before its job drew a frame.")
    return time() - file.stat().st_mtime


def _submit(folder: Path) -> str:
    """A job is in line before the app starts."""
    spec = JobSpec(cut_speech(folder, 0, SPEECH_SECONDS), cut_template(folder, 0, TEMPLATE_SECONDS))
    (folder / "data").mkdir()
    store = JobStore(Database(folder / "data" / "jobs.db"))
    try:
        return store.submit(spec).id
    finally:
        store.close()


def _finished(folder: Path, job_id: str) -> Job:
    """The job, when it has ended in one way or the other."""
    store, pause = JobStore(Database(folder / "data" / "jobs.db")), Event()
    try:
        until = perf_counter() + LONGEST_WAIT_SECONDS
        while not (job := store.get(job_id)).state.is_final and perf_counter() < until:
            pause.wait(POLL_SECONDS)
    finally:
        store.close()
    return job
