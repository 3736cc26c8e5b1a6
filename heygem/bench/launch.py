"""From the launch of the program to its page, and to READY."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from time import perf_counter
from urllib.error import URLError
from urllib.request import urlopen

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
LONGEST_LAUNCH_SECONDS = 300.0
POLL_SECONDS = 0.02
STOP_SECONDS = 60.0


def measure_launch(settings: Settings, build_engines: EngineBuilder | None, folder: Path) -> list[Figure]:
    """The slowest of the launches that count."""
    if find_spec("gradio") is None:
        return _measure_without_page(settings, build_engines)
    launches = [_launch(settings) for _ in range(LAUNCHES)][1:]
    note = f"slowest of {len(launches)}, disk cache warm"
    return [
        Figure("launch.page", "launch to page", max(page for page, _ in launches), "s", note),
        Figure("launch.ready", "launch to READY", max(ready for _, ready in launches), "s", note),
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


def _launch(settings: Settings) -> tuple[float, float]:
    """Seconds from launch to the page and to READY."""
    port = free_port()
    with TemporaryDirectory(prefix="heygem-bench-") as folder:
        started = perf_counter()
        with _app(settings, port, Path(folder)) as process:
            page_seconds = wait_until(process, f"http://127.0.0.1:{port}/", started)
            ready_seconds = wait_until(process, f"http://127.0.0.1:{port}/readyz", started)
    return page_seconds, ready_seconds


@contextmanager
def _app(settings: Settings, port: int, folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """The app as a user starts it, with folders of its own."""
    command = [sys.executable, "app.py", "--port", str(port), "--output-dir", str(folder / "outputs")]
    command += ["--device", settings.device, "--precision", settings.precision]
    command += ["--high-performance"] if settings.high_performance else []
    environ = os.environ | {
        DATA_DIR_VARIABLE: str(folder / "data"),
        CACHE_DIR_VARIABLE: str(folder / "cache"),
        MODEL_CACHE_VARIABLE: str(settings.model_cache_dir),
    }
    with (folder / "app.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=PROJECT_ROOT, env=environ, stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.terminate()
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
