"""A quiet thread for chores beside the engine: the watchdog, and sweeping old files."""

import logging
from collections.abc import Callable, Sequence
from threading import Event, Thread

_log = logging.getLogger(__name__)


class Housekeeper:
    """Does each chore at the start and every `tick_seconds`; one that fails is logged and tried again."""

    def __init__(self, chores: Sequence[Callable[[], None]], tick_seconds: float = 1.0) -> None:
        self._chores = tuple(chores)
        self._tick_seconds = tick_seconds
        self._stopping = Event()
        self._thread = Thread(target=self._main, name="housekeeping", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End it after the chore it is at."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _main(self) -> None:
        while not self._stopping.is_set():
            for chore in self._chores:
                try:
                    chore()
                except Exception:
                    _log.exception("a chore failed")
            self._stopping.wait(self._tick_seconds)
