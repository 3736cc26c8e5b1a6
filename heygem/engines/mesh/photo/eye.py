"""An eye of a photo: where its lids run, how far skin gives above it, and whether it can blink.

The landmarks say about where the lids are; the photo says where the lashes are, and whether spectacles cross.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from heygem.engines.mesh.photo.sway import ONE_MAP
from heygem.templates.easing import eased

Array = NDArray[np.float64]
Plane = NDArray[np.uint8]
# All lengths are in parts of the eye's width, corner to corner.
SKIN_REACH = 0.62  # how far up towards the brow the skin gives, in parts of the way
LEAST_REACH = 0.10
LASHES = 0.13  # this much above the lid's edge moves as one piece
OVERLAP = 0.05  # of the opening: how far the closed lid reaches over the lower one
# Closed lids meet in a flat bow, below the steep corners of the lower lid; skin beside the corners follows.
MOST_SAG, BESIDE_OUTER, BESIDE_INNER = 0.12, 0.30, 0.10
# How the lashes are looked for around the landmarks, and the spread of brightness (levels) that tells them
# from skin.
LASH_SEARCH_UP, LASH_SEARCH_DOWN, LASH_CONTRAST = 0.13, 0.04, 7.0
# A line this wide at most and this much darker than the lid may be a rim.
LINE_WIDTH, LINE_CONTRAST = 0.07, 0.10
LEAST_OPENING = 0.15  # below, an eye counts as shut
LEAST_ROOM_UNDER_RIM = 0.22  # between lashes and rim: from less no lid can be made
# In parts of the cheek's brightness: what an eye shows between white and iris, and how dark skin under an eye
# can be. Sunglasses show neither.
LEAST_EYE_CONTRAST, LEAST_SKIN_BELOW = 0.22, 0.45
COLUMNS = 48


@dataclass(frozen=True, slots=True)
class EyePoints:
    """Landmarks of one eye, from its outer corner to its inner one."""

    upper: tuple[int, ...]
    lower: tuple[int, ...]
    brow: tuple[int, ...]  # its lower edge


IMAGE_LEFT = EyePoints(
    (33, 246, 161, 160, 159, 158, 157, 173, 133),
    (33, 7, 163, 144, 145, 153, 154, 155, 133),
    (46, 53, 52, 65, 55),
)
IMAGE_RIGHT = EyePoints(
    (263, 466, 388, 387, 386, 385, 384, 398, 362),
    (263, 249, 390, 373, 374, 380, 381, 382, 362),
    (276, 283, 282, 295, 285),
)


@dataclass(frozen=True, slots=True)
class Eye:
    """One eye in its own coordinates: `along` from corner to corner, `down` across, in pixels.

    Attributes:
        origin_px: (2,) of the first corner in the photo; axes: (2,2) rows are `along` and `down`.
        columns: (C,) places along, from beside the outer corner to beside the inner one.
        upper, travel, reach: (C,) edge of the upper lid, its way until the eye is shut, and how far above it
            skin gives.
        opening: of the widest place, in parts of the width.
        has_rim: whether the rim of spectacles runs over the lid.
    """

    origin_px: Array
    axes: Array
    width_px: float
    columns: Array
    upper: Array
    travel: Array
    reach: Array
    opening: float
    has_rim: bool

    @classmethod
    def of(cls, points_px: Array, which: EyePoints, luma: Plane) -> "Eye":
        """From (478,2) landmarks; the lid's edge is put on the lashes the photo shows."""
        corner, axes, width = _frame_of(points_px, which)
        place = np.linspace(-BESIDE_OUTER, 1 + BESIDE_INNER, COLUMNS)
        upper, lower, brow = (
            _course(place, (points_px[list(ids)] - corner) @ axes.T / width)
            for ids in (which.upper, which.lower, which.brow)
        )
        upper, lower = _smooth(upper), _smooth(lower)
        opening = float((lower - upper).max())
        down_px = width * axes[1]
        at = corner + width * np.stack([place, upper], 1) @ axes
        upper = np.minimum(upper + _lash_offset(luma, at, down_px, place), lower)
        reach = np.maximum(SKIN_REACH * (upper - brow), LEAST_REACH)
        at = corner + width * np.stack([place, upper], 1) @ axes
        rim = _rim(luma, at, -down_px, reach, place)
        reach = np.minimum(reach, rim)
        travel = _meeting(place, lower) + OVERLAP * (lower - upper) - upper
        travel *= eased(1 + place / BESIDE_OUTER) * eased((1 + BESIDE_INNER - place) / BESIDE_INNER)
        place, upper, travel, reach = (width * part for part in (place, upper, travel, reach))
        return cls(corner, axes, width, place, upper, travel, reach, opening, bool(np.isfinite(rim).all()))

    def to_photo(self, local: Array) -> Array:
        """(...,2) along and down -> (...,2) pixels."""
        return np.asarray(local @ self.axes + self.origin_px)

    def to_local(self, photo_px: Array) -> Array:
        """(...,2) pixels -> (...,2) along and down."""
        return np.asarray((photo_px - self.origin_px) @ self.axes.T)

    def can_blink(self, luma: Plane) -> bool:
        """Whether the photo shows this eye open and uncovered: white and iris in it, and skin below it."""
        room = float(np.median(self.reach)) / self.width_px
        if self.opening < LEAST_OPENING or (self.has_rim and room < LEAST_ROOM_UNDER_RIM):
            return False
        columns = np.linspace(0.2, 0.8, 24) * self.width_px
        upper, travel = (np.interp(columns, self.columns, c) for c in (self.upper, self.travel))

        def seen(from_edge: Array) -> Array:
            """Brightness at (n,C) places below the lid's open edge."""
            at = self.to_photo(np.stack(np.broadcast_arrays(columns, upper + from_edge), -1))
            return _brightness(luma, at)

        inside = seen(np.linspace(0.1, 0.9, 16)[:, None] * travel)
        below, cheek = (
            float(np.median(seen(travel + self.width_px * np.linspace(*reach, 5)[:, None])))
            for reach in ((0.2, 0.35), (0.8, 1.1))
        )
        contrast = float(np.ptp(np.percentile(inside, [5, 95])))
        return contrast > LEAST_EYE_CONTRAST * cheek and below > LEAST_SKIN_BELOW * cheek

    def is_inside(self, width: int, height: int) -> bool:
        """Whether all of the eye lies in a picture of this size."""
        low, high = self.box_px()
        return bool((low >= 0).all() and (high < (width, height)).all())

    def box_px(self) -> Array:
        """(2,2): low and high corner, in pixels, of all that a blink changes."""
        ends = np.stack([self.upper - self.reach, self.upper + self.travel], 1)  # (C,2)
        local = np.stack([np.repeat(self.columns[:, None], 2, 1), ends], -1).reshape(-1, 2)
        corners = self.to_photo(local)
        return np.stack([corners.min(0), corners.max(0)])


