"""The drawable mesh: the canonical face, a strip over the mouth, a skirt that carries chin and neck along.

Vertices: 468 of the face, then two rings of 36 around the face oval. The rings follow the oval's motion in
part (near ring) or not at all (far ring), so a moving jaw never tears from the neck. The strip joins opposite
points of the inner lips: a fan would fold as soon as closed lips are curved.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from heygem.templates.canonical import (
    INNER_LIPS,
    INNER_LOWER,
    INNER_UPPER,
    LIPS,
    NOSE_BASE,
    OUTER_LIPS,
    OVAL,
    VERTEX_COUNT,
    CanonicalFace,
)

Array = NDArray[np.float64]
SKIRT_REACH = (0.10, 0.26)  # how far out the rings lie, in parts of the face height
SKIRT_FOLLOW = (0.45, 0.0)  # how much of the oval's displacement they take
FREE_WITHIN, STILL_FROM = 0.18, 0.33  # canonical, to both sides: a jaw that swings does not shear the cheek
LEAST_AREA = 1e-4  # canonical: smaller triangles tell nothing by their size
OUTWARD_REACH = 0.12  # canonical: how far around a vertex its surface is looked at
MOUTH_FEATHER = 0.045  # canonical distance over which the mouth layer fades into the skin
MOUTH_SOLID = 0.012  # canonical distance around the lips that is all mouth layer
CLOSING_FEATHER, CLOSING_SOLID = 0.060, 0.035  # the same below lips that are drawn far together


@dataclass(frozen=True)
class DrawMesh:
    """Fixed topology and fixed per-vertex weights.

    Attributes:
        triangles: (T,3), those of skin, skirt and mouth that can ever move, the nearest to the camera last.
        motion_weight: (468,), how much of the wanted displacement a vertex takes.
        mouth_alpha: (V,), 1 on lips and mouth interior, fading to 0 around them.
        closing_alpha: (V,), the same, reaching further down the chin: for a mouth that is wide open in the
            clip and is to be closed.
        ring: (R,), face vertices in the fading part of the mouth layer: the skin around the lips.
        outward: (468,2) unit, x and z: where the rest face's surface looks, seen from above.
        on_face: (F,3), those of `triangles` on the skin and lips of the face itself.
        on_face_areas: (F,), twice their areas in the rest face seen from the front, canonical.
    """

    triangles: NDArray[np.int64]
    motion_weight: Array
    mouth_alpha: Array
    closing_alpha: Array
    ring: NDArray[np.int64]
    outward: Array
    on_face: NDArray[np.int64]
    on_face_areas: Array

    @cached_property
    def used(self) -> NDArray[np.int64]:
        """The vertices of any triangle, in order."""
        return np.unique(self.triangles)

    @cached_property
    def of_mouth(self) -> NDArray[np.int64]:
        """The vertices of the triangles in which the mouth layer shows, in order."""
        return np.unique(self.triangles[(self.mouth_alpha > 0)[self.triangles].any(1)])

    @classmethod
    def of(cls, face: CanonicalFace) -> "DrawMesh":
        weight = _motion_weight(face)
        around = np.zeros(2 * len(OVAL))
        alpha = np.concatenate([_mouth_alpha(face, MOUTH_SOLID, MOUTH_FEATHER), around])
        closing = np.concatenate([_closing_alpha(face, alpha[:VERTEX_COUNT]), around])
        follows = np.concatenate([weight, *(weight[list(OVAL)] * follow for follow in SKIRT_FOLLOW)])
        triangles = np.concatenate([face.triangles, _skirt_triangles(), _mouth_strip()])
        moves = (follows > 0) | (alpha > 0)
        drawn, on_face = (some[moves[some].any(1)] for some in (triangles, face.triangles))
        # Of triangles that overlap the last one drawn is seen: on a turned head that must be the nearer one.
        depth = np.concatenate([face.vertices[:, 2], np.tile(face.vertices[list(OVAL), 2], 2)])
        drawn = drawn[np.argsort(-depth[drawn].mean(1), kind="stable")]
        areas = np.maximum(doubled_areas(face.vertices[:, :2], on_face), LEAST_AREA)
        ring = np.flatnonzero((alpha > 0) & (alpha < 1))
        return cls(drawn, weight, alpha, closing, ring, _outward(face), on_face, areas)

    def source_vertices(self, points_px: NDArray[np.floating]) -> Array:
        """(N,>=468,2+) landmarks in pixels -> (N,V,2) vertices of the drawable mesh."""
        face = np.asarray(points_px[:, :VERTEX_COUNT, :2], dtype=np.float64)
        return np.concatenate([face, *_skirt_rings(face)], 1)

    def target_vertices(self, source: Array, displacement_px: Array) -> Array:
        """Move (N,V,2) vertices by the face's (N,468,2) displacement; the skirt follows by rule."""
        oval = displacement_px[:, OVAL]
        moved = np.concatenate([displacement_px, *(oval * follow for follow in SKIRT_FOLLOW)], 1)
        return np.asarray(source + moved)


