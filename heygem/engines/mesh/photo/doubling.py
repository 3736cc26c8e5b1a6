"""A plane at twice its size, for sampling between its pixels: cubic sampling of the plane itself is soft.

Measured on three faces, half a pixel aside: of the variance of the Laplacian cubic sampling keeps .53 to .68,
of the doubled plane .86 to .95; it costs a sixth more.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.uint8]
TAPS = 20  # of a half-band filter, windowed by Kaiser's window
WINDOW_SHAPE = 4.5
REACH = TAPS // 2  # pixels that a value between two pixels depends on, to both sides


def doubled(plane: Plane) -> Plane:
    """(H,W) -> (2H,2W): pixel (x, y) is found again at (2x, 2y), bit for bit."""
    height, width = plane.shape
    fine = np.empty((2 * height, 2 * width), np.uint8)
    exact = plane.astype(np.float32)
    right = _between(exact, axis=1)
    fine[::2, ::2], fine[::2, 1::2] = plane, _rounded(right)
    fine[1::2, ::2], fine[1::2, 1::2] = _rounded(_between(exact, axis=0)), _rounded(_between(right, axis=0))
    return fine


def doubled_around(plane: Plane, left: int, top: int, right: int, bottom: int) -> tuple[int, int, Plane]:
    """Left, top in `plane` and values (2h,2w) of what this box of `plane` has a say in once it is doubled."""
    height, width = plane.shape
    outer = _grown(2 * REACH, left, top, right, bottom, width, height)
    inner = _grown(REACH, left, top, right, bottom, width, height)
    part = doubled(plane[outer[1] : outer[3], outer[0] : outer[2]])
    x, y = 2 * (inner[0] - outer[0]), 2 * (inner[1] - outer[1])
    columns, rows = 2 * (inner[2] - inner[0]), 2 * (inner[3] - inner[1])
    return inner[0], inner[1], part[y : y + rows, x : x + columns]


def _between(plane: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    """Values half a pixel further along an axis."""
    place = np.arange(TAPS) - (REACH - 0.5)
    kernel = np.sinc(place) * np.kaiser(TAPS, WINDOW_SHAPE)
    kernel = (kernel / kernel.sum()).astype(np.float32)
    anchor = (REACH - 1, 0) if axis == 1 else (0, REACH - 1)
    shaped = kernel[None] if axis == 1 else kernel[:, None]
    rim = cv2.BORDER_REPLICATE
    return np.asarray(cv2.filter2D(plane, -1, shaped, anchor=anchor, borderType=rim), dtype=np.float32)


def _rounded(values: NDArray[np.float32]) -> Plane:
    return np.asarray(np.clip(values + 0.5, 0, 255), dtype=np.uint8)


def _grown(
    by: int, left: int, top: int, right: int, bottom: int, width: int, height: int
) -> tuple[int, int, int, int]:
    return max(left - by, 0), max(top - by, 0), min(right + by, width), min(bottom + by, height)
