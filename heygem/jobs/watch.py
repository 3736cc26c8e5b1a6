"""What the engine thread is at, for the watchdog, which runs on another thread."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from heygem.jobs.progress import Work


class Watch:
    """Over one piece of work at a time."""

    def __init__(self) -> None:
        self._work: Work | None = None

    @contextmanager
    def over(self, work: Work) -> Iterator[None]:
        """Inside, `work` may be given up by the watchdog."""
        self._work = work
        try:
            yield
        finally:
            self._work = None

    def abandoned_after(self, seconds: float) -> Work | None:
        """The work, given up now, if it has shown no progress for so long."""
        work = self._work
        if work is None or time.monotonic() - work.beat.at_seconds < seconds:
            return None
        work.abandon()
        return work