def _mouth_strip() -> NDArray[np.int64]:
    """(18,3) between the lips, from corner to corner."""
    left, right = INNER_LIPS[0], INNER_LIPS[len(INNER_LOWER) + 1]
    upper, lower = np.array(INNER_UPPER), np.array(INNER_LOWER)
    ends = [[left, upper[0], lower[0]], [upper[-1], right, lower[-1]]]
    first = np.stack([upper[:-1], upper[1:], lower[1:]], 1)
    second = np.stack([upper[:-1], lower[1:], lower[:-1]], 1)
    return np.concatenate([ends, first, second])


def _outward(face: CanonicalFace) -> Array:
    """Of the surface as a whole: lips and folds look up and down, and their neighbours decide for them."""
    a, b, c = (face.vertices[face.triangles[:, corner]] for corner in range(3))
    normal = np.cross(c - a, b - a)  # z away from the camera: the outside has negative z
    away = np.linalg.norm(face.vertices[:, None] - ((a + b + c) / 3)[None], axis=-1)
    flat = np.exp(-((away / OUTWARD_REACH) ** 2)) @ normal[:, [0, 2]]
    return np.asarray(flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-9))


def _skirt_triangles() -> NDArray[np.int64]:
    """Two strips of quads: oval to near ring, near ring to far ring."""
    count = len(OVAL)
    rings = [np.array(OVAL), VERTEX_COUNT + np.arange(count), VERTEX_COUNT + count + np.arange(count)]
    strips = []
    for inner, outer in zip(rings[:-1], rings[1:], strict=True):
        next_inner, next_outer = np.roll(inner, -1), np.roll(outer, -1)
        strips += [np.stack([next_inner, inner, outer], 1), np.stack([next_outer, next_inner, outer], 1)]
    return np.concatenate(strips)


def _skirt_rings(face: Array) -> list[Array]:
    """Rings of 36 points outside the oval, pushed out from the face's middle: two of (N,36,2)."""
    oval = face[:, OVAL]
    outward = oval - oval.mean(1, keepdims=True)
    height = np.ptp(oval[..., 1], axis=1)[:, None, None]
    unit = outward / np.maximum(np.linalg.norm(outward, axis=-1, keepdims=True), 1e-6)
    return [oval + unit * height * reach for reach in SKIRT_REACH]


def _motion_weight(face: CanonicalFace) -> Array:
    """1 around mouth and chin, 0 above the nose base and towards the ears."""
    x, y = face.vertices[:, 0], face.vertices[:, 1]
    below_nose = np.clip((y - face.vertices[NOSE_BASE, 1] + 0.02) / 0.05, 0, 1)
    near_middle = np.clip((STILL_FROM - np.abs(x)) / (STILL_FROM - FREE_WITHIN), 0, 1)
    return np.asarray(below_nose * near_middle)


def _closing_alpha(face: CanonicalFace, usual: Array) -> Array:
    """Below the mouth's corners the layer reaches further than the usual one (468,)."""
    wide = _mouth_alpha(face, CLOSING_SOLID, CLOSING_FEATHER)
    below = face.vertices[:, 1] > face.vertices[list(OUTER_LIPS), 1].mean()
    return np.where(below, wide, usual)


def _mouth_alpha(face: CanonicalFace, solid: float, feather: float) -> Array:
    """From the canonical distance to the nearest point of the outer lips."""
    ring = face.vertices[list(OUTER_LIPS), :2]
    dense = np.concatenate(
        [ring + (np.roll(ring, -1, 0) - ring) * part for part in np.linspace(0, 1, 9)[:-1]]
    )
    distance = np.linalg.norm(face.vertices[:, None, :2] - dense[None], axis=-1).min(1)
    alpha = np.clip(1 - (distance - solid) / feather, 0, 1)
    alpha[list(LIPS)] = 1.0
    return np.asarray(alpha)


def facing(vertices_px: NDArray[np.floating], triangles: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(...,V,2) / (T,3) -> (...,T) True where a triangle shows its outside to the camera (y runs down)."""
    return np.asarray(doubled_areas(vertices_px, triangles) > 0)


def doubled_areas(vertices_px: NDArray[np.floating], triangles: NDArray[np.int64]) -> Array:
    """(...,V,2) / (T,3) -> (...,T): twice the signed areas, positive where the outside is seen."""
    a, b, c = (vertices_px[..., triangles[:, corner], :] for corner in range(3))
    return np.asarray(
        (b[..., 0] - a[..., 0]) * (c[..., 1] - a[..., 1]) - (b[..., 1] - a[..., 1]) * (c[..., 0] - a[..., 0])
    )
