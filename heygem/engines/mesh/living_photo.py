"""A photo as a living template: its eyes blink and its head sways, where that looks right."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from heygem.engines.base import Living
from heygem.engines.mesh.eye import IMAGE_LEFT, IMAGE_RIGHT, Eye
from heygem.engines.mesh.eyelids import lowered
from heygem.engines.mesh.living import Life
from heygem.engines.mesh.portrait import Portrait
from heygem.engines.mesh.speech_motion import Motion
from heygem.engines.mesh.sway import HeadRelief, HeadTurn
from heygem.media.types import YuvFrame
from heygem.templates.canonical import CanonicalFace

Array = NDArray[np.float64]
CLOSURE_LEVELS = 32  # that are told apart, and made once each
# Beyond these nothing is known of the far side of the face, or of its far eye.
MOST_TURN_DEGREES, MOST_TURN_FOR_BLINKS_DEGREES = 38.0, 28.0
LEAST_FACE_PX = 56.0  # for blinks: below, lids are lines of a pixel


@dataclass(frozen=True, slots=True)
class LivingPhoto:
    """What one job does with one photo. `relief` None: the head keeps still; no `eyes`: they stay open."""

    life: Life
    relief: HeadRelief | None
    eyes: tuple[Eye, ...]
    _lids: dict[int, list[tuple[tuple[int, int], YuvFrame]]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        photo: YuvFrame,
        portrait: Portrait,
        motion: Motion,
        face: CanonicalFace,
        fps: float,
        living: Living,
    ) -> "LivingPhoto":
        """With `living` "auto" what would look wrong on this photo is left out."""
        points = portrait.track.points[0].astype(np.float64)
        eyes = tuple(Eye.of(points[:, :2], which, photo.y) for which in (IMAGE_LEFT, IMAGE_RIGHT))
        sways, blinks = True, all(eye.is_inside(photo.width, photo.height) for eye in eyes)
        if living == "auto":
            turn_degrees = float(np.abs(portrait.turn_degrees[0]).max())
            is_large = portrait.track.face_width_px() >= LEAST_FACE_PX
            sways = turn_degrees <= MOST_TURN_DEGREES
            blinks &= is_large and turn_degrees <= MOST_TURN_FOR_BLINKS_DEGREES
            blinks &= all(eye.can_blink(photo.y) for eye in eyes)
        # The same photo lives the same life again, unless it speaks for longer.
        life = Life.of(motion, fps, seed=(crc32(photo.y.tobytes()), len(motion)))
        relief = HeadRelief.of(points, face, photo.width, photo.height) if sways else None
        return cls(life, relief, eyes if blinks else ())

    def head(self, step: int) -> HeadTurn | None:
        """How the head of output frame `step` is turned."""
        if self.relief is None:
            return None
        return self.relief.at(self.life.turn[step], self.life.shift[step])

    def blinking(self, frames: Iterable[YuvFrame]) -> Iterator[YuvFrame]:
        """The same frames of the photo, with the lids where they are by then."""
        for frame, closure in zip(frames, self.life.closure, strict=True):
            level = round(closure * CLOSURE_LEVELS) if self.eyes else 0
            yield self._with_lids(frame, level) if level else frame

    def _with_lids(self, photo: YuvFrame, level: int) -> YuvFrame:
        if level not in self._lids:
            self._lids[level] = [lowered(eye, level / CLOSURE_LEVELS, photo) for eye in self.eyes]
        drawn = photo.copy()
        for (left, top), part in self._lids[level]:
            _lay(drawn.y, part.y, left, top)
            _lay(drawn.u, part.u, left // 2, top // 2)
            _lay(drawn.v, part.v, left // 2, top // 2)
        return drawn


def _lay(plane: NDArray[np.uint8], part: NDArray[np.uint8], left: int, top: int) -> None:
    plane[top : top + part.shape[0], left : left + part.shape[1]] = part
