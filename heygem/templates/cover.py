"""Looks for what is before a face most of the time: a hand at the chin, a microphone.

What comes and goes is told by colour (`heygem.templates.visibility`); what is always there has no other
colour to be told by, so a net looks for it in some of the frames.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from heygem.models.cover import ANSWER_PX, COVER_PX
from heygem.templates.canonical import VERTEX_COUNT, CanonicalFace
from heygem.templates.mouth_window import mouth_window

LOOK_EVERY_FRAMES = 4
SURE = 0.5
LEAST_PLACES, LEAST_SHARE = 4, 0.25  # of a face that are surely covered, and of the frames they are so in


class CoverSeer(Protocol):
    """What marks covers in mouth crops: the net, or a fake."""

    def covered(self, mouths: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See `heygem.models.cover.CoverNet`."""
        ...


@dataclass(frozen=True, slots=True)
class CoverWindow:
    """The square around a mouth (80,80,3) RGB, and where in it the vertices are (468,2), in its pixels."""

    picture: NDArray[np.uint8]
    places_px: NDArray[np.float32]

    @classmethod
    def of(
        cls, crop: NDArray[np.uint8], points_px: NDArray[np.floating], face: CanonicalFace
    ) -> "CoverWindow":
        """From a picture (S,S,3) RGB of a face and the landmarks (478,2+) in it."""
        window_to_crop = mouth_window(points_px, face, COVER_PX)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        picture = cv2.warpAffine(
            crop, window_to_crop, (COVER_PX, COVER_PX), flags=flags, borderMode=cv2.BORDER_REPLICATE
        )
        crop_to_window = cv2.invertAffineTransform(window_to_crop)
        places = points_px[:VERTEX_COUNT, :2] @ crop_to_window[:, :2].T + crop_to_window[:, 2]
        return cls(np.asarray(picture, np.uint8), places.astype(np.float32))


def covers_in(windows: Sequence[CoverWindow], seer: CoverSeer) -> NDArray[np.float32]:
    """How surely each vertex is covered in M windows: (M,468) in 0..1; 0 out of the square's reach."""
    if not windows:
        return np.zeros((0, VERTEX_COUNT), np.float32)
    answers = seer.covered(np.stack([window.picture for window in windows]))  # (M,40,40)
    return np.concatenate(
        [_at(answer, window.places_px) for answer, window in zip(answers, windows, strict=True)]
    )


def _at(answer: NDArray[np.float32], places_px: NDArray[np.float32]) -> NDArray[np.float32]:
    """(40,40) at places (V,2) of the window -> (1,V)."""
    x, y = ((places_px + 0.5) * (ANSWER_PX / COVER_PX) - 0.5).T
    found = cv2.remap(answer, x[None], y[None], cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return np.asarray(found, np.float32)


@dataclass(frozen=True, slots=True)
class CoverWatch:
    """Who looks, and the face that is looked at."""

    seer: CoverSeer
    face: CanonicalFace


def lasting(looks: NDArray[np.float32], looked_in: NDArray[np.int64], count: int) -> NDArray[np.float32]:
    """Looks (M,468) in frames (M,), ascending -> (N,468) for all frames; zeros if nothing is there for long.

    Between two looks the surer one holds.
    """
    often = (looks > SURE).sum(1) >= LEAST_PLACES
    if len(looks) == 0 or often.mean() < LEAST_SHARE:
        return np.zeros((count, VERTEX_COUNT), np.float32)
    after = np.searchsorted(looked_in, np.arange(count))
    before = np.clip(after - 1, 0, None)
    return np.maximum(looks[before], looks[np.clip(after, None, len(looks) - 1)])
