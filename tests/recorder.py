"""A context for engines that keeps what it is told."""

from heygem.engines.base import Stage
from heygem.errors import JobCanceledError


class Recorder:
    """Keeps every report, and cancels at a stage if asked to."""

    def __init__(self, cancel_at: Stage | None = None) -> None:
        self.seen: list[tuple[Stage, int, int]] = []
        self._cancel_at = cancel_at

    def report(self, stage: Stage, done: int, total: int) -> None:
        self.seen.append((stage, done, total))
        if stage == self._cancel_at:
            raise JobCanceledError("The job was canceled.")
