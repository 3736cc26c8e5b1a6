"""The ruler for looks: does the skin around a made mouth flicker, does its edge show, does the mesh fold?

Everything is held against the template's own frames, which move and flicker too. Pure functions.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from heygem.engines.mesh.composer import NODES_ACROSS_FACE
from heygem.engines.mesh.raster import Coverage, Grid, cover
from heygem.templates.canonical import (
    CHIN,
    INNER_LOWER,
    INNER_UPPER,
    OUTER_LIPS,
    VERTEX_COUNT,
    CanonicalFace,
)
from training.picture_ruler import Grey

TEXELS_PER_UNIT = 160  # of the canonical face, about as fine as a face 180 px wide
FOLLOW_SMOOTHING_FRAMES = 1.0  # the tracker's tremble would shake the texture
# Canonical distances from the outer lips. The mouth layer ends between the two bands of the seam.
RING = (0.015, 0.085)
SEAM_INSIDE, SEAM_OUTSIDE = (0.020, 0.040), (0.062, 0.082)
SEAM_SECTORS = 8
CHIN_ABOVE, CHIN_HALF_WIDTH = 0.11, 0.12  # the chin's patch, above the chin point and to both sides
FOLD_AREA_PX2 = 0.5  # a smaller triangle is a line
CROSSING_PX = 0.1

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class SkinMap:
    """Fixed places on the face, on a grid over the canonical face, and the parts of it that are judged.

    ring: around the mouth; chin; seams: (inside, outside) the edge of the mouth layer, by direction.
    """

    coverage: Coverage
    ring: Mask
    chin: Mask
    seams: tuple[tuple[Mask, Mask], ...]

    @classmethod
    def of(cls, face: CanonicalFace) -> "SkinMap":
        flat = face.vertices[:, :2]
        low = flat.min(0)
        grid = Grid(0, 0, *(np.ceil(np.ptp(flat, axis=0) * TEXELS_PER_UNIT).astype(int).tolist()), 1)
        coverage = cover((flat - low) * TEXELS_PER_UNIT, face.triangles, grid)
        place = coverage.positions(flat)  # (P,2)
        distance = _distance_outside(place, flat[list(OUTER_LIPS)])
        chin = flat[CHIN]
        across, above = np.abs(place[:, 0] - chin[0]), chin[1] - place[:, 1]
        return cls(
            coverage,
            ring=_between(distance, RING),
            chin=(across < CHIN_HALF_WIDTH) & (above > 0) & (above < CHIN_ABOVE),
            seams=_seams(place - flat[list(OUTER_LIPS)].mean(0), distance),
        )

    def texture(self, grey: Grey, face_px: Array) -> NDArray[np.float32]:
        """(H,W) and (468,2) -> (P,)."""
        place = self.coverage.positions(face_px).astype(np.float32)
        sampled = cv2.remap(grey, place[:, 0], place[:, 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(sampled, np.float32).reshape(-1)


def followed(points_px: NDArray[np.floating]) -> Array:
    """(N,478,2+) landmarks -> (N,468,2) vertices, smoothed so that a texture does not shake with them."""
    face = np.asarray(points_px[:, :VERTEX_COUNT, :2], dtype=np.float64)
    if len(face) < 2:
        return face
    return np.asarray(gaussian_filter1d(face, FOLLOW_SMOOTHING_FRAMES, axis=0, mode="nearest"))


def flicker(textures: NDArray[np.float32], where: Mask) -> float:
    """(N,P) -> mean size of the second difference in time, in grey levels, over the places `where`."""
    return float(np.abs(np.diff(textures[:, where], 2, axis=0)).mean())


def seam_step(made: NDArray[np.float32], real: NDArray[np.float32], skin: SkinMap) -> float:
    """How far the step across the edge of the mouth layer differs from the template's own, in grey levels.

    Mean over frames and directions of |(inside - outside) made - (inside - outside) real|.
    """
    steps = [
        (made[:, inside].mean(1) - made[:, outside].mean(1))
        - (real[:, inside].mean(1) - real[:, outside].mean(1))
        for inside, outside in skin.seams
    ]
    return float(np.abs(steps).mean())


def fold_count(source_px: Array, target_px: Array, triangles: NDArray[np.int64]) -> int:
    """Triangles (T,3) that showed their outside in (V,2) `source_px` and show their inside in `target_px`."""
    before, after = _signed_area(source_px, triangles), _signed_area(target_px, triangles)
    return int(((before > FOLD_AREA_PX2) & (after < -FOLD_AREA_PX2)).sum())


def crossing_count(target_px: Array, down: Array) -> int:
    """Places where the upper lip is below the lower one; `down` (2,) is the face's own unit vector."""
    gap = (target_px[list(INNER_LOWER)] - target_px[list(INNER_UPPER)]) @ down
    return int((gap < -CROSSING_PX).sum())


def outside_mask(
    source_px: Array, target_px: Array, triangles: NDArray[np.int64], shape: tuple[int, ...]
) -> Mask:
    """(H,W) True where no triangle is, before or after, nor a node of the drawing's grid beside it."""
    margin = 2 * int(np.ceil(np.ptp(source_px[:VERTEX_COUNT, 0]) / NODES_ACROSS_FACE)) + 3
    mask = np.zeros(shape, np.uint8)
    for vertices in (source_px, target_px):
        for corners in np.round(vertices[triangles]).astype(np.int32):
            cv2.fillConvexPoly(mask, corners, 1)
    return cv2.dilate(mask, np.ones((margin, margin), np.uint8)) == 0


def _signed_area(points: Array, triangles: NDArray[np.int64]) -> Array:
    a, b, c = (points[triangles[:, corner]] for corner in range(3))
    return np.asarray((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]) / 2


def _seams(about_mouth: Array, distance: Array) -> tuple[tuple[Mask, Mask], ...]:
    angle = np.arctan2(about_mouth[:, 1], about_mouth[:, 0])
    sector = np.floor((angle + np.pi) / (2 * np.pi) * SEAM_SECTORS).clip(0, SEAM_SECTORS - 1)
    pairs = (
        (_between(distance, SEAM_INSIDE) & (sector == k), _between(distance, SEAM_OUTSIDE) & (sector == k))
        for k in range(SEAM_SECTORS)
    )
    return tuple((inside, outside) for inside, outside in pairs if inside.any() and outside.any())


def _between(distance: Array, limits: tuple[float, float]) -> Mask:
    return np.asarray((distance >= limits[0]) & (distance < limits[1]))


def _distance_outside(places: Array, ring: Array) -> Array:
    """(P,2) -> (P,): distance to a closed outline, negative inside it."""
    contour = ring.astype(np.float32).reshape(-1, 1, 2)
    return np.array([-cv2.pointPolygonTest(contour, (float(x), float(y)), True) for x, y in places])
