"""Closed lips that are one patch get a line where they meet; others keep what they have."""

from dataclasses import replace

import cv2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from heygem.engines.mesh.bank import MouthPatch
from heygem.engines.mesh.lip_line import LEAST_DEPTH, line_depth, with_line
from heygem.media.types import YuvFrame
from heygem.templates.canonical import INNER_LOWER, INNER_UPPER, LIP_CENTRE_UPPER, OUTER_LIPS
from tests.drawn_mouth import mouth


def closed(*, upper: int = 110, lower: int = 110, line: int | None = None, scale: float = 220) -> MouthPatch:
    """Lips that touch, of two shades, with a line between them."""
    patch = mouth(open_px=0, scale=scale)
    luma, vertices = patch.pixels.y.copy(), place(patch)
    meeting = (vertices[list(INNER_UPPER)] + vertices[list(INNER_LOWER)]) / 2
    cv2.fillPoly(luma, [vertices[list(OUTER_LIPS)].round().astype(np.int32)], upper)
    lower_lip = np.concatenate([meeting, vertices[list(OUTER_LIPS[1:10])][::-1]])
    cv2.fillPoly(luma, [lower_lip.round().astype(np.int32)], lower)
    if line is not None:
        cv2.polylines(luma, [meeting.round().astype(np.int32)], False, line, 2)
    return replace(patch, pixels=YuvFrame(luma, patch.pixels.u, patch.pixels.v))


def place(patch: MouthPatch) -> np.ndarray:
    return np.asarray(patch.vertices_px - (patch.left_px, patch.top_px))


def depth(patch: MouthPatch) -> float:
    return line_depth(patch.pixels.y, place(patch))


@settings(deadline=None, max_examples=15)
@given(st.integers(60, 200), st.integers(60, 200), st.floats(90, 300))
def test_lips_without_a_line_get_one(upper: int, lower: int, scale: float) -> None:
    lips = closed(upper=upper, lower=lower, scale=scale)
    assert depth(lips) < 0.05
    assert 0.45 * LEAST_DEPTH < depth(with_line(lips)) < 1.1 * LEAST_DEPTH


def test_the_line_lies_where_lips_meet_and_nowhere_else() -> None:
    lips = closed()
    darker = lips.pixels.y.astype(int) - with_line(lips).pixels.y
    rows = np.flatnonzero(darker.max(1) > 2)
    middle = place(lips)[LIP_CENTRE_UPPER, 1]
    assert abs(rows.mean() - middle) < 5 and np.ptp(rows) < 16
    assert darker.min() == 0
    columns = np.flatnonzero(darker.max(0) > 2)
    corners = np.ptp(place(lips)[list(OUTER_LIPS), 0])
    assert np.ptp(columns) < corners


def test_a_line_that_is_there_is_left_alone() -> None:
    lips = closed(line=50)
    assert with_line(lips) is lips
