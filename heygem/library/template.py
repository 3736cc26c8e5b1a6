"""One template of the library, and advice on it."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from pathlib import Path

from heygem.engines.base import TemplateLook

SMALL_FACE_PX = 110.0  # below it a mouth has too few pixels to look sharp
TURNED_DEGREES = 25.0
ABSENT_SHARE = 0.05
COVERED_SHARE = 0.05  # of the frames with something before the mouth
SHORT_SECONDS = 5.0
LOW_FPS = 23.0
IDLE_SHARE = 0.02  # of the frames with an open mouth: below it the person never talks


class Advice(StrEnum):
    """What could be better about a template. Keys of the page's texts."""

    SMALL_FACE = "small_face"
    TURNED = "turned"
    ABSENT = "absent"
    COVERED = "covered"
    IDLE = "idle"
    SHORT = "short"
    LOW_FPS = "low_fps"
    SEVERAL_FACES = "several_faces"


@dataclass(frozen=True, slots=True)
class Footage:
    """The file, as the probe sees it."""

    width: int
    height: int
    fps: Fraction
    frame_count: int
    duration_seconds: float
    is_photo: bool


@dataclass(frozen=True, slots=True)
class Template:
    """A snapshot of one template."""

    id: str
    name: str  # "" for one that came with HeyGem and has not been renamed
    path: Path
    is_default: bool  # came with HeyGem
    added_at: float  # seconds since the epoch
    footage: Footage | None  # None: nobody has looked yet
    face_point: tuple[float, float] | None  # the face that was clicked, (x, y) in 0..1; None: the main one
    look: TemplateLook | None  # None: not prepared yet
    frames_without_face: int
    asset_key: str  # of its prepared assets in the template cache
    attempts: int  # how often preparing it was begun and not ended
    error_code: str
    error_message: str  # why it cannot be used, "" where it can
    use_count: int  # videos ordered with it
    used_at: float | None


def advice_on(template: Template) -> Iterator[Advice]:
    """What to tell its owner; nothing before it is prepared."""
    footage, look = template.footage, template.look
    if footage is None or look is None:
        return
    if look.face_width_px < SMALL_FACE_PX:
        yield Advice.SMALL_FACE
    if look.turned_degrees > TURNED_DEGREES:
        yield Advice.TURNED
    if template.frames_without_face > ABSENT_SHARE * footage.frame_count:
        yield Advice.ABSENT
    if look.covered_share > COVERED_SHARE:
        yield Advice.COVERED
    if len(look.face_boxes) > 1 and template.face_point is None:
        yield Advice.SEVERAL_FACES
    if look.open_share < IDLE_SHARE:
        yield Advice.IDLE
    if not footage.is_photo and footage.duration_seconds < SHORT_SECONDS:
        yield Advice.SHORT
    if not footage.is_photo and footage.fps < LOW_FPS:
        yield Advice.LOW_FPS
