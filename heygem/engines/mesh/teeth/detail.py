"""Gives painted mouths the crispness of the clip they are painted into.

Nets paint softer than a crisp clip is and crisper than a soft one. How crisp the inside of a mouth has to be,
its own open frames tell; where a clip has none, the lips do: filmed teeth show more detail than the lips
around them.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from heygem.engines.mesh.mouth_crop import Image, MouthMasks

OF_FILMED = 0.9  # painted mouths are seen beside the sharpest filmed ones, but are shown longer
INSIDE_OVER_LIPS = 2.5  # in the median of 11 filmed clips
TOO_CRISP = 2.0  # times what the lips tell, which they do but roughly: more than that is softened
MOST_SOFTENING, MOST_SHARPENING = -1.0, 0.8
BLUR_PX = 1.2
NEAR_PX, OVERSHOOT = 5, 0.1  # sharpening stays within what is this near, give or take a part of its range
# What sharpening by one adds to the root of the detail, as a share of it: measured on painted mouths.
ROOT_GAIN = 0.51
LEAST_DETAIL = 1e-3
STEEP_BLUR, STEEPENING = 0.7, 3.0  # of enlarged pixels, and how much at most


def inside_detail(crop: Image, mask: MouthMasks) -> float:
    """Detail between the lips of a mouth crop (160,160,3), RGB 0..255: mean squared Laplacian of its grey."""
    return _detail(crop, mask.inner)


def sharpening_for(
    crops: Sequence[Image], masks: Sequence[MouthMasks], residuals: Sequence[Image], filmed: float | None
) -> float:
    """How much some painted mouths of one person have to be sharpened, -1..1.3: one amount for all of them.

    Below 0 they are softened. Crops and residuals are (160,160,3), RGB 0..255; `filmed` is the
    `inside_detail` of the person's own open mouths, None where there are none.
    """
    pairs = list(zip(crops, masks, strict=True))
    painted = [
        inside_detail(crop + added, mask) for (crop, mask), added in zip(pairs, residuals, strict=True)
    ]
    lips = [_detail(crop, np.clip(mask.lips - mask.inner, 0, 1)) for crop, mask in pairs]
    wanted = INSIDE_OVER_LIPS * float(np.median(lips)) if filmed is None else OF_FILMED * filmed
    root = np.sqrt(wanted / max(float(np.median(painted)), LEAST_DETAIL))
    if filmed is None and root < 1:
        root = min(root * np.sqrt(TOO_CRISP), 1.0)
    return float(np.clip((root - 1) / ROOT_GAIN, MOST_SOFTENING, MOST_SHARPENING))


def sharpened(crop: Image, mask: MouthMasks, residual: Image, amount: float) -> Image:
    """The residual (160,160,3) that makes the inside of the lips crisper, or softer if `amount` is below 0.

    An unsharp mask that goes hardly beyond the brightest and the darkest next to each pixel: teeth that glow
    and black lines between them are what gives a sharpened picture away.
    """
    painted = crop + residual
    inside = cv2.GaussianBlur(cv2.dilate(mask.inner, np.ones((3, 3))), (0, 0), 1.0)[..., None]
    crisp = painted + amount * (painted - cv2.GaussianBlur(painted, (0, 0), BLUR_PX))
    near = np.ones((NEAR_PX, NEAR_PX))
    darkest, brightest = cv2.erode(painted, near), cv2.dilate(painted, near)
    beyond = OVERSHOOT * (brightest - darkest)
    crisp = np.clip(crisp, darkest - beyond, brightest + beyond)
    return np.asarray(np.clip(painted + inside * (crisp - painted), 0, 255) - crop, dtype=np.float32)


def steepened(enlarged: Image, times: float) -> Image:
    """A picture (H,W,3) that was enlarged so many times, with edges nearly as steep as before.

    An unsharp mask as wide as the enlarged pixels that stays within what is beside each of them: an edge
    becomes steeper, and nothing gets a halo.
    """
    if times <= 1:
        return enlarged
    blurred = cv2.GaussianBlur(enlarged, (0, 0), STEEP_BLUR * times)
    near = np.ones((2 * round(times / 2) + 1, 2 * round(times / 2) + 1))
    amount = STEEPENING * (1 - 1 / times)
    crisp = enlarged + amount * (enlarged - blurred)
    return np.asarray(np.clip(crisp, cv2.erode(enlarged, near), cv2.dilate(enlarged, near)), np.float32)


def _detail(picture: Image, where: Image) -> float:
    edges = cv2.Laplacian(picture.mean(-1), cv2.CV_32F) ** 2
    return float((edges * where).sum() / max(float(where.sum()), 1.0))
