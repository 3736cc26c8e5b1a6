"""Colours: YUV planes to RGB and back, and upright crops straight from the planes."""

import cv2
import numpy as np
from numpy.typing import NDArray

from heygem.media.types import ColourTags, YuvFrame

_BT709 = (0.2126, 0.0722)  # the shares of red and blue in luma
_LUMA_SHARES = {1: _BT709, 4: (0.30, 0.11), 5: (0.299, 0.114), 6: (0.299, 0.114), 7: (0.212, 0.087)}
_LUMA_SHARES |= {9: (0.2627, 0.0593), 10: (0.2627, 0.0593)}
Plane = NDArray[np.uint8] | NDArray[np.float32]


def yuv_to_rgb(y: Plane, u: Plane, v: Plane, colour: ColourTags) -> Plane:
    """Three equal planes (H, W) of values 0..255 -> (H, W, 3) RGB 0..255, in the planes' dtype.

    uint8 is rounded and clipped, float32 is neither.
    """
    merged: Plane = cv2.merge([y, u, v])  # type: ignore[assignment]
    return _transformed(merged, _yuv_to_rgb_matrix(colour))


def rgb_to_yuv(rgb: Plane, colour: ColourTags) -> tuple[Plane, Plane, Plane]:
    """(H, W, 3) RGB 0..255 -> three equal planes (H, W), in the dtype of `rgb`: `yuv_to_rgb` reversed."""
    inverse = np.linalg.inv(np.vstack([_yuv_to_rgb_matrix(colour), [0.0, 0.0, 0.0, 1.0]]))[:3]
    yuv = _transformed(rgb, inverse)
    return yuv[..., 0], yuv[..., 1], yuv[..., 2]


def frame_rgb(frame: YuvFrame, colour: ColourTags) -> NDArray[np.uint8]:
    """The whole frame as (H, W, 3) uint8 RGB; for thumbnails and tests, not for every frame of a job."""
    whole = np.eye(2, 3)
    size = (frame.width, frame.height)
    return _sampled_rgb(frame, whole, size, colour)


def crop_rgb(
    frame: YuvFrame, crop_to_frame: NDArray[np.float64], size: int, colour: ColourTags
) -> NDArray[np.uint8]:
    """Cut an upright square out of a frame without converting the rest of it.

    `crop_to_frame` (2, 3) takes pixel centres (x, y) of the crop to those of the frame. Beyond the frame its
    edge is repeated. A crop that shrinks is averaged over areas: fine patterns do not flicker.
    Returns (size, size, 3) uint8 RGB.
    """
    return _sampled_rgb(frame, crop_to_frame, (size, size), colour)


def _sampled_rgb(
    frame: YuvFrame, to_frame: NDArray[np.float64], size: tuple[int, int], colour: ColourTags
) -> NDArray[np.uint8]:
    # Chroma lies on every second luma column and between two luma rows (MPEG-2 siting).
    to_chroma = to_frame * 0.5 - [[0.0, 0.0, 0.0], [0.0, 0.0, 0.25]]
    rgb = yuv_to_rgb(
        _sampled(frame.y, to_frame, size),
        _sampled(frame.u, to_chroma, size),
        _sampled(frame.v, to_chroma, size),
        colour,
    )
    return np.asarray(rgb, np.uint8)


def _sampled(
    plane: NDArray[np.uint8], to_plane: NDArray[np.float64], size: tuple[int, int]
) -> NDArray[np.uint8]:
    shrink = min(round(np.sqrt(abs(np.linalg.det(to_plane[:, :2])))), *plane.shape)
    if shrink >= 2:
        plane, to_plane = _shrunk(plane, to_plane, size, shrink)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    warped = cv2.warpAffine(plane, to_plane, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(warped, np.uint8)


def _shrunk(
    plane: NDArray[np.uint8], to_plane: NDArray[np.float64], size: tuple[int, int], factor: int
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """The part of the plane that the crop touches, averaged over squares, and the crop's way into it."""
    width, height = size
    corners = np.array([[0, width, 0, width], [0, 0, height, height], [1, 1, 1, 1]])
    touched = to_plane @ corners  # (2, 4) x, y
    limits = np.array([[plane.shape[1]], [plane.shape[0]]])
    start = np.clip(np.floor(touched.min(1, keepdims=True)) - 2 * factor, 0, limits - factor).astype(int)
    stop = np.clip(np.ceil(touched.max(1, keepdims=True)) + 2 * factor, start + factor, limits)
    count = ((stop - start) // factor).astype(int)
    (x, y), (columns, rows) = start[:, 0], count[:, 0]
    part = plane[y : y + rows * factor, x : x + columns * factor]
    small = cv2.resize(part, (int(columns), int(rows)), interpolation=cv2.INTER_AREA)
    to_small = to_plane / factor
    to_small[:, 2:] -= (start + (factor - 1) / 2) / factor
    return np.asarray(small, np.uint8), to_small


def _transformed(pixels: Plane, matrix: NDArray[np.float64]) -> Plane:
    transformed: Plane = cv2.transform(pixels, matrix)  # type: ignore[assignment]
    return transformed


def _yuv_to_rgb_matrix(colour: ColourTags) -> NDArray[np.float64]:
    """(3, 4): takes (y, u, v, 1) in 0..255 to (r, g, b) in 0..255."""
    red, blue = _LUMA_SHARES.get(colour.matrix, _BT709)
    green = 1.0 - red - blue
    v_to_red, u_to_blue = 2.0 * (1.0 - red), 2.0 * (1.0 - blue)
    mix = np.array(
        [
            [1.0, 0.0, v_to_red],
            [1.0, -blue * u_to_blue / green, -red * v_to_red / green],
            [1.0, u_to_blue, 0.0],
        ]
    )
    if colour.full_range:
        scale, zero = np.ones(3), np.array([0.0, 128.0, 128.0])
    else:
        scale, zero = 255.0 / np.array([219.0, 224.0, 224.0]), np.array([16.0, 128.0, 128.0])
    matrix = mix * scale
    return np.column_stack([matrix, -matrix @ zero])
