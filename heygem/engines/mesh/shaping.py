"""What the lower face should look like in each output frame, as displacements of the template's own face."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from heygem.templates.canonical import (
    INNER_LOWER,
    INNER_UPPER,
    LIP_CENTRE_LOWER,
    LIP_CENTRE_UPPER,
    LIPS,
    lip_gap,
)

Array = NDArray[np.float64]
RESTING_QUANTILE = 0.10  # frames with the smallest lip gap make the resting face
OWN_SMOOTHING_FRAMES = 1.0
# Lips that leave a smooth course by this much (canonical, RMS) move; by less they tremble in the tracker.
TREMBLE = 0.003
# Lips nearer than this (canonical) are pressed together: viewers forgive a wrong vowel, never an open p.
CONTACT_GAP = 0.010
CALM_FRAMES, CALM_REACH_FRAMES = 1.2, 4


def calm(values: Array) -> Array:
    """Smooth (N,...) in time, over about three frames; frames beyond `CALM_REACH_FRAMES` have no say."""
    smooth = gaussian_filter1d(values, CALM_FRAMES, axis=0, mode="nearest", radius=CALM_REACH_FRAMES)
    return np.asarray(smooth)


def resting_shape(shapes: NDArray[np.floating], present: NDArray[np.bool_]) -> Array:
    """(N,468,3) canonical -> (468,3): median of the present frames whose lip gap is smallest."""
    gaps = lip_gap(shapes)[present]
    closed = gaps <= np.quantile(gaps, RESTING_QUANTILE) + 1e-9
    return np.asarray(np.median(shapes[present][closed], axis=0), dtype=np.float64)


def smoothed_own(shapes: Array) -> NDArray[np.float32]:
    """The template's own motion without the tracker's jitter: (N,468,3) -> (N,468,3) float32.

    What is undone must not shake the skin, so small departures from a smooth course are taken for jitter. A
    quick syllable departs by more; it is real, and kept whole, or it would be seen through the new motion.
    """
    if len(shapes) < 2:
        return shapes.astype(np.float32)
    departure = shapes - gaussian_filter1d(shapes, OWN_SMOOTHING_FRAMES, axis=0, mode="nearest")
    size = np.sqrt((departure[:, LIPS, :2] ** 2).sum(-1).mean(1))
    jitter = np.exp(-((size / TREMBLE) ** 2))[:, None, None] * departure
    return np.asarray(shapes - jitter, dtype=np.float32)


def wanted_shapes(neutral: Array, displacement: NDArray[np.floating]) -> Array:
    """(468,3) and (B,468,3) -> (B,468,3): lips never cross, and close when nearly closed."""
    shapes = neutral[None] + displacement
    upper, lower = shapes[:, INNER_UPPER], shapes[:, INNER_LOWER]
    gap = (lower - upper)[..., 1]  # (B,9), y runs down: positive is open
    rest = (neutral[list(INNER_LOWER)] - neutral[list(INNER_UPPER)])[:, 1]
    shift = (_closing_gap(gap, np.clip(rest, 0, CONTACT_GAP / 2)) - gap) / 2
    shapes[:, INNER_UPPER, 1] -= shift
    shapes[:, INNER_LOWER, 1] += shift
    return shapes


def pressed(shapes: Array, closes: Array) -> Array:
    """Shapes (B,468,3) with up to CONTACT_GAP of what parts their lips taken away, as far as they close (B,).

    Lips at rest may be a hair apart. Where a mouth that was open is drawn closed, that hair is seen.
    """
    shapes = shapes.copy()
    gap = (shapes[:, INNER_LOWER] - shapes[:, INNER_UPPER])[..., 1]  # (B,9)
    shift = np.clip(gap, 0, CONTACT_GAP) * closes[:, None] / 2
    shapes[:, INNER_UPPER, 1] += shift
    shapes[:, INNER_LOWER, 1] -= shift
    return shapes


def _closing_gap(gap: Array, closed: Array) -> Array:
    """Identity for open lips; below CONTACT_GAP it falls to `closed`, smoothly, and stays there."""
    part = np.clip(gap / CONTACT_GAP, 0, 1)
    return np.where(gap < CONTACT_GAP, closed + (CONTACT_GAP - closed) * part**2 * (2 - part), gap)


def wanted_gap(shapes: Array) -> Array:
    """(B,468,3) -> (B,) signed lip gap, never negative."""
    return np.maximum((shapes[:, LIP_CENTRE_LOWER] - shapes[:, LIP_CENTRE_UPPER])[:, 1], 0)


def lip_outline(shapes: NDArray[np.floating]) -> NDArray[np.float32]:
    """(...,468,3) -> (...,40,2) lip points about their own middle: the key of the mouth bank."""
    lips = shapes[..., LIPS, :2]
    return np.asarray(lips - lips.mean(-2, keepdims=True), dtype=np.float32)
