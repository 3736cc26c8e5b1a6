"""The engine's side of a piece of work: it says how far it is, and learns that it should stop."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from heygem.engines.base import Stage
from heygem.errors import JobCanceledError, StorageError
from heygem.jobs.store import JobStore
from heygem.log import set_stage

WRITE_SECONDS = 1.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Beat:
    """When work last moved on: a report that repeats the one before it does not renew the beat."""

    stage: str
    done: int
    total: int
    at_seconds: float  # time.monotonic()


class Work:
    """A `JobContext`. The engine thread reports; the watchdog reads `beat` and may `abandon`."""

    def __init__(self, on_report: Callable[[], None]) -> None:
        """`on_report` runs on the engine thread at each report; it raises JobCanceledError to end it all."""
        self._on_report = on_report
        self.beat = Beat("", 0, 0, time.monotonic())
        self.is_abandoned = False

    def abandon(self) -> None:
        """Somebody else has decided what becomes of the work: its next report ends it."""
        self.is_abandoned = True

    def report(self, stage: Stage, done: int, total: int) -> None:
        """See `JobContext`."""
        if self.is_abandoned:
            raise JobCanceledError("The work was given up.")
        if stage != self.beat.stage:
            set_stage(stage)
        if (stage, done) != (self.beat.stage, self.beat.done):
            self.beat = Beat(stage, done, total, time.monotonic())
        self._on_report()


class JobWork(Work):
    """Work on a job of the store: writes its progress at most once a second, and reads whether to stop."""

    def __init__(self, job_id: str, store: JobStore, on_report: Callable[[], None]) -> None:
        super().__init__(on_report)
        self.job_id = job_id
        self._store = store
        self._written_at = float("-inf")

    def report(self, stage: Stage, done: int, total: int) -> None:
        """See `JobContext`."""
        super().report(stage, done, total)
        if time.monotonic() - self._written_at >= WRITE_SECONDS:
            self.write()

    def write(self) -> None:
        """Write how far the job is.

        Raises:
            JobCanceledError: the job is to be canceled.
        """
        self._written_at = time.monotonic()
        if self._heartbeat(self.beat):
            raise JobCanceledError("The job was canceled.")

    def _heartbeat(self, beat: Beat) -> bool:
        try:
            return self._store.heartbeat(self.job_id, beat.stage, beat.done, beat.total)
        except StorageError:  # a full disk: the job may still succeed when there is room again
            _log.warning("progress could not be written", exc_info=True)
            return False
