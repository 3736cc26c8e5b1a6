"""What a job is: the order (`JobSpec`), its life (`JobState`) and a snapshot of it (`Job`)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from heygem.engines.base import LipSyncOptions

DEFAULT_ENGINE = "mesh"


class JobState(StrEnum):
    """pending <-> running -> succeeded, failed or canceled; a pending job may be canceled too."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"

    @property
    def is_final(self) -> bool:
        """Nothing happens to the job any more."""
        return self not in (JobState.PENDING, JobState.RUNNING)


@dataclass(frozen=True, slots=True)
class JobSpec:
    """What is wanted. The names are what a person calls the inputs; empty ones are taken from the paths."""

    audio_path: Path
    template_path: Path
    engine: str = DEFAULT_ENGINE
    options: LipSyncOptions = field(default_factory=LipSyncOptions)
    title: str = ""
    audio_name: str = ""
    template_name: str = ""
    template_id: str = ""  # of the library; "" for a file that is not in it


@dataclass(frozen=True, slots=True)
class Job:
    """A snapshot of one job; the store makes a new one at each reading. Times are seconds since the epoch."""

    id: str  # 32 hexadecimal digits
    spec: JobSpec
    state: JobState
    created_at: float
    started_at: float | None = None  # of the latest attempt
    finished_at: float | None = None
    stage: str = ""  # a Stage of heygem.engines.base, "" before the first report
    done: int = 0  # of `total`, in the stage's own units
    total: int = 0
    stage_started_at: float | None = None
    attempt: int = 0  # how often it was started
    deaths: int = 0  # how often the process died meanwhile
    error_code: str = ""  # HeyGemError.code: key of the translated text
    error_message: str = ""
    error_details: Mapping[str, str] = field(default_factory=dict)
    output_path: Path | None = None  # of a succeeded job, until retention removes the file
    output_sha256: str = ""
    timings: Mapping[str, float] = field(default_factory=dict)  # stage -> wall seconds
    priority: int = 0  # higher first
    pinned: bool = False  # retention leaves the output alone
    idempotency_key: str | None = None
    cancel_requested: bool = False
    batch_id: str = ""  # "" for a single job
    checkup: Mapping[str, float | str] = field(default_factory=dict)  # a look at the result
