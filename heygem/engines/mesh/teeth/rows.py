"""Evens out painted rows of teeth.

Lower teeth stand in the shadow of upper ones and of the lip; a net that is unsure paints them brighter. And
the gaps between teeth are thin: painted on a face unlike those it has seen they come out wide and black, and
sharpening makes them more so.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from heygem.engines.mesh.mouth_crop import Image, MouthMasks
from heygem.engines.mesh.teeth.tone import BRIGHTEST, LEAST_TEETH_PX, LUMA, SURELY_INSIDE, teeth_in

LOWER_OVER_UPPER, DIMMEST = 0.9, 0.7  # luma of the rows; and what a lower row keeps at least of its own
UPPER_UNTIL, LOWER_FROM = 0.4, 0.6  # of the way from lip to lip
GAP_PX, GAP_DEPTH = 7, 0.7  # gaps up to this wide keep this part of the light of the teeth beside them
GAP_BLUR_PX, TEETH_BLUR_PX = 0.7, 1.5


def evened(crop: Image, masks: MouthMasks, residual: Image) -> Image:
    """Residual (160,160,3), to add to a crop of RGB 0..255, with rows and gaps as teeth have them."""
    filled = with_filled_gaps(crop, masks, residual, GAP_DEPTH)
    painted = np.clip(crop + filled, 0, 255)
    darker = painted * (_shaded(painted, masks)[..., None] - 1)
    return np.asarray(filled + masks.soft_inner[..., None] * darker, dtype=np.float32)


def with_filled_gaps(crop: Image, masks: MouthMasks, residual: Image, depth: float) -> Image:
    """Residual (160,160,3) in which thin upright lines keep the part `depth` of what is on both sides."""
    painted = np.clip(crop + residual, 0, 255).astype(np.float32)
    beside = cv2.morphologyEx(painted, cv2.MORPH_CLOSE, np.ones((1, GAP_PX)))
    missing = cv2.GaussianBlur(np.maximum(depth * beside - painted, 0), (0, 0), GAP_BLUR_PX)
    return np.asarray(residual + masks.soft_inner[..., None] * missing, dtype=np.float32)


def _shaded(painted: Image, masks: MouthMasks) -> NDArray[np.floating]:
    """(160,160) factor of 1 and less: of a lower row that is brighter than the upper one lets it be."""
    luma, down = painted @ LUMA, masks.way_down
    teeth = teeth_in(painted, masks) * (masks.inner > SURELY_INSIDE)
    rows = [(teeth > 0.5) & part for part in (down < UPPER_UNTIL, down > LOWER_FROM)]
    if min(row.sum() for row in rows) < LEAST_TEETH_PX:
        return np.ones_like(luma)
    upper, lower = (float(np.quantile(luma[row], BRIGHTEST)) for row in rows)
    kept = float(np.clip(LOWER_OVER_UPPER * upper / lower, DIMMEST, 1.0))
    part = np.clip((down - UPPER_UNTIL) / (LOWER_FROM - UPPER_UNTIL), 0, 1)
    return np.asarray(1 + (kept - 1) * part * cv2.GaussianBlur(teeth, (0, 0), TEETH_BLUR_PX))
