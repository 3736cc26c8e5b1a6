"""How much of its teeth an open mouth shows: what the net that paints mouths is told, and what to ask it for.

People differ in it more than mouths of one person do: one shows upper teeth at every vowel, another hardly
any. A net that is not told paints as many as will pass.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from heygem.engines.mesh.mouth_crop import Image, MouthMasks
from heygem.engines.mesh.teeth.tone import SURELY_INSIDE, light_of, teeth_in
from heygem.models.mouth import CROP_PX, DISPLAY_CHANNELS

Array = NDArray[np.float64]
PARTS = ((0.0, 0.4), (0.4, 0.6), (0.6, 1.0))  # of the way from lip to lip: upper row, between, lower row
LEAST_INSIDE_PX = 40  # or nothing can be told of it
# What mouths of a height and a width (of the inside, over the crop's) usually display; rows: height, width,
# height squared, always. Least squares over the clips that the nets learn from: `training.mouth_display`.
USUAL = np.array(
    [
        [2.81, 1.14, 4.13, 2.28],
        [1.92, 1.31, 0.85, 1.19],
        [-8.11, -7.22, -11.14, -7.04],
        [-0.82, -0.39, -0.42, 0.01],
    ]
)

# By how much more than usual a person's mouth displays of whom nothing is known: upper teeth rather than
# lower ones, the dark between them.
NOBODYS = np.array([0.45, -0.2, -0.25, -0.1])
OWN_SHARE = 0.3  # of what a person displays in what is wanted; the rest is as of nobody in particular


def display_of(picture: Image, masks: MouthMasks) -> Array:
    """What a mouth (160,160,3), RGB 0..255, displays.

    Returns:
        (4,): the share of teeth in the upper part of the inside, between the rows and in the lower part,
        0..1, and the luma of the inside over the skin's, at most 1. Zeros where lips are closed.
    """
    inside, down = masks.inner > SURELY_INSIDE, masks.way_down
    if inside.sum() < LEAST_INSIDE_PX:
        return np.zeros(DISPLAY_CHANNELS)
    teeth = teeth_in(picture, masks)
    parts = [inside & (down >= low) & (down < high) for low, high in PARTS]
    shares = [float(teeth[part].mean()) if part.any() else 0.0 for part in parts]
    return np.array([*shares, min(float(light_of(picture, masks)[inside].mean()), 1.0)])


def usual_display(masks: MouthMasks) -> Array:
    """(4,) what a mouth of this height and width displays in the mean of people; not held to 0..1."""
    return np.asarray(shape_of(masks) @ USUAL)


def shape_of(masks: MouthMasks) -> Array:
    """(4,) height and width of the inside over the crop's, the height squared, and 1."""
    heights = masks.inner.sum(0)
    height, width = heights.max() / CROP_PX, (heights > 0.5).sum() / CROP_PX
    return np.array([height, width, height**2, 1.0])


def wanted_display(masks: MouthMasks, more: Array) -> Array:
    """(4,) in 0..1: what a mouth of this shape is to display of a person who displays this much `more`."""
    return np.asarray(np.clip(usual_display(masks) + more, 0, 1))


def more_displayed(pictures: Sequence[Image], masks: Sequence[MouthMasks]) -> Array:
    """(4,) by how much more than usual mouths of a person are to display, of whom some (160,160,3) are known.

    A third of it is what these do in the median: the more unusual it is, the worse it is painted, and what
    light does to teeth is brought about elsewhere (`TeethFit`).
    """
    mouths = zip(pictures, masks, strict=True)
    own = np.median([display_of(*mouth) - usual_display(mouth[1]) for mouth in mouths], axis=0)
    return np.asarray(OWN_SHARE * own + (1 - OWN_SHARE) * NOBODYS)
