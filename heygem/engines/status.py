"""What the page may know of the engine. Imports no torch."""

from dataclasses import dataclass
from enum import StrEnum

from heygem.models.status import ModelState, ModelStatus


class EngineState(StrEnum):
    """INITIALIZING -> READY <-> BUSY -> DRAINING -> STOPPED, and FAILED."""

    INITIALIZING = "initializing"
    READY = "ready"
    BUSY = "busy"
    DRAINING = "draining"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """A snapshot of the engine; the engine thread replaces it, readers only read it."""

    state: EngineState = EngineState.INITIALIZING
    step: str = "waiting"  # key of what it is doing: "waiting", "importing", "<model name>", "rehearsal", ""
    models: tuple[ModelStatus, ...] = ()
    device: str = ""  # "" until known, then "cpu" or "cuda:0"
    device_note: str = ""  # why it is not the device one would expect
    started_at_seconds: float = 0.0  # time.monotonic() when preloading began
    ready_seconds: float | None = None  # start of preloading -> READY
    preload: bool = True  # False: models load on first use
    problem: str = ""  # set with FAILED: what happened and what to do
    problem_code: str = ""  # the `code` of the error behind it, for translation
    job_id: str | None = None  # set with BUSY

    @property
    def ready_models(self) -> int:
        """How many models are READY (k of `len(models)`)."""
        return sum(model.state is ModelState.READY for model in self.models)
