"""Brings painted teeth into the light of the picture.

A net that has seen skin of one colour under light of another paints teeth in the skin's colour: olive in a
tanned face, orange beside a lamp. Teeth are nearly white; they take the light's warmth only in part.
"""

import cv2
import numpy as np

from heygem.engines.mesh.mouth_crop import Image, MouthMasks

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
SKIN_SHARE = 0.4  # how much of the skin's tint stays in the teeth
STRENGTH = 0.6
# Against the skin's luma: where teeth begin and are surely teeth. Redder than this is tongue or gum.
BRIGHT_FROM, BRIGHT_FULLY = 0.6, 1.0
RED_FROM, RED_FULLY = 0.15, 0.40


def toned(crop: Image, masks: MouthMasks, residual: Image) -> Image:
    """Residual (160,160,3), to add to a crop of RGB 0..255, whose painted teeth have the colour of teeth."""
    around = (masks.reach > 0.3) & (masks.lips < 0.1)
    if not around.any():
        return residual
    skin = np.median(crop[around], axis=0)
    skin_luma = max(float(skin @ LUMA), 1.0)
    tint = 1 + SKIN_SHARE * (skin / skin_luma - 1)
    painted = crop + residual
    luma = painted @ LUMA
    bright = np.clip((luma / skin_luma - BRIGHT_FROM) / (BRIGHT_FULLY - BRIGHT_FROM), 0, 1)
    redness = (painted[..., 0] - painted[..., 1]) / np.maximum(luma, 1)
    red = np.clip((redness - RED_FROM) / (RED_FULLY - RED_FROM), 0, 1)
    teeth = bright * (1 - red) * cv2.GaussianBlur(masks.inner, (0, 0), 1.0)
    wanted = luma[..., None] * tint
    return np.asarray(residual + (wanted - painted) * (STRENGTH * teeth)[..., None], dtype=np.float32)
