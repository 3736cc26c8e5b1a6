"""Twenty people at once: hundreds of jobs ordered through the page, and what watching costs."""

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from time import perf_counter

import numpy as np

from heygem.bench.launch import cpu_share, free_port, wait_until
from heygem.bench.report import Figure
from heygem.jobs.database import Database
from heygem.jobs.job import JobState
from heygem.jobs.store import JobStore
from heygem.settings import PROJECT_ROOT
from heygem.soak import EngineName
from heygem.soak.inputs import short_speeches
from heygem.soak.visitor import Visitor

VISITORS = 20
WATCH_SECONDS = 30.0
STOP_SECONDS = 60.0


def measure_crowd(folder: Path, engine: EngineName, jobs: int) -> list[Figure]:
    """Order `jobs` jobs, watch them with a job running, then watch an idle studio."""
    speeches = short_speeches(folder, VISITORS, engine)
    with running_page(folder, engine) as (process, port):
        visitors = [Visitor(port) for _ in range(VISITORS)]
        idle_share = cpu_share(process, lambda: _watch(visitors))
        began = perf_counter()
        with ThreadPoolExecutor(VISITORS) as pool:
            orders = pool.map(_order_some, visitors, speeches, [jobs // VISITORS] * VISITORS)
            problems = [problem for found in orders for problem in found]
        order_seconds = perf_counter() - began
        for visitor in visitors:
            visitor.seconds.clear()
        busy_share = cpu_share(process, lambda: _watch(visitors))
        seconds = [value for visitor in visitors for value in _all_of(visitor)]
        stored = _count(folder)
    asked = jobs // VISITORS * VISITORS
    note = f"{VISITORS} pages, {asked} jobs waiting or running"
    return [
        Figure("crowd.lost", "orders lost or refused", asked - stored + len(problems), "", f"of {asked}"),
        Figure("crowd.orders", "all orders, uploads included", order_seconds, "s"),
        Figure("crowd.p50", "page and status answers, median", 1000 * float(np.median(seconds)), "ms", note),
        Figure("crowd.p99", "the same, 99th percentile", 1000 * float(np.percentile(seconds, 99)), "ms"),
        Figure("crowd.busy_cpu", f"{engine} engine and all pages, of one core", 100 * busy_share, "%"),
        Figure("crowd.idle_cpu", f"{VISITORS} pages of an idle studio, of one core", 100 * idle_share, "%"),
    ]


@contextmanager
def running_page(folder: Path, engine: EngineName) -> Iterator[tuple["subprocess.Popen[bytes]", int]]:
    """The server with its page, in a process of its own."""
    port = free_port()
    command = [sys.executable, "-m", "heygem.soak.host", str(folder), engine, str(port)]
    with (folder / "host.log").open("wb") as log:
        environ = os.environ | {"GRADIO_ANALYTICS_ENABLED": "False"}
        process = subprocess.Popen(command, cwd=PROJECT_ROOT, env=environ, stdout=log, stderr=log)
        try:
            wait_until(process, f"http://127.0.0.1:{port}/readyz", perf_counter())
            yield process, port
        finally:
            process.terminate()
            process.wait(STOP_SECONDS)


def _order_some(visitor: Visitor, speech: Path, count: int) -> list[str]:
    """The problems that were said."""
    problems = [visitor.order(speech, "anna") for _ in range(count)]
    return [problem for problem in problems if problem]


def _watch(visitors: list[Visitor]) -> None:
    """Every page asks every second or two, and is drawn where something has changed."""
    with ThreadPoolExecutor(len(visitors)) as pool:
        list(pool.map(_watch_one, visitors, range(len(visitors))))


def _watch_one(visitor: Visitor, number: int) -> None:
    pause = Event()
    pause.wait(number / VISITORS)
    visitor.open()
    until = perf_counter() + WATCH_SECONDS
    while perf_counter() < until:
        visitor.ask()
        pause.wait(visitor.pause_seconds)


def _all_of(visitor: Visitor) -> list[float]:
    return [second for kind in ("page", "draw") for second in visitor.seconds.get(kind, [])]


def _count(folder: Path) -> int:
    """Jobs of every state in the store."""
    store = JobStore(Database(folder / "data" / "jobs.db"))
    counts = store.counts()
    store.close()
    return sum(counts[state] for state in JobState)
