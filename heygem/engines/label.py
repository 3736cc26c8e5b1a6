"""A visible note in the corner of the picture that it was generated."""

import cv2
import numpy as np
from numpy.typing import NDArray

from heygem.media.types import YuvFrame

TEXT = "AI generated"
HEIGHT_PART = 0.035  # of the picture's short side
LIGHT, DARK = 235.0, 16.0
OPACITY = 0.8


class VisibleLabel:
    """White letters with a dark rim at the lower right, made once for a size and laid over any frame."""

    def __init__(self, width: int, height: int) -> None:
        cap_px = max(8.0, HEIGHT_PART * min(width, height))
        scale = cap_px / cv2.getTextSize(TEXT, cv2.FONT_HERSHEY_SIMPLEX, 1.0, 1)[0][1]
        stroke = max(1, round(cap_px / 9))
        (text_width, _), descent = cv2.getTextSize(TEXT, cv2.FONT_HERSHEY_SIMPLEX, scale, stroke)
        corner = (int(width - text_width - cap_px), int(height - descent - cap_px / 2))
        light = np.zeros((height, width), np.uint8)
        cv2.putText(light, TEXT, corner, cv2.FONT_HERSHEY_SIMPLEX, scale, 255, stroke, cv2.LINE_AA)
        rim = np.asarray(cv2.dilate(light, np.ones((2 * stroke + 1, 2 * stroke + 1))), np.uint8)
        rows, columns = np.flatnonzero(rim.any(1)), np.flatnonzero(rim.any(0))
        self._part = (slice(rows[0] // 2 * 2, rows[-1] + 2), slice(columns[0] // 2 * 2, columns[-1] + 2))
        self._alpha = _part(rim, self._part) * OPACITY
        self._luma = DARK + (LIGHT - DARK) * _part(light, self._part)

    def over(self, frame: YuvFrame) -> YuvFrame:
        """The frame with the label on it; `frame` is left alone. Letters have no colour of their own."""
        y = frame.y.copy()
        under = y[self._part]
        under[...] = np.round(under + self._alpha * (self._luma - under)).astype(np.uint8)
        return YuvFrame(y, frame.u, frame.v)


def _part(mask: NDArray[np.uint8], part: tuple[slice, slice]) -> NDArray[np.float32]:
    return (mask[part] / 255).astype(np.float32)
