"""The person's own teeth, as an open mouth of the clip shows them, for the net that paints others.

Teeth are rigid: the upper row moves with the skull, the lower one with the jaw. An open mouth is moved so
that either row comes to lie where it is in the mouth that is painted.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from heygem.engines.mesh.mouth_crop import Image
from heygem.models.mouth import CROP_PX

Array = NDArray[np.float64]
ROWS_PART_PX = 4.0  # below the middle between the rows' places: upper teeth hang over lower ones
LEAST_SHOWN_PX = 250  # of the inside, in the mouth crop


@dataclass(frozen=True, slots=True)
class SeenTeeth:
    """An open mouth: crop (160,160,3) RGB 0..255, its inside (160,160) 0..1, and where its teeth are.

    `origin` (3,): see `mouth_crop.teeth_origin`. `gap_in_eyes`: lip gap over the eye corners' distance.
    """

    crop: Image
    inner: Image
    origin: Array
    gap_in_eyes: float

    def at(self, origin: Array) -> tuple[Image, Image]:
        """RGB (160,160,3) and where it shows the inside (160,160), for a mouth with teeth at `origin`."""
        across, down = np.meshgrid(*np.arange(2 * CROP_PX, dtype=np.float32).reshape(2, -1) % CROP_PX)
        is_upper = down < _rows_part(origin)
        moved = (self.origin - origin).astype(np.float32)
        across, down = across + moved[0], down + np.where(is_upper, moved[1], moved[2])
        picture, inner = (
            cv2.remap(image, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
            for image in (self.crop, self.inner)
        )
        same_row = is_upper == (down < _rows_part(self.origin))
        return np.asarray(picture, np.float32), np.asarray(inner * same_row, np.float32)


def _rows_part(origin: Array) -> float:
    """Down to here a pixel belongs to the upper row."""
    return float(origin[1] + origin[2]) / 2 + ROWS_PART_PX


def best_seen(mouths: Sequence[SeenTeeth]) -> SeenTeeth | None:
    """The mouth that shows the most teeth, None where none shows enough of its inside."""
    shown = [mouth for mouth in mouths if mouth.inner.sum() >= LEAST_SHOWN_PX]
    return max(shown, key=_bright_area, default=None)


def _bright_area(mouth: SeenTeeth) -> float:
    """How much of the inside is as bright as teeth: luma over that of half-dark, summed."""
    luma = mouth.crop @ np.array([0.299, 0.587, 0.114], np.float32)
    return float((mouth.inner * np.maximum(luma - 90.0, 0)).sum())
