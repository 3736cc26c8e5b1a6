"""Looks for what is before a face most of the time: a hand at the chin, a microphone.

What comes and goes is told by colour (`heygem.templates.visibility`); what is always there has no other
colour to be told by, so a net looks for it in some of the frames.
"""

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
class CoverWatch:
    """Looks at one face after the other."""

    seer: CoverSeer
    face: CanonicalFace

    def look(self, crop: NDArray[np.uint8], points_px: NDArray[np.floating]) -> NDArray[np.float32]:
        """How surely each vertex is covered: (S,S,3) RGB and landmarks (478,2+) in it -> (468,) in 0..1.

        Places out of reach of the square around the mouth count as free.
        """
        window_to_crop = mouth_window(points_px, self.face, COVER_PX)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        looked_at = cv2.warpAffine(
            crop, window_to_crop, (COVER_PX, COVER_PX), flags=flags, borderMode=cv2.BORDER_REPLICATE
        )
        answer = self.seer.covered(np.asarray(looked_at, np.uint8)[None])[0]  # (40,40)
        crop_to_window = cv2.invertAffineTransform(window_to_crop)
        places = points_px[:VERTEX_COUNT, :2] @ crop_to_window[:, :2].T + crop_to_window[:, 2]
        x, y = ((places + 0.5) * ANSWER_PX / COVER_PX - 0.5).astype(np.float32).T
        found = cv2.remap(answer, x[None], y[None], cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
        return np.asarray(found[0], np.float32)


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
