"""A photo as a living template: its eyes blink and its head sways, where that looks right."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from heygem.engines.base import Living
from heygem.engines.mesh.photo.eye import IMAGE_LEFT, IMAGE_RIGHT, Eye
from heygem.engines.mesh.photo.eyelids import lowered
from heygem.engines.mesh.photo.fine_photo import FinePhoto, TurnedPhoto
from heygem.engines.mesh.photo.living import Life
from heygem.engines.mesh.photo.sway import HeadRelief
from heygem.engines.mesh.portrait import Portrait
from heygem.engines.mesh.speech_motion import Motion
from heygem.media.types import YuvFrame
from heygem.templates.canonical import CanonicalFace

CLOSURE_LEVELS = 32  # that are told apart, and drawn once each
# Beyond these nothing is known of the far side of the face, or of its far eye.
MOST_TURN_DEGREES, MOST_TURN_FOR_BLINKS_DEGREES = 38.0, 28.0
LEAST_FACE_PX = 56.0  # for blinks: below, lids are lines of a pixel


@dataclass(frozen=True, slots=True)
class LivingPhoto:
    """What one job does with one photo.

    Attributes:
        relief: None where the head keeps still.
        photo: with the lids of all levels; none where the eyes stay open.
        levels: (T,) int64, how far the lids are down in each output frame, in `CLOSURE_LEVELS`.
    """

    life: Life
    relief: HeadRelief | None
    photo: FinePhoto
    levels: NDArray[np.int64]

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
        eyes = [Eye.of(points[:, :2], which, photo.y) for which in (IMAGE_LEFT, IMAGE_RIGHT)]
        sways, blinks = True, all(eye.is_inside(photo.width, photo.height) for eye in eyes)
        if living == "auto":
            turn_degrees = float(np.abs(portrait.turn_degrees[0]).max())
            is_large = portrait.track.face_width_px() >= LEAST_FACE_PX
            sways = turn_degrees <= MOST_TURN_DEGREES
            blinks &= is_large and turn_degrees <= MOST_TURN_FOR_BLINKS_DEGREES
            blinks &= all(eye.can_blink(photo.y) for eye in eyes)
        # The same photo lives the same life again, unless it speaks for longer.
        life = Life.of(motion, fps, seed=(crc32(photo.y.tobytes()), len(motion)))
        levels = np.round(life.closure * (CLOSURE_LEVELS if blinks else 0)).astype(np.int64)
        lids = {
            level: [lowered(eye, level / CLOSURE_LEVELS, photo) for eye in eyes]
            for level in np.unique(levels[levels > 0]).tolist()
        }
        relief = HeadRelief.of(points, face, photo.width, photo.height) if sways else None
        return cls(life, relief, FinePhoto.of(photo, lids), levels)

    def turned(self, step: int) -> TurnedPhoto | None:
        """What is seen in output frame `step`; None where the head keeps still."""
        if self.relief is None:
            return None
        turn = self.relief.at(self.life.turn[step], self.life.shift[step])
        return TurnedPhoto(self.photo, int(self.levels[step]), turn)

    def blinking(self, photos: Iterable[YuvFrame]) -> Iterator[YuvFrame]:
        """The photo for each output frame, with the lids where they are by then."""
        for photo, level in zip(photos, self.levels.tolist(), strict=True):
            yield self.photo.blinking(level) if level else photo
