"""From the launch of the program to its page and to READY, and what it costs when nobody asks anything."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from time import perf_counter
from urllib.error import URLError
from urllib.request import urlopen

import psutil

from heygem.bench.process import in_fresh_process
from heygem.bench.report import BenchError, Figure
from heygem.jobs.engine_set import EngineBuilder
from heygem.private_studio import load_engine
from heygem.settings import (
    CACHE_DIR_VARIABLE,
    DATA_DIR_VARIABLE,
    MODEL_CACHE_VARIABLE,
    PROJECT_ROOT,
    Settings,
)

LAUNCHES = 3  # the first one warms the disk cache and does not count
IDLE_SECONDS = 20.0
LOOK_SECONDS = 2.0
WORKING_SHARE = 0.3  # of a core, from which on something is done: at first the presenters are prepared
LONGEST_LAUNCH_SECONDS = 300.0
POLL_SECONDS = 0.02
STOP_SECONDS = 60.0
LOG_NAME = "app.log"  # in the app's folder: all that it writes


def measure_launch(settings: Settings, build_engines: EngineBuilder | None, folder: Path) -> list[Figure]:
    """The slowest of the launches that count, and the costliest idle time after them."""
    if find_spec("gradio") is None:
        return _measure_without_page(settings, build_engines)
    launches = [_launch(settings) for _ in range(LAUNCHES)][1:]
    note = f"slowest of {len(launches)}, disk cache warm"
    return [
        Figure("launch.page", "launch to page", max(each.page_seconds for each in launches), "s", note),
        Figure("launch.ready", "launch to READY", max(each.ready_seconds for each in launches), "s", note),
        Figure(
            "launch.idle_cpu",
            "idle studio, no page open, of one core",
            100 * max(each.idle_share for each in launches),
            "%",
            f"over {IDLE_SECONDS:.0f} s",
        ),
    ]


def _measure_without_page(settings: Settings, build_engines: EngineBuilder | None) -> list[Figure]:
    seconds = []
    for _ in range(LAUNCHES):
        started = perf_counter()
        status = in_fresh_process(load_engine, settings, build_engines)
        if status.problem:
            raise BenchError(f"The engine does not come up: {status.problem}")
        seconds.append(perf_counter() - started)
    note = "without the page, which is not installed"
    return [
        Figure("launch.page", "launch to page", None, "s", "gradio is not installed here"),
        Figure("launch.ready", "launch to READY", max(seconds[1:]), "s", note),
    ]


@dataclass(frozen=True, slots=True)
class _Launch:
    """Seconds from launch to the page and to READY, and the share of a core that it takes then."""

    page_seconds: float
    ready_seconds: float
    idle_share: float


def _launch(settings: Settings) -> _Launch:
    port = free_port()
    with TemporaryDirectory(prefix="heygem-bench-") as folder:
        started = perf_counter()
        with running_app(settings, port, Path(folder)) as process:
            page_seconds = wait_until(process, f"http://127.0.0.1:{port}/", started)
            ready_seconds = wait_until(process, f"http://127.0.0.1:{port}/readyz", started)
            wait_until_idle(process)
            idle_share = cpu_share(process, lambda: Event().wait(IDLE_SECONDS))
    return _Launch(page_seconds, ready_seconds, idle_share)


def wait_until_idle(process: "subprocess.Popen[bytes]") -> None:
    """Until the program has nothing to do.

    Raises:
        BenchError: it goes on and on.
    """
    until, pause = perf_counter() + LONGEST_LAUNCH_SECONDS, Event()
    while cpu_share(process, lambda: pause.wait(LOOK_SECONDS)) > WORKING_SHARE:
        if perf_counter() > until:
            raise BenchError(f"app.py is still busy after {LONGEST_LAUNCH_SECONDS:.0f} s.")


def cpu_share(process: "subprocess.Popen[bytes]", pass_time: Callable[[], object]) -> float:
    """CPU seconds of a process by second that `pass_time` takes."""
    watched = psutil.Process(process.pid)
    cpu, wall = watched.cpu_times(), perf_counter()
    pass_time()
    after = watched.cpu_times()
    return float(after.user + after.system - cpu.user - cpu.system) / (perf_counter() - wall)


@contextmanager
def running_app(
    settings: Settings, port: int, folder: Path, program: Sequence[str] = ("app.py",)
) -> Iterator["subprocess.Popen[bytes]"]:
    """The app as a user starts it, or another `program` in its place, with all that it keeps in `folder`."""
    command = [sys.executable, *program, "--port", str(port), "--output-dir", str(folder / "outputs")]
    command += ["--device", settings.device, "--precision", settings.precision]
    command += ["--high-performance"] if settings.high_performance else []
    environ = os.environ | {
        DATA_DIR_VARIABLE: str(folder / "data"),
        CACHE_DIR_VARIABLE: str(folder / "cache"),
        MODEL_CACHE_VARIABLE: str(settings.model_cache_dir),
    }
    with (folder / LOG_NAME).open("ab") as log:
        process = subprocess.Popen(command, cwd=PROJECT_ROOT, env=environ, stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.terminate()  # which one that has ended does not mind
            process.wait(STOP_SECONDS)


def wait_until(process: "subprocess.Popen[bytes]", url: str, started: float) -> float:
    """Seconds since `started` when `url` first answers 200.

    Raises:
        BenchError: the program ended, or it takes too long.
    """
    pause = Event()
    while (seconds := perf_counter() - started) < LONGEST_LAUNCH_SECONDS:
        if process.poll() is not None:
            raise BenchError(f"app.py ended with code {process.returncode} before {url} answered.")
        if _answers(url):
            return perf_counter() - started
        pause.wait(POLL_SECONDS)
    raise BenchError(f"{url} did not answer within {seconds:.0f} s.")


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=10) as response:
            return bool(response.status == 200 and response.read())
    except (URLError, ConnectionError, TimeoutError):
        return False


def free_port() -> int:
    """A port nobody uses at this moment."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
