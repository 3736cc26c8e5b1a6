"""Small work for the engine thread between jobs: preparing templates, looking at finished videos."""

from collections.abc import Callable
from threading import Lock
from typing import Literal, Protocol

from heygem.engines.base import JobContext
from heygem.errors import HeyGemError
from heygem.jobs.engine_set import EngineSet

ErrandKind = Literal["prepare", "check"]  # a template is prepared, a finished video is checked


class Errand(Protocol):
    """One piece of such work. `run` and `failed` are called on the engine thread."""

    @property
    def key(self) -> str:
        """Two errands of one key are the same."""

    @property
    def kind(self) -> ErrandKind:
        """What the page says of it."""

    @property
    def goes_first(self) -> bool:
        """Somebody waits for it: it is done before the next job; else it gives way to every job."""

    def run(self, engines: EngineSet, context: JobContext) -> None:
        """Do it, reporting to `context`, which may end it with JobCanceledError."""

    def failed(self, error: HeyGemError) -> None:
        """It could not be done, and will not be tried again."""


class ErrandList:
    """What is still to be done, in order. Thread-safe."""

    def __init__(self, wake: Callable[[], None]) -> None:
        """`wake` is called when something was added."""
        self._wake = wake
        self._lock = Lock()
        self._errands: dict[str, Errand] = {}
        self._running: Errand | None = None

    @property
    def running(self) -> str:
        """The key of the errand at work, or ""."""
        running = self._running
        return "" if running is None else running.key

    @property
    def running_kind(self) -> ErrandKind | None:
        """What the errand at work is."""
        running = self._running
        return None if running is None else running.kind

    def __contains__(self, key: str) -> bool:
        return key in self._errands

    def add(self, errand: Errand) -> None:
        """Do it when there is time; a known one keeps its place."""
        with self._lock:
            self._errands.setdefault(errand.key, errand)
        self._wake()

    def drop(self, key: str) -> None:
        """It is not wanted any more."""
        with self._lock:
            self._errands.pop(key, None)

    def next(self, *, only_first: bool) -> Errand | None:
        """What to do now; with `only_first` only what goes before jobs."""
        with self._lock:
            wanted = (errand for errand in self._errands.values() if errand.goes_first or not only_first)
            return next(wanted, None)

    def start(self, errand: Errand) -> None:
        """It is being done."""
        self._running = errand

    def stop(self, errand: Errand, *, is_done: bool) -> None:
        """It is not being done any more; if it is not done, it stays on the list."""
        self._running = None
        if is_done:
            self.drop(errand.key)
