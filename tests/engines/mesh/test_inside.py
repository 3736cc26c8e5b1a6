"""What is seen between lips, however they are shaped, lit and turned."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heygem.engines.mesh.bank import MouthPatch, cut_patch
from heygem.engines.mesh.inside import insides, unlikeness
from heygem.media.types import YuvFrame
from heygem.templates.canonical import INNER_LIPS, INNER_LOWER, INNER_UPPER, OUTER_LIPS
from tests.drawn_face import FACE, MESH

SKIN, DARK, TEETH = 150, 30, 200


def mouth(
    *, teeth: bool = False, open_px: float = 24, scale: float = 220, light: float = 1, red: int = 128
) -> MouthPatch:
    """A flat face with a hole between its lips; teeth fill the upper half of it."""
    points = FACE.vertices * scale + (240, 200, 0)
    is_lower = FACE.vertices[:, 1] > FACE.vertices[INNER_LIPS[0], 1]
    is_lower[list(INNER_LOWER)], is_lower[list(INNER_UPPER)] = True, False
    points[:, 1] += np.where(is_lower, 0.5, -0.5) * open_px
    luma = np.full((420, 480), SKIN * light, np.uint8)
    inner = points[list(INNER_LIPS), :2]
    cv2.fillPoly(luma, [inner.round().astype(np.int32)], DARK * light)
    if teeth:
        middle = (points[list(INNER_UPPER), :2] + points[list(INNER_LOWER), :2]) / 2
        outline = np.concatenate([points[list(INNER_UPPER), :2], middle[::-1]])
        cv2.fillPoly(luma, [outline.round().astype(np.int32)], TEETH * light)
    frame = YuvFrame(luma, np.full((210, 240), 128, np.uint8), np.full((210, 240), red, np.uint8))
    vertices = MESH.source_vertices(points[None])[0]
    lips = vertices[list(OUTER_LIPS)]
    return cut_patch(frame, lips.min(0) - 40, lips.max(0) + 40, vertices)


def unlike(one: MouthPatch, other: MouthPatch, gaps: tuple[float, float] = (0.1, 0.1)) -> float:
    table = unlikeness(insides([one, other], MESH.ring), np.array(gaps))
    assert table[0, 1] == table[1, 0] and (np.diag(table) == 0).all()
    return float(table[0, 1])


def test_teeth_are_seen_where_they_are() -> None:
    without, with_teeth = insides([mouth(), mouth(teeth=True)], MESH.ring)[..., 0]
    assert without[1:-1].max() < 0.3
    assert with_teeth[1].min() > 1.0 and with_teeth[-2].max() < 0.3


@settings(deadline=None, max_examples=15)
@given(st.floats(20, 40), st.floats(160, 260), st.floats(0.6, 1.2))
def test_neither_shape_nor_size_nor_light_makes_mouths_unlike(
    open_px: float, scale: float, light: float
) -> None:
    changed = {"open_px": open_px, "scale": scale, "light": light}
    assert unlike(mouth(teeth=True), mouth(teeth=True, **changed)) < 0.15
    assert unlike(mouth(), mouth(teeth=True, **changed)) > 0.5


def test_a_tongue_is_told_by_its_colour() -> None:
    assert unlike(mouth(), mouth(red=150)) > 0.15


@pytest.mark.parametrize("gaps", [(0.0, 0.1), (0.1, 0.005), (0.0, 0.0)])
def test_a_shut_mouth_is_unlike_none(gaps: tuple[float, float]) -> None:
    assert unlike(mouth(), mouth(teeth=True), gaps) == 0


def test_a_patch_need_not_hold_all_the_skin() -> None:
    whole = mouth(teeth=True)
    pixels = whole.pixels
    half = YuvFrame(pixels.y[:, :40], pixels.u[:, :20], pixels.v[:, :20])
    assert np.isfinite(insides([replace(whole, pixels=half)], MESH.ring)).all()
