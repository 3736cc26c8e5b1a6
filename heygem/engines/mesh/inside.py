"""What is seen between the lips of a mouth: teeth, tongue, dark; how unlike two mouths are, how crisp one is.

Mouths of one opening can look quite different inside. Where they follow each other the teeth blink; where
they are mixed the teeth are seen through.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from heygem.engines.mesh.bank import MouthLooks, MouthPatch
from heygem.templates.canonical import INNER_LOWER, INNER_UPPER, OUTER_LIPS

ROWS, COLUMNS = 6, 8  # of the picture of an inside: about a tooth each
FINER = 3  # samples per cell and direction, averaged: an edge of a tooth is not met or missed by chance
CHROMA_WEIGHT = 1.5  # a tongue is told from teeth by its colour, which differs by less than luma does
SHUT_GAP, SEEN_GAP = 0.015, 0.05  # canonical: nothing is seen inside, all there is to see is seen
BEYOND = 0.25  # of the opening, above and below: edges of lips are looked at too
EDGE = 0.05  # of the mouth's width: steps of luma are told over this length
STEEPEST = 0.95  # quantile of the steps that tells how crisp a mouth is
LEAST_PX = 0.2  # between samples: lips that touch have no steps
Picture = NDArray[np.float32]


def looks_of(patches: Sequence[MouthPatch], skin: NDArray[np.int64]) -> MouthLooks:
    """The looks of the mouths of a bank; `skin` are the vertices around the lips."""
    return MouthLooks(unlikeness(insides(patches, skin)), crispness(patches, skin))


def insides(patches: Sequence[MouthPatch], skin: NDArray[np.int64]) -> Picture:
    """(K,6,8,2): luma and red over blue between the lips of each mouth, over the luma of its own skin.

    `skin` are the vertices around the lips. The pictures run from corner to corner and from lip to lip in
    each mouth, so that they tell what is seen there and not how it is shaped.
    """
    return np.stack([_inside(patch, skin) for patch in patches])


def unlikeness(pictures: Picture) -> Picture:
    """(K,6,8,2) -> (K,K): RMS difference of what lies between the lips of two mouths, open or not.

    1 is the luma of the skin: teeth against dark are 0.3 and more, one mouth in two frames below 0.1.
    """
    flat = (pictures * np.array([1.0, CHROMA_WEIGHT], np.float32)).reshape(len(pictures), -1)
    squared = ((flat[:, None] - flat[None]) ** 2).sum(-1)
    return np.asarray(np.sqrt(squared / (ROWS * COLUMNS)), np.float32)


def crispness(patches: Sequence[MouthPatch], skin: NDArray[np.int64]) -> NDArray[np.float64]:
    """(K,) steepest steps of luma from lip to lip, in lumas of the skin: what motion and codecs smear.

    The detail of the whole mouth box tells less: a beard is sharp, and crumbs of a codec are.
    """
    return np.array([_crispness(patch, skin) for patch in patches])


def seen_part(gap: NDArray[np.floating]) -> NDArray[np.floating]:
    """Of the inside of a mouth filmed at this opening."""
    return np.asarray(np.clip((gap - SHUT_GAP) / (SEEN_GAP - SHUT_GAP), 0, 1))


def _inside(patch: MouthPatch, skin: NDArray[np.int64]) -> Picture:
    """(6,8,2) of one mouth."""
    down = (np.arange(ROWS * FINER) + 0.5) / (ROWS * FINER)
    places = _between_lips(patch.vertices_px, down)
    luma, blue, red = (_cells(_sampled(patch, index, places)) for index in range(3))
    return np.asarray(np.stack([luma, red - blue], -1) / _skin_luma(patch, skin), np.float32)


def _crispness(patch: MouthPatch, skin: NDArray[np.int64]) -> float:
    down = np.linspace(-BEYOND, 1 + BEYOND, ROWS * FINER * 2)
    places = _between_lips(patch.vertices_px, down)
    away_px = np.linalg.norm(np.diff(places, axis=0), axis=-1)
    width_px = np.ptp(patch.vertices_px[list(OUTER_LIPS), 0])
    steps = np.abs(np.diff(_sampled(patch, 0, places), axis=0)) / np.maximum(away_px, LEAST_PX)
    return float(np.quantile(steps, STEEPEST) * EDGE * width_px / _skin_luma(patch, skin))


def _skin_luma(patch: MouthPatch, skin: NDArray[np.int64]) -> float:
    return max(float(_sampled(patch, 0, patch.vertices_px[None, skin]).mean()), 1.0)


def _between_lips(vertices_px: NDArray[np.floating], down: NDArray[np.floating]) -> NDArray[np.floating]:
    """(R,24,2) places in frame pixels, in rows `down` (R,) from the upper lip, 0, to the lower one, 1."""
    across = (np.arange(COLUMNS * FINER) + 0.5) / (COLUMNS * FINER) * (len(INNER_UPPER) - 1)
    first = across.astype(np.int64)
    part = (across - first)[:, None]
    upper, lower = (
        vertices_px[lip[first]] * (1 - part) + vertices_px[lip[first + 1]] * part
        for lip in (np.array(INNER_UPPER), np.array(INNER_LOWER))
    )
    part_down = down[:, None, None]
    return np.asarray(upper * (1 - part_down) + lower * part_down)


def _sampled(patch: MouthPatch, index: int, places_px: NDArray[np.floating]) -> Picture:
    """One plane of a mouth at (h,w,2) luma positions of its own frame."""
    scale = 1 if index == 0 else 2
    corner = np.array([patch.left_px, patch.top_px]) + (scale - 1) / 2
    at = ((places_px - corner) / scale).astype(np.float32)
    plane = patch.pixels.planes[index]
    drawn = cv2.remap(plane, at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(drawn, np.float32)


def _cells(samples: Picture) -> Picture:
    """(18,24) -> (6,8) means."""
    return np.asarray(samples.reshape(ROWS, FINER, COLUMNS, FINER).mean((1, 3)))
