"""The person's own teeth, as an open mouth of the clip shows them, for mouths that are painted.

Teeth are rigid: the upper row moves with the skull, the lower one with the jaw. An open mouth is moved so
that either row comes to lie where it is in the mouth that is painted. The net paints with an eye on it, and
what is surely a tooth there is then laid over what it painted.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from heygem.engines.mesh.mouth_crop import Image, MouthMasks, teeth_origin
from heygem.engines.mesh.teeth.tone import LUMA, teeth_in
from heygem.models.mouth import CROP_PX

Array = NDArray[np.float64]
ROWS_PART_PX = 4.0  # below the middle between the rows' places: upper teeth hang over lower ones
LEAST_SHOWN_PX = 250  # of the inside, in the mouth crop
EDGE_PX = 3  # of lips, whose colour is on the teeth beside them
LAID_OVER, SOFT_PX = 0.8, 0.8  # how much of own teeth is laid over painted ones, and their edge
BESIDE_PX = 3  # own teeth lie where painted ones are, and as far beside them: a person shows so many
HALF_DARK = 90.0  # luma
# Between lips hardly open, teeth are in the dark: area of the inside, in the crop.
DARK_AREA_PX, LIGHT_AREA_PX = 400.0, 900.0
ALIKE_DEGREES, UNLIKE_DEGREES = 5.0, 9.0  # of turn, between which teeth cease to lie where they are wanted


@dataclass(frozen=True, slots=True)
class SeenTeeth:
    """An open mouth: crop (160,160,3) RGB 0..255, its inside and its teeth (160,160) 0..1, and their place.

    `origin` (3,): see `mouth_crop.teeth_origin`. `gap_in_eyes`: lip gap over the eye corners' distance.
    `turned_degrees`: how far the head is turned from where it is in the mouths to paint.
    """

    crop: Image
    inner: Image
    teeth: Image
    origin: Array
    gap_in_eyes: float
    turned_degrees: float = 0.0

    @classmethod
    def of(cls, crop: Image, mesh: Array, gap_in_eyes: float, turned_degrees: float) -> "SeenTeeth":
        """From a filmed mouth: crop (160,160,3) RGB 0..255, mesh (V,2) in crop pixels."""
        masks = MouthMasks.of(mesh)
        teeth = teeth_in(crop, masks) * cv2.erode(masks.inner, np.ones((EDGE_PX, EDGE_PX)))
        teeth = np.asarray(teeth, np.float32)
        return cls(crop, masks.inner, teeth, teeth_origin(mesh), gap_in_eyes, turned_degrees)

    def at(self, origin: Array) -> "PlacedTeeth":
        """For a mouth with teeth at `origin`."""
        across, down = np.meshgrid(*np.arange(2 * CROP_PX, dtype=np.float32).reshape(2, -1) % CROP_PX)
        is_upper = down < _rows_part(origin)
        moved = (self.origin - origin).astype(np.float32)
        across, down = across + moved[0], down + np.where(is_upper, moved[1], moved[2])
        picture, inner, teeth = (
            cv2.remap(image, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT).astype(
                np.float32
            )
            for image in (self.crop, self.inner, self.teeth)
        )
        same_row = (is_upper == (down < _rows_part(self.origin))).astype(np.float32)
        alike = (UNLIKE_DEGREES - self.turned_degrees) / (UNLIKE_DEGREES - ALIKE_DEGREES)
        return PlacedTeeth(
            picture, inner * same_row, teeth * same_row, self.gap_in_eyes, float(np.clip(alike, 0, 1))
        )


@dataclass(frozen=True, slots=True)
class PlacedTeeth:
    """An open mouth whose rows lie where they are in another one.

    picture: (160,160,3) RGB 0..255. inside, teeth: (160,160) 0..1, where it shows the inside, and teeth.
    gap_in_eyes: as in `SeenTeeth`. alike: 0..1, how much its head is turned as that of the other mouth.
    """

    picture: Image
    inside: Image
    teeth: Image
    gap_in_eyes: float
    alike: float

    def laid_over(self, crop: Image, masks: MouthMasks, residual: Image) -> Image:
        """Residual (160,160,3), to add to a crop of RGB 0..255, with these for the teeth it has."""
        light = np.clip((masks.inner.sum() - DARK_AREA_PX) / (LIGHT_AREA_PX - DARK_AREA_PX), 0, 1)
        weight = LAID_OVER * self.alike * float(light)
        if weight == 0:
            return residual
        painted = teeth_in(np.clip(crop + residual, 0, 255), masks) * masks.inner
        where = self.teeth * cv2.dilate(painted, np.ones((BESIDE_PX, BESIDE_PX))) * masks.inner
        share = weight * cv2.GaussianBlur(where, (0, 0), SOFT_PX)[..., None]
        return np.asarray(residual + share * (self.picture - crop - residual), np.float32)


def _rows_part(origin: Array) -> float:
    """Down to here a pixel belongs to the upper row."""
    return float(origin[1] + origin[2]) / 2 + ROWS_PART_PX


def best_seen(mouths: Sequence[SeenTeeth]) -> SeenTeeth | None:
    """The mouth that shows the most teeth, None where none shows enough of its inside."""
    shown = [mouth for mouth in mouths if mouth.inner.sum() >= LEAST_SHOWN_PX]
    return max(shown, key=_bright_area, default=None)


def _bright_area(mouth: SeenTeeth) -> float:
    """How much of the inside is as bright as teeth: luma over that of half-dark, summed."""
    return float((mouth.inner * np.maximum(mouth.crop @ LUMA - HALF_DARK, 0)).sum())
