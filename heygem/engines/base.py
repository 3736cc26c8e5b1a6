"""The protocol every lip-sync engine keeps, and what goes in and out of it. Imports no torch."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Literal, Protocol

LoopMode = Literal["pingpong", "loop", "freeze"]
Living = Literal["auto", "on", "off"]
FaceBox = tuple[float, float, float, float]  # x0, y0, x1, y1 in 0..1 of the picture
Stage = Literal["audio", "template", "motion", "render", "finish"]
STAGES: tuple[Stage, ...] = ("audio", "template", "motion", "render", "finish")


@dataclass(frozen=True, slots=True)
class LipSyncOptions:
    """Choices of one job. They travel in the request and are never written into a resident model."""

    fps: Fraction | None = None  # None: the template's own
    expressiveness: float = 1.0  # scales mouth motion, 0.5-1.5
    smile: float = 0.0  # added to the whole video, 0-1
    audio_offset_ms: int = 0  # positive: the mouth moves later, -500..500
    loop_mode: LoopMode = "pingpong"
    quality_crf: int = 18  # x264 constant rate factor, 10-32
    face_point: tuple[float, float] | None = None  # (x, y) in 0..1 of the frame: which face, None = main one
    living: Living = "auto"  # photos: blinks and slight head motion; auto: where it looks right
    visible_label: bool = False  # burn "AI generated" into the picture
    bank_gap_seconds: float = 0.0  # > 0: the mouth bank may not use frames nearer in time than this


@dataclass(frozen=True, slots=True)
class LipSyncRequest:
    """One job for an engine. `output_path` is the partial file; the caller publishes it."""

    audio_path: Path
    template_path: Path
    output_path: Path
    options: LipSyncOptions = field(default_factory=LipSyncOptions)


@dataclass(frozen=True, slots=True)
class LipSyncResult:
    """What was made. `stage_seconds` are wall seconds by stage."""

    frame_count: int
    fps: Fraction
    width: int
    height: int
    duration_seconds: float
    stage_seconds: Mapping[str, float]
    template_was_prepared: bool


@dataclass(frozen=True, slots=True)
class TemplateLook:
    """What an engine sees in a template: what its quality depends on."""

    face_width_px: float  # median of the followed face
    turned_degrees: float  # how far the head turns away, at its 95th percentile
    open_share: float  # 0..1 of the frames with the face: its mouth is open
    still_frame: int  # the first frame that shows a face
    face_boxes: tuple[FaceBox, ...]  # all faces there, the largest first
    covered_share: float = 0.0  # 0..1 of the frames with the face: something is before its mouth


@dataclass(frozen=True, slots=True)
class PreparedTemplate:
    """Outcome of preparing a template ahead of its first job."""

    asset_key: str  # what the template cache calls it
    frame_count: int
    frames_without_face: int
    was_prepared: bool
    look: TemplateLook


@dataclass(frozen=True, slots=True)
class Checkup:
    """A finished video seen with the landmarker's eyes, against the mouth motion that was asked for."""

    correlation: float  # of the mouth's opening, -1..1, with picture and sound as they are
    best_correlation: float  # the same at the best shift
    offset_ms: float  # that shift; positive: the mouth comes late
    frames_without_face: int


class JobContext(Protocol):
    """How an engine tells its caller where it is, and learns that it should stop."""

    def report(self, stage: Stage, done: int, total: int) -> None:
        """Say how far `stage` is, in its own units (frames while rendering). Also the heartbeat of the job.

        Raises:
            JobCanceledError: the job was canceled; the engine cleans up and lets it pass.
        """


class SilentContext:
    """A context nobody watches: for rehearsals and tools."""

    def report(self, stage: Stage, done: int, total: int) -> None:
        """Nothing to tell."""


class LipSyncEngine(Protocol):
    """A way to make a person say something. Lives on the engine thread; holds resident models."""

    @property
    def name(self) -> str:
        """What settings and jobs call it."""

    def prepare(
        self, template_path: Path, face_point: tuple[float, float] | None, context: JobContext
    ) -> PreparedTemplate:
        """Track and prepare a template so that its first job is warm."""

    def generate(self, request: LipSyncRequest, context: JobContext) -> LipSyncResult:
        """Write the finished video to `request.output_path`.

        Raises:
            MediaError, FaceError: the input is unusable; said before heavy work starts where possible.
            JobCanceledError: asked for through the context.
            DeviceError: the device failed.
        """

    def check(self, video_path: Path, request: LipSyncRequest, context: JobContext) -> Checkup:
        """Look at the finished video of `request`, wherever it lies now.

        Raises:
            MediaError, FaceError: it cannot be read, or shows no face any more.
        """

    def rehearse(self) -> None:
        """Make one tiny job of synthetic input through the real code, so that the first job is a warm one."""
