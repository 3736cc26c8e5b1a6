"""The dark line where closed lips meet: one that films blurred away is drawn in again.

Lipstick, soft lenses and codecs leave closed lips that are one patch of red. In the person's own closed
frames the shape of the lips tells; drawn into another frame, such a mouth is seen as neither closed nor open.
"""

from dataclasses import replace
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from heygem.engines.mesh.bank import MouthPatch
from heygem.templates.canonical import INNER_LOWER, INNER_UPPER, OUTER_LIPS

Array = NDArray[np.float64]
CLOSED_GAP = 0.012  # canonical lip gap of mouths that meet
LEAST_DEPTH = 0.2  # of the lips' luma, by which a line is darker than the darker lip
MOST_ROUNDS, ENOUGH = 3, 0.75  # drawn until it is this part of that
LINE_WIDTH = 0.045  # standard deviation, of the height of both lips
LEAST_WIDTH_PX = 0.6  # thinner ones fall between pixels
# Opposite points of the outer ring, left to right, corners left out.
OUTER_LOWER, OUTER_UPPER = OUTER_LIPS[1:10], OUTER_LIPS[:10:-1]
MIDDLE = slice(2, 7)  # of the nine pairs
STEPS = 41  # on each lip
FRACTION_BITS = 4  # of places between pixels
FOUND_WITHIN = 0.3  # of a lip: so near to where lips meet the line is looked for


def with_line(patch: MouthPatch) -> MouthPatch:
    """The same mouth, closed, with a line about `LEAST_DEPTH` deep or deeper."""
    luma = patch.pixels.y
    vertices = patch.vertices_px - (patch.left_px, patch.top_px)
    # On a small face the line falls between pixels, and on the lighter lip: once is not always enough.
    for _ in range(MOST_ROUNDS):
        depth = line_depth(luma, vertices)
        if depth >= ENOUGH * LEAST_DEPTH:
            break
        share = 1 - (1 - LEAST_DEPTH) / (1 - depth)
        darker = luma * (1 - share * _line(luma.shape, vertices))
        luma = np.clip(darker + 0.5, 0, 255).astype(np.uint8)
    return patch if luma is patch.pixels.y else replace(patch, pixels=replace(patch.pixels, y=luma))


def line_depth(luma: NDArray[np.uint8], vertices: Array) -> float:
    """How much darker it is where the lips meet than on the darker lip: 0 for no line, to 1.

    Median over the middle of the mouth; vertices (V,2) in pixels of `luma`.
    """
    meeting = (vertices[list(INNER_UPPER)] + vertices[list(INNER_LOWER)])[MIDDLE] / 2
    along = np.linspace(0, 1, STEPS)[:, None, None]
    upper, lower = (
        _values(luma, meeting + (vertices[list(ring)][MIDDLE] - meeting) * along)
        for ring in (OUTER_UPPER, OUTER_LOWER)
    )  # (STEPS,5) from where the lips meet outwards
    near = round(FOUND_WITHIN * STEPS)
    line = np.minimum(upper[:near].min(0), lower[:near].min(0))
    lips = np.minimum(np.median(upper[near:], axis=0), np.median(lower[near:], axis=0))
    return float(np.clip(np.median(1 - line / np.maximum(lips, 1)), 0, 1))


def _values(luma: NDArray[np.uint8], points: Array) -> NDArray[np.float32]:
    """Luma at points (S,P,2): (S,P)."""
    x, y = np.moveaxis(points.astype(np.float32), -1, 0)
    return np.asarray(cv2.remap(luma, x, y, cv2.INTER_LINEAR), np.float32)


def _line(shape: tuple[int, ...], vertices: Array) -> NDArray[np.float32]:
    """(h,w) 0..1: 1 where the lips meet, fading out to both sides and towards the corners."""
    meeting = (vertices[list(INNER_UPPER)] + vertices[list(INNER_LOWER)]) / 2  # (9,2)
    heights = np.linalg.norm(vertices[list(OUTER_UPPER)] - vertices[list(OUTER_LOWER)], axis=1)
    stroke = np.zeros(shape[:2], np.float32)
    fixed = np.round(meeting * (1 << FRACTION_BITS)).astype(int)  # for lines between pixels
    for number, (start, end) in enumerate(pairwise(fixed.tolist())):
        strength = min(1.0, 0.5 + min(number, len(meeting) - 2 - number))
        cv2.line(stroke, start, end, strength, 1, cv2.LINE_8, FRACTION_BITS)
    width_px = max(LINE_WIDTH * float(heights[MIDDLE].mean()), LEAST_WIDTH_PX)
    soft = np.asarray(cv2.GaussianBlur(stroke, (0, 0), width_px), np.float32)
    return soft / max(float(soft.max()), 1e-6)
