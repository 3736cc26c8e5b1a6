"""The upright square around a mouth that nets look at, turned by the stable points of the face."""

import numpy as np
from numpy.typing import NDArray

from heygem.templates.canonical import MOUTH_CORNERS, STABLE, CanonicalFace

Array = NDArray[np.float64]
WINDOW_CANONICAL = 0.64  # its side


def mouth_window(points_px: NDArray[np.floating], face: CanonicalFace, side: int) -> Array:
    """Landmarks (478,2+) in pixels of a picture -> (2,3) affine from a window of `side` px to the picture.

    The window is as large and as turned as the head, and centred between the corners of the mouth.
    """
    canonical_to_picture = similarity_2d(
        face.vertices[list(STABLE), :2], points_px[list(STABLE), :2].astype(np.float64)
    )
    linear = canonical_to_picture[:, :2]  # the window is placed by the mouth, not by the head
    unit = WINDOW_CANONICAL / side
    corners = points_px[list(MOUTH_CORNERS), :2].mean(0)
    middle = corners - linear @ np.full(2, unit * (side - 1) / 2)
    return np.column_stack([linear * unit, middle])


def similarity_2d(source: Array, target: Array) -> Array:
    """Least-squares rotation, uniform scale and shift taking (M,2) onto (M,2): (2,3)."""
    source_centre, target_centre = source.mean(0), target.mean(0)
    a, b = source - source_centre, target - target_centre
    norm = (a**2).sum()
    real = (a * b).sum() / norm
    imaginary = (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum() / norm
    linear = np.array([[real, -imaginary], [imaginary, real]])
    return np.column_stack([linear, target_centre - linear @ source_centre])