def _frame_of(points_px: Array, which: EyePoints) -> tuple[Array, Array, float]:
    """First corner (2,), axes (2,2) and width in pixels."""
    corner, other = points_px[which.upper[0]], points_px[which.upper[-1]]
    width = float(np.linalg.norm(other - corner))
    along = (other - corner) / width
    down = np.array([-along[1], along[0]])
    from_brow = points_px[list(which.lower)].mean(0) - points_px[list(which.brow)].mean(0)
    return corner, np.stack([along, down * np.sign(down @ from_brow)]), width


def _course(place: Array, points: Array) -> Array:
    """(C,) height at each place of the polygon through (M,2) points; level beyond its ends."""
    order = np.argsort(points[:, 0])
    return np.asarray(np.interp(place, points[order, 0], points[order, 1]))


def _lash_offset(luma: Plane, edge_px: Array, down_px: Array, place: Array) -> Array:
    """(C,) how far below the landmarks' upper edge (C,2) the lashes lie: mostly above, so negative."""
    offsets = np.linspace(-LASH_SEARCH_UP, LASH_SEARCH_DOWN, 18)
    seen = _brightness(luma, edge_px[:, None] + offsets[:, None] * down_px)  # (C,18)
    seen = gaussian_filter1d(seen, 2.0, axis=0)
    dark = np.exp(-(seen - seen.min(1, keepdims=True)) / LASH_CONTRAST)
    found = (dark * offsets).sum(1) / dark.sum(1)
    # A parabola through all columns of the eye: one stray hair does not bend the lid.
    inside = (place > 0) & (place < 1)
    bow = np.polyval(np.polyfit(place[inside], found[inside], 2), place)
    return np.asarray(bow * np.clip(6 * np.minimum(place, 1 - place), 0, 1))


def _rim(luma: Plane, edge_px: Array, up_px: Array, reach: Array, place: Array) -> Array:
    """(C,) how far above the lid's edge (C,2) the rim of spectacles runs, which stays; infinite without one.

    A rim is a dark line that goes on beside the eye; a crease of the lid ends at its corners.
    """
    over = np.linspace(0.0, 1.15, 64) * reach[:, None]  # (C,64)
    seen = _brightness(luma, edge_px[:, None] + over[..., None] * up_px)
    beside = max(1, round(LINE_WIDTH / float(over[:, 1].mean())))
    dip = np.minimum(seen[:, 2 * beside :], seen[:, : -2 * beside]) - seen[:, beside:-beside]  # (C,64-2b)
    dip[over[:, beside:-beside] < LASHES] = 0
    found = dip.max(1) > LINE_CONTRAST * np.median(seen)
    within, outside = (place > 0.15) & (place < 0.85), (place < -0.03) | (place > 1.0)
    if min(found[within].mean(), found[outside].mean()) < 0.6:
        return np.full(len(place), np.inf)
    line = np.take_along_axis(over, dip.argmax(1)[:, None] + beside, 1)[:, 0]
    bow = np.polyval(np.polyfit(place[found], line[found], 2), place)
    return np.asarray(np.maximum(bow - LINE_WIDTH, LEAST_REACH))


def _brightness(luma: Plane, at_px: Array) -> Array:
    """(...,2) places of a plane -> (...) its values there."""
    flat = at_px.reshape(1, -1, 2).astype(np.float32)
    found = cv2.remap(luma, flat, ONE_MAP, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(found.reshape(at_px.shape[:-1]), dtype=np.float64)


def _meeting(place: Array, lower: Array) -> Array:
    """(C,) where closed lids meet."""
    middle = (place > 0.15) & (place < 0.9)
    bow = np.polyval(np.polyfit(place[middle], lower[middle], 2), place)
    return np.asarray(np.clip(bow, lower, lower + MOST_SAG))


def _smooth(course: Array) -> Array:
    """(C,) without the corners of the polygon."""
    return np.asarray(gaussian_filter1d(course, 1.6, mode="nearest"))
