"""Closes the eyes of a photo: the upper lid's skin comes down over the eye, and its lashes with it.

The eye under the lid stays where it is and is covered. The skin between lashes and brow unfolds: it is
stretched downwards, most in the middle, not at all at the brow, and the lashes keep their thickness.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from heygem.engines.mesh.photo.eye import LASHES, Eye
from heygem.engines.mesh.photo.sway import ONE_MAP
from heygem.media.types import YuvFrame
from heygem.templates.easing import eased

Array = NDArray[np.float64]
Plane = NDArray[np.uint8]
MARGIN_PX = 4
EDGE_PX = 1.5  # over which the lid's edge fades into the eye
SHADOW, SHADOW_REACH = 0.22, 0.14  # what the lid takes of the light below it; over which part of the width
STREAK_BLUR = 0.035  # of the width, across the stretch: so that stretched skin shows no streaks
BISECTIONS = 14


@dataclass(frozen=True, slots=True)
class Lid:
    """The part of a photo around one eye, with the lid somewhere over it. The corner is even."""

    pixels: YuvFrame
    left_px: int
    top_px: int

    @property
    def box_px(self) -> tuple[int, int, int, int]:
        """Left, top, right and bottom in the photo."""
        right, bottom = self.left_px + self.pixels.width, self.top_px + self.pixels.height
        return self.left_px, self.top_px, right, bottom

    def lay_over(self, photo: YuvFrame) -> None:
        """Write it into the planes of the photo."""
        for plane, pixels, scale in zip(photo.planes, self.pixels.planes, (1, 2, 2), strict=True):
            left, top, right, bottom = (value // scale for value in self.box_px)
            plane[top:bottom, left:right] = pixels


def lowered(eye: Eye, closure: float, photo: YuvFrame) -> Lid:
    """The eye with its lid down by `closure` (0..1)."""
    limit = np.array([photo.width, photo.height])
    low_px, high_px = eye.box_px()
    low = (np.clip(low_px - MARGIN_PX, 0, limit - 2) // 2 * 2).astype(int)
    high = (np.clip(high_px + MARGIN_PX, low + 2, limit) // 2 * 2).astype(int)
    planes = []
    for index, plane in enumerate((photo.y, photo.u, photo.v)):
        scale = 1 if index == 0 else 2
        (left, top), (right, bottom) = low // scale, high // scale
        columns, rows = np.meshgrid(np.arange(left, right), np.arange(top, bottom))
        at = np.stack([columns, rows], -1) * scale + (scale - 1) / 2  # (h,w,2) luma pixels
        planes.append(_lowered_plane(eye, closure, plane, plane[top:bottom, left:right], at, scale))
    return Lid(YuvFrame(*planes), int(low[0]), int(low[1]))


def _lowered_plane(eye: Eye, closure: float, plane: Plane, part: Plane, at: Array, scale: int) -> Plane:
    """`part` of a plane, whose pixels lie at `at` (h,w,2), with the lid over it."""
    local = eye.to_local(at)
    along, down = local[..., 0], local[..., 1]
    upper, travel, reach = (np.interp(along, eye.columns, c) for c in (eye.upper, eye.travel, eye.reach))
    travel *= closure
    above = upper + travel - down  # over the lowered edge
    over = _unstretched(np.maximum(above, 0), travel, reach, LASHES * eye.width_px)
    source = eye.to_photo(np.stack([along, upper - over], -1))
    map_xy = ((source - (scale - 1) / 2) / scale).astype(np.float32)
    lid = cv2.remap(plane, map_xy, ONE_MAP, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE).astype(float)
    stretched = np.clip(np.gradient(over - above, axis=0) * (2 / scale), 0, 1)
    lid += stretched * (cv2.GaussianBlur(lid, (0, 0), STREAK_BLUR * eye.width_px / scale, sigmaY=0.3) - lid)
    under = part.astype(float)
    if scale == 1:
        under *= 1 - SHADOW * min(1.0, 3 * closure) * _shade(eye, along, -above, travel)
    weight = np.clip(above / (EDGE_PX * scale) + 0.5, 0, 1)
    drawn = np.where((travel > 0) & (above < reach + travel), under + weight * (lid - under), part)
    return np.asarray(np.clip(drawn + 0.5, 0, 255), dtype=np.uint8)


def _shade(eye: Eye, along: Array, below: Array, travel: Array) -> Array:
    """How much in the shade of the lid lies what is `below` its edge: in the open part of the eye only."""
    left = np.interp(along, eye.columns, eye.travel) - travel - below  # to the closed lid's edge
    return np.exp(-np.maximum(below, 0) / (SHADOW_REACH * eye.width_px)) * np.clip(left / EDGE_PX, 0, 1)


def _unstretched(above: Array, travel: Array, reach: Array, lashes: float) -> Array:
    """How far over the open lid's edge lies the skin that is `above` the lowered one: by bisection."""
    low, high = np.zeros_like(above), above
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        too_far = middle + travel * (1 - _follow(middle, reach, lashes)) > above
        low, high = np.where(too_far, low, middle), np.where(too_far, middle, high)
    return (low + high) / 2


def _follow(over: Array, reach: Array, lashes: float) -> Array:
    """Which part of the lid's travel skin takes that lies `over` its edge: 1 at the lashes, 0 at the brow."""
    rigid = np.minimum(lashes, 0.4 * reach)
    return 1 - eased((over - rigid) / (reach - rigid))
