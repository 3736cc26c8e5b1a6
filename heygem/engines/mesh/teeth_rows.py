"""Evens out painted rows of teeth.

Lower teeth stand in the shadow of upper ones and of the lip; a net that is unsure paints them brighter. And
the gaps between teeth are thin: painted on a face unlike those it has seen they come out black.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from heygem.engines.mesh.mouth_crop import Image, MouthMasks
from heygem.engines.mesh.teeth_tone import BRIGHTEST, LUMA, SURELY_INSIDE

LOWER_OVER_UPPER, DIMMEST = 0.9, 0.7  # luma of the rows; and what a lower row keeps at least of its own
UPPER_UNTIL, LOWER_FROM = 0.4, 0.6  # of the way from lip to lip
GAP_PX, GAP_DEPTH = 5, 0.7  # gaps up to this wide keep this part of the luma of the teeth beside them


def evened(crop: Image, masks: MouthMasks, residual: Image) -> Image:
    """Residual (160,160,3), to add to a crop of RGB 0..255, with rows and gaps as teeth have them."""
    painted = np.clip(crop + residual, 0, 255)
    even = painted * _filled_gaps(painted @ LUMA)[..., None]
    even = even * _shaded(even @ LUMA, masks)[..., None]
    return np.asarray(residual + masks.soft_inner[..., None] * (even - painted), dtype=np.float32)


def _filled_gaps(luma: Image) -> NDArray[np.floating]:
    """(160,160) factor of 1 and more: of thin upright lines darker than what is on both sides of them."""
    beside = cv2.morphologyEx(luma.astype(np.float32), cv2.MORPH_CLOSE, np.ones((1, GAP_PX)))
    factor = np.maximum(GAP_DEPTH * beside / np.maximum(luma, 1.0), 1.0)
    return np.asarray(cv2.GaussianBlur(factor, (0, 0), 0.7))


def _shaded(luma: NDArray[np.floating], masks: MouthMasks) -> NDArray[np.floating]:
    """(160,160) factor of 1 and less: of a lower row that is brighter than the upper one lets it be."""
    down, inside = _way_down(masks), masks.inner > SURELY_INSIDE
    upper, lower = inside & (down < UPPER_UNTIL), inside & (down > LOWER_FROM)
    if not upper.any() or not lower.any():
        return np.ones_like(luma)
    brightest = [max(float(np.quantile(luma[row], BRIGHTEST)), 1.0) for row in (upper, lower)]
    kept = float(np.clip(LOWER_OVER_UPPER * brightest[0] / brightest[1], DIMMEST, 1.0))
    part = np.clip((down - UPPER_UNTIL) / (LOWER_FROM - UPPER_UNTIL), 0, 1)
    return np.asarray(1 + (kept - 1) * part)


def _way_down(masks: MouthMasks) -> Image:
    """(160,160): 0 at the upper lip, 1 at the lower one, in every column; 0 beside the mouth."""
    inside = masks.inner > 0.5
    rows = np.arange(len(inside))[:, None]
    top = np.argmax(inside, 0)
    height = np.maximum(inside.sum(0), 1)
    return np.asarray(np.where(inside.any(0), np.clip((rows - top) / height, 0, 1), 0), np.float32)
