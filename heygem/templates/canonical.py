"""The canonical face: mean vertices, mesh topology and the named vertex sets of the 468-point mesh.

Canonical space: x right, y down, z away from the camera; forehead point 10 to chin point 152 is 1.05 units.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

VERTEX_COUNT = 468
# Points that speech hardly moves; pose is fitted on them.
STABLE = (33, 133, 362, 263, 168, 6, 197, 195, 5, 4, 1, 9, 8, 151, 10, 127, 356, 234, 454)
EYE_OUTER_LEFT, EYE_OUTER_RIGHT = 33, 263
NOSE_BASE = 2
CHIN = 152
# Both lip rings start at the image-left corner, run along the lower lip and come back along the upper lip.
INNER_LIPS = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191)
OUTER_LIPS = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185)
LIPS = INNER_LIPS + OUTER_LIPS
# Opposite points of the inner ring, corners left out.
INNER_LOWER = INNER_LIPS[1:10]
INNER_UPPER = INNER_LIPS[:10:-1]
LIP_CENTRE_LOWER, LIP_CENTRE_UPPER = 14, 13
MOUTH_CORNERS = (61, 291)
OVAL = (
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377),
    *(152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
)


@dataclass(frozen=True, slots=True)
class CanonicalFace:
    """The mean face.

    Attributes:
        vertices: (468,3) float64.
        triangles: (852,3) int64, with holes at mouth and eyes.
        pose_drift: (5,468,3), how its landmarks drift when it turns; see `heygem.templates.pose_drift`.
        lip_moves: (12,468,3), the principal moves of speaking lips, each as large as its standard deviation.
    """

    vertices: NDArray[np.float64]
    triangles: NDArray[np.int64]
    pose_drift: NDArray[np.float64]
    lip_moves: NDArray[np.float64]

    @classmethod
    def load(cls, path: Path) -> "CanonicalFace":
        """Read `canonical_face.npz` of the face-landmarker weights."""
        with np.load(path, allow_pickle=False) as arrays:
            return cls(
                arrays["vertices"].astype(np.float64),
                arrays["triangles"].astype(np.int64),
                arrays["pose_drift"].astype(np.float64),
                arrays["lip_moves"].astype(np.float64),
            )

    @property
    def eye_distance(self) -> float:
        """Distance of the outer eye corners, the unit E of every figure about lips."""
        return float(np.linalg.norm(self.vertices[EYE_OUTER_LEFT] - self.vertices[EYE_OUTER_RIGHT]))


def lip_gap(shapes: NDArray[np.floating]) -> NDArray[np.float64]:
    """Distance between the middles of the inner lips: (..., V, 3) -> (...), in the unit of `shapes`."""
    gap = shapes[..., LIP_CENTRE_LOWER, :] - shapes[..., LIP_CENTRE_UPPER, :]
    return np.asarray(np.linalg.norm(gap, axis=-1), dtype=np.float64)
