"""The upright square around a mouth that the repair net works on, and how its answer enters the picture.

160 px, 0.64 canonical units wide, turned upright by the 2-D similarity of the stable points, centred between
the mouth corners. The net adds full detail inside the lips and on the lip line, and only low frequencies on
the skin around, so that stubble and pores stay the person's own.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from heygem.models.mouth import CROP_PX
from heygem.templates.canonical import (
    CHIN,
    INNER_LIPS,
    NOSE_BASE,
    OUTER_LIPS,
    CanonicalFace,
)
from heygem.templates.mouth_window import mouth_window

Array = NDArray[np.float64]
Image = NDArray[np.float32]
SKIN_BLUR_PX = 2.2  # the residual's sigma outside the lips
EMPTIED_BLUR_PX = 1.0  # of the edge of what is taken out between the lips
SUBPIXEL_BITS = 3
# Where lips meet at rest, in crop pixels below the nose base and above the chin; and how far teeth can be.
REST_BELOW_NOSE_PX, REST_ABOVE_CHIN_PX = 39.0, 71.5
TEETH_REACH_PX = 48.0


@dataclass(frozen=True, slots=True)
class MouthMasks:
    """Four masks (160,160) float32 in 0..1 of one mouth.

    inner, lips: the inside of the inner and of the outer lip ring. sharp: where a residual counts in full
    detail; reach: where it counts at all.
    """

    inner: Image
    lips: Image
    sharp: Image
    reach: Image

    @classmethod
    def of(cls, vertices: NDArray[np.floating]) -> "MouthMasks":
        """From the mesh (V,2) in crop pixels."""
        size = (CROP_PX, CROP_PX)
        inner, lips = filled(vertices[list(INNER_LIPS)], size), filled(vertices[list(OUTER_LIPS)], size)
        sharp = cv2.GaussianBlur(cv2.dilate(inner, np.ones((7, 7))), (0, 0), SKIN_BLUR_PX)
        reach = cv2.GaussianBlur(cv2.dilate(lips, np.ones((15, 15))), (0, 0), 3)
        return cls(inner, lips, np.clip(sharp, 0, 1), np.clip(reach, 0, 1))

    @property
    def soft_inner(self) -> Image:
        """The inside with an edge soft enough for changes of colour."""
        return np.asarray(cv2.GaussianBlur(self.inner, (0, 0), 1.0), dtype=np.float32)

    @property
    def way_down(self) -> Image:
        """From 0 at the upper lip to 1 at the lower one, in every column of the inside; 0 beside it."""
        inside = self.inner > 0.5
        way = (np.cumsum(inside, 0) - 0.5) / np.maximum(inside.sum(0), 1)
        return np.asarray(np.where(inside, way, 0), dtype=np.float32)

    def applied(self, residual: Image) -> Image:
        """What of a residual (160,160,3) enters the picture."""
        soft = cv2.GaussianBlur(residual, (0, 0), SKIN_BLUR_PX)
        sharp = self.sharp[..., None]
        return np.asarray((residual * sharp + soft * (1 - sharp)) * self.reach[..., None], dtype=np.float32)


def teeth_origin(vertices: NDArray[np.floating]) -> Array:
    """Mesh (...,V,2) in crop pixels -> (...,3): x of the teeth's middle, y of the upper and the lower row."""
    middle = vertices[..., OUTER_LIPS, 0].mean(-1)
    upper = vertices[..., NOSE_BASE, 1] + REST_BELOW_NOSE_PX
    lower = vertices[..., CHIN, 1] - REST_ABOVE_CHIN_PX
    return np.asarray(np.stack([middle, upper, lower], -1))


def teeth_places(origin: Array) -> Image:
    """(3,) -> (3,160,160): every pixel's place across, down from the skull, down from the jaw."""
    pixels = np.arange(CROP_PX)
    across = np.broadcast_to(pixels - origin[0], (CROP_PX, CROP_PX))
    down = [np.broadcast_to((pixels - row)[:, None], (CROP_PX, CROP_PX)) for row in origin[1:]]
    return np.asarray(np.stack([across, *down]) / TEETH_REACH_PX, dtype=np.float32)


def crop_to_frame(points_px: NDArray[np.floating], face: CanonicalFace) -> Array:
    """Landmarks (478,2+) in frame pixels -> (2,3) affine from crop pixels to frame pixels."""
    return mouth_window(points_px, face, CROP_PX)


def to_crop(points_px: Array, crop_to_frame: Array) -> Array:
    """(M,2) frame pixels -> (M,2) crop pixels."""
    return np.asarray((points_px - crop_to_frame[:, 2]) @ np.linalg.inv(crop_to_frame[:, :2]).T)


def filled(polygon: NDArray[np.floating], size: tuple[int, int]) -> Image:
    """(M,2) pixels -> (height,width) float32 in 0..1, antialiased."""
    mask = np.zeros(size, np.uint8)
    points = np.round(polygon * (1 << SUBPIXEL_BITS)).astype(np.int32)
    cv2.fillPoly(mask, [points], 255, cv2.LINE_AA, SUBPIXEL_BITS)
    return np.asarray(mask / 255, dtype=np.float32)
