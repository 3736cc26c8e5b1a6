"""The engine's status for everybody else: a frozen snapshot that is replaced whole."""

import logging
from collections.abc import Callable
from dataclasses import replace
from threading import Condition
from typing import Any

from heygem.engines.status import EngineState, EngineStatus
from heygem.models.status import ModelState, ModelStatus

_log = logging.getLogger(__name__)

_ON_THE_WAY = (ModelState.VERIFYING, ModelState.LOADING, ModelState.WARMING)


class StatusBoard:
    """Any thread may read `status`, without waiting; `wait_until` waits for it, or for a job, to change."""

    def __init__(self, status: EngineStatus) -> None:
        self.status = status
        self._changed = Condition()

    def publish(self, **changes: Any) -> None:
        """Replace some fields of the status."""
        with self._changed:
            self.status = replace(self.status, **changes)
            self._changed.notify_all()

    def serve(self, ready_seconds: float) -> None:
        """The engine is up, that long after it began."""
        self.publish(state=EngineState.READY, step="", ready_seconds=ready_seconds)
        _log.info("ready on %s after %.1f s", self.status.device, ready_seconds)

    def rest(self, preload: bool) -> None:
        """Nothing is to do. Without `preload`, or where one has gone, models load on first use."""
        resident = all(model.state is ModelState.READY for model in self.status.models if model.required)
        self.publish(state=EngineState.READY, job_id=None, preload=preload and resident)

    def fail(self, problem: str, code: str) -> None:
        """The engine is not coming back in this process: what happened and what to do."""
        self.publish(state=EngineState.FAILED, step="", job_id=None, problem=problem, problem_code=code)

    def publish_models(self, models: tuple[ModelStatus, ...]) -> None:
        """Replace the models; while the engine comes up, its step is the model on its way."""
        step = self.status.step
        if self.status.state is EngineState.INITIALIZING:
            step = next((model.name for model in models if model.state in _ON_THE_WAY), "rehearsal")
        self.publish(models=models, step=step)

    def notify(self) -> None:
        """A job has changed."""
        with self._changed:
            self._changed.notify_all()

    def wait_until(self, is_so: Callable[[], bool], timeout_seconds: float | None) -> bool:
        """Block until a condition on the status or on jobs holds; False when the time is up."""
        with self._changed:
            return self._changed.wait_for(is_so, timeout_seconds)
