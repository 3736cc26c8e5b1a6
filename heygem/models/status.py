"""What the page may know of a model. Imports no torch, so that status is readable before the engine is."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

TierName = Literal["pinned", "preferred", "optional"]


class ModelState(StrEnum):
    """Life of one model: ABSENT -> VERIFYING -> LOADING -> WARMING -> READY -> ABSENT, or FAILED."""

    ABSENT = "absent"
    VERIFYING = "verifying"
    LOADING = "loading"
    WARMING = "warming"
    READY = "ready"
    FAILED = "failed"


NEXT_STATES: Mapping[ModelState, frozenset[ModelState]] = {
    ModelState.ABSENT: frozenset({ModelState.VERIFYING}),
    ModelState.VERIFYING: frozenset({ModelState.LOADING, ModelState.FAILED}),
    ModelState.LOADING: frozenset({ModelState.WARMING, ModelState.FAILED}),
    ModelState.WARMING: frozenset({ModelState.READY, ModelState.FAILED}),
    ModelState.READY: frozenset({ModelState.ABSENT}),
    ModelState.FAILED: frozenset({ModelState.VERIFYING, ModelState.ABSENT}),
}


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """A snapshot of one model; replaced whole, never edited."""

    name: str
    title: str
    required: bool
    state: ModelState = ModelState.ABSENT
    tier: TierName = "pinned"
    precision: str = ""  # it runs in; "" until loaded
    bytes_on_disk: int = 0
    bytes_resident: int = 0  # its weights on the device, as the model itself counts
    peak_bytes: int = 0  # the most its largest shape needs beside them, measured while warming; 0: unknown
    transfer_bytes: int = 0  # moved through the ring
    transfer_seconds: float = 0.0
    ceiling_bytes_per_second: float = 0.0  # what the wire allowed in this run; 0: not measured
    verify_seconds: float = 0.0
    load_seconds: float = 0.0
    warm_seconds: float = 0.0
    warmed_buckets: tuple[str, ...] = ()
    golden_ok: bool | None = None
    leases: int = 0  # jobs that use it now
    used_at: float | None = None  # seconds since the epoch
    note: str = ""  # something that is no failure: why it was dropped, why it is not compiled
    problem: str = ""  # set with FAILED
    problem_code: str = ""
    problem_file: str = ""  # which one, where one is to blame

    @property
    def transfer_bytes_per_second(self) -> float | None:
        """How fast its weights came; None if that was not measured."""
        return self.transfer_bytes / self.transfer_seconds if self.transfer_seconds else None
