"""The drawable mesh: the canonical face, a fan over the mouth, and a skirt that carries chin and neck along.

Vertices: 468 of the face, 1 in the middle of the mouth, then two rings of 36 around the face oval. The rings
follow the oval's motion in part (near ring) or not at all (far ring), so a moving jaw never tears from the
neck.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heygem.templates.canonical import (
    INNER_LIPS,
    LIPS,
    NOSE_BASE,
    OUTER_LIPS,
    OVAL,
    VERTEX_COUNT,
    CanonicalFace,
)

Array = NDArray[np.float64]
MOUTH_MIDDLE = VERTEX_COUNT
SKIRT_REACH = (0.10, 0.26)  # how far out the rings lie, in parts of the face height
SKIRT_FOLLOW = (0.45, 0.0)  # how much of the oval's displacement they take
MOUTH_FEATHER = 0.045  # canonical distance over which the mouth layer fades into the skin
MOUTH_SOLID = 0.012  # canonical distance around the lips that is all mouth layer


@dataclass(frozen=True, slots=True)
class DrawMesh:
    """Fixed topology and fixed per-vertex weights.

    Attributes:
        triangles: (T,3), those of skin, skirt and fan that can ever move.
        motion_weight: (468,), how much of the wanted displacement a vertex takes.
        mouth_alpha: (V,), 1 on lips and mouth interior, fading to 0 around them.
    """

    triangles: NDArray[np.int64]
    motion_weight: Array
    mouth_alpha: Array

    @classmethod
    def of(cls, face: CanonicalFace) -> "DrawMesh":
        weight = _motion_weight(face)
        alpha = np.concatenate([_mouth_alpha(face), [1.0], np.zeros(2 * len(OVAL))])
        follows = np.concatenate([weight, [1.0], *(weight[list(OVAL)] * follow for follow in SKIRT_FOLLOW)])
        triangles = np.concatenate([face.triangles, _skirt_triangles(), _fan_triangles()])
        moving = ((follows > 0) | (alpha > 0))[triangles].any(1)
        return cls(triangles[moving], weight, alpha)

    def source_vertices(self, points_px: NDArray[np.floating]) -> Array:
        """(N,>=468,2+) landmarks in pixels -> (N,V,2) vertices of the drawable mesh."""
        face = np.asarray(points_px[:, :VERTEX_COUNT, :2], dtype=np.float64)
        middle = face[:, INNER_LIPS].mean(1, keepdims=True)
        return np.concatenate([face, middle, *_skirt_rings(face)], 1)

    def target_vertices(self, source: Array, displacement_px: Array) -> Array:
        """Move (N,V,2) vertices by the face's (N,468,2) displacement; fan and skirt follow by rule."""
        oval = displacement_px[:, OVAL]
        middle = displacement_px[:, INNER_LIPS].mean(1, keepdims=True)
        moved = np.concatenate([displacement_px, middle, *(oval * follow for follow in SKIRT_FOLLOW)], 1)
        return np.asarray(source + moved)


def _fan_triangles() -> NDArray[np.int64]:
    ring = np.array(INNER_LIPS)
    return np.stack([np.roll(ring, -1), ring, np.full(len(ring), MOUTH_MIDDLE)], 1)


def _skirt_triangles() -> NDArray[np.int64]:
    """Two strips of quads: oval to near ring, near ring to far ring."""
    count = len(OVAL)
    rings = [np.array(OVAL), VERTEX_COUNT + 1 + np.arange(count), VERTEX_COUNT + 1 + count + np.arange(count)]
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
    near_middle = np.clip((0.30 - np.abs(x)) / 0.08, 0, 1)
    return np.asarray(below_nose * near_middle)


def _mouth_alpha(face: CanonicalFace) -> Array:
    """From the canonical distance to the nearest point of the outer lips."""
    ring = face.vertices[list(OUTER_LIPS), :2]
    dense = np.concatenate(
        [ring + (np.roll(ring, -1, 0) - ring) * part for part in np.linspace(0, 1, 9)[:-1]]
    )
    distance = np.linalg.norm(face.vertices[:, None, :2] - dense[None], axis=-1).min(1)
    alpha = np.clip(1 - (distance - MOUTH_SOLID) / MOUTH_FEATHER, 0, 1)
    alpha[list(LIPS)] = 1.0
    return np.asarray(alpha)


def facing(vertices_px: NDArray[np.floating], triangles: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(V,2) / (T,3) -> (T,) True where a triangle shows its outside to the camera (y runs down)."""
    a, b, c = (vertices_px[triangles[:, corner]] for corner in range(3))
    cross = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    return np.asarray(cross > 0)
