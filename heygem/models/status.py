"""What the page may know of a model. Imports no torch, so that status is readable before the engine is."""

from dataclasses import dataclass
from enum import StrEnum


class ModelState(StrEnum):
    """Life of one model: ABSENT -> VERIFYING -> LOADING -> WARMING -> READY, or FAILED."""

    ABSENT = "absent"
    VERIFYING = "verifying"
    LOADING = "loading"
    WARMING = "warming"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """A snapshot of one model; replaced whole, never edited."""

    name: str
    title: str
    required: bool
    state: ModelState = ModelState.ABSENT
    bytes_on_disk: int = 0
    bytes_resident: int = 0
    verify_seconds: float = 0.0
    load_seconds: float = 0.0
    warm_seconds: float = 0.0
    warmed_buckets: tuple[str, ...] = ()
    golden_ok: bool | None = None
    problem: str = ""
