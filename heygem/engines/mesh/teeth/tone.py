"""Brings painted teeth into the light of the picture.

A net that has seen skin of one colour under light of another paints teeth in the skin's colour: olive in a
tanned face, orange beside a lamp. Teeth are nearly white; they take the light's warmth only in part. And how
bright they are beside the skin differs from person to person and from lamp to lamp: where a clip shows its
own, painted ones become as bright.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from heygem.engines.mesh.mouth_crop import Image, MouthMasks

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
SKIN_SHARE = 0.4  # how much of the skin's tint stays in the teeth
STRENGTH = 0.8
# Against the skin's luma: where teeth begin and are surely teeth. Redder than this is tongue or gum, on skin
# that is as red as USUAL_RED; on redder skin, dark or in warm light, all of it is redder.
BRIGHT_FROM, BRIGHT_FULLY = 0.6, 1.0
RED_FROM, RED_FULLY = 0.15, 0.40
USUAL_RED, REDDEST = 0.27, 0.5
GREEN_FULLY = 0.15  # by how much less red over green than lips and skin have is surely too green
SURELY_INSIDE = 0.8  # of the lips
PALER_THAN_SKIN = 0.6  # teeth: less red than the skin is in the same light, by this factor
LEAST_TEETH_PX, WHITEST = 40, 0.5  # to tell the colour of teeth, and the part of them that tells it
BRIGHTEST = 0.95  # quantile of the luma between open lips: teeth, where there are any
LIT_FROM, LIT_FULLY = 0.25, 0.60  # against the skin's luma: what is brighter than the dark of the mouth
GAIN_RANGE = (0.55, 1.4)


def brightness(picture: Image, masks: MouthMasks) -> float:
    """Luma of the brightest between the lips of (160,160,3), RGB 0..255, over that of the skin around."""
    luma = picture @ LUMA
    skin_luma, inside = _skin_luma(luma, masks), luma[masks.inner > SURELY_INSIDE]
    if skin_luma is None or not len(inside):
        return 1.0
    return float(np.quantile(inside, BRIGHTEST) / skin_luma)


def gain_for(
    crops: Sequence[Image], masks: Sequence[MouthMasks], residuals: Sequence[Image], filmed: float
) -> float:
    """What makes painted mouths as bright as filmed ones, whose `brightness` is given: one gain for all."""
    painted = [
        brightness(crop + residual, mask)
        for crop, mask, residual in zip(crops, masks, residuals, strict=True)
    ]
    return float(np.clip(filmed / max(float(np.median(painted)), 1e-3), *GAIN_RANGE))


def lit(crop: Image, masks: MouthMasks, residual: Image, gain: float) -> Image:
    """The residual (160,160,3) with what is bright between the lips brighter by `gain`, or darker.

    Brighter are teeth alone: a tongue or gums that shine look wrong.
    """
    painted = crop + residual
    luma = painted @ LUMA
    skin_luma = _skin_luma(luma, masks)
    if skin_luma is None:
        return residual
    share = np.clip((luma / skin_luma - LIT_FROM) / (LIT_FULLY - LIT_FROM), 0, 1)
    if gain > 1:
        share = share * (1 - _redness(painted, luma, masks))
    share *= masks.soft_inner
    more = (gain - 1) * share[..., None]
    return np.asarray(np.clip(painted * (1 + more), 0, 255) - crop, dtype=np.float32)


def tint_of(picture: Image, masks: MouthMasks) -> NDArray[np.floating] | None:
    """(3,) colour over luma of the teeth in a mouth (160,160,3), RGB 0..255; None if hardly any are seen."""
    luma = picture @ LUMA
    skin_luma, redness = _skin_luma(luma, masks), _red_over_green(picture, luma)
    if skin_luma is None:
        return None
    bright = _bright(luma, skin_luma) > 0.5
    pale = redness < PALER_THAN_SKIN * np.median(redness[_skin_around(masks)])
    teeth = bright & pale & (masks.inner > SURELY_INSIDE)
    if teeth.sum() < LEAST_TEETH_PX:
        return None
    # Their edges are tinged by lips and gums.
    whitest = teeth & (redness <= np.quantile(redness[teeth], WHITEST))
    colour = picture[whitest].mean(0)
    colour[1] = min(colour[0], colour[1])  # noise and codecs make green, teeth are never
    return np.asarray(colour / max(float(colour @ LUMA), 1.0))


def toned(
    crop: Image, masks: MouthMasks, residual: Image, filmed_tint: NDArray[np.floating] | None = None
) -> Image:
    """Residual (160,160,3), to add to a crop of RGB 0..255, in the light of the picture.

    Painted teeth get the colour of the person's own, `filmed_tint`, or, where none were seen, that of teeth
    in this light. What is no tooth is never greener than lips and skin are.
    """
    around = _skin_around(masks)
    if not around.any():
        return residual
    skin = np.median(crop[around], axis=0)
    skin_luma = max(float(skin @ LUMA), 1.0)
    tint = 1 + SKIN_SHARE * (skin / skin_luma - 1) if filmed_tint is None else filmed_tint
    painted = crop + residual
    luma = painted @ LUMA
    inside = masks.soft_inner
    teeth = teeth_in(painted, masks) * inside
    wanted = luma[..., None] * tint
    white = painted + (wanted - painted) * (STRENGTH * teeth)[..., None]
    flesh = _flesh(crop, masks, skin)
    warm = luma[..., None] * (flesh / max(float(flesh @ LUMA), 1.0))
    share = inside * (1 - teeth) * _greenness(white, flesh)
    return np.asarray(white + (warm - white) * share[..., None] - crop, dtype=np.float32)


def teeth_in(picture: Image, masks: MouthMasks) -> Image:
    """(160,160) 0..1: what is as bright and as little red as teeth are, in RGB (160,160,3) 0..255."""
    luma = picture @ LUMA
    skin_luma = _skin_luma(luma, masks)
    if skin_luma is None:
        return np.zeros(luma.shape, np.float32)
    return np.asarray(_bright(luma, skin_luma) * (1 - _redness(picture, luma, masks)), np.float32)


def light_of(picture: Image, masks: MouthMasks) -> Image:
    """(160,160) luma of RGB (160,160,3) 0..255 over that of the skin around; ones where none is seen."""
    luma = picture @ LUMA
    skin_luma = _skin_luma(luma, masks)
    return np.ones(luma.shape, np.float32) if skin_luma is None else np.asarray(luma / skin_luma, np.float32)


def _bright(luma: NDArray[np.floating], skin_luma: float) -> Image:
    """1 for what is surely as bright as teeth are."""
    part = (luma / skin_luma - BRIGHT_FROM) / (BRIGHT_FULLY - BRIGHT_FROM)
    return np.asarray(np.clip(part, 0, 1), np.float32)


def _skin_around(masks: MouthMasks) -> NDArray[np.bool_]:
    return np.asarray((masks.reach > 0.3) & (masks.lips < 0.1))


def _skin_luma(luma: NDArray[np.floating], masks: MouthMasks) -> float | None:
    """The usual luma of the skin around, at least 1; None where no skin is seen."""
    skin = luma[_skin_around(masks)]
    return max(float(np.median(skin)), 1.0) if len(skin) else None


def _flesh(crop: Image, masks: MouthMasks, skin: NDArray[np.floating]) -> NDArray[np.floating]:
    """(3,) what is between skin and lips in colour: a mouth is no greener inside."""
    lips = crop[masks.lips - masks.inner > SURELY_INSIDE]
    return skin if len(lips) == 0 else (skin + np.median(lips, axis=0)) / 2


def _greenness(picture: Image, flesh: NDArray[np.floating]) -> Image:
    """0 where red over green is that of the flesh or more, 1 where it is less by GREEN_FULLY or more."""
    usual = flesh[0] / max(float(flesh[1]), 1.0)
    ratio = picture[..., 0] / np.maximum(picture[..., 1], 1)
    return np.asarray(np.clip((usual - ratio) / GREEN_FULLY, 0, 1), np.float32)


def _redness(picture: Image, luma: NDArray[np.floating], masks: MouthMasks) -> Image:
    """0 for teeth, 1 for what is surely tongue or gum."""
    redness = _red_over_green(picture, luma)
    skin = float(np.median(redness[_skin_around(masks)]))
    times = float(np.clip(skin, USUAL_RED, REDDEST)) / USUAL_RED
    return np.asarray(np.clip((redness / times - RED_FROM) / (RED_FULLY - RED_FROM), 0, 1), np.float32)


def _red_over_green(picture: Image, luma: NDArray[np.floating]) -> NDArray[np.floating]:
    """By how much red is above green, over the luma."""
    return np.asarray((picture[..., 0] - picture[..., 1]) / np.maximum(luma, 1))
