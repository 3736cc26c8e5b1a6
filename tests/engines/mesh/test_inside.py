"""What is seen between lips, however they are shaped, lit and turned."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heygem.engines.mesh.bank import MouthPatch
from heygem.engines.mesh.inside import crispness, insides, unlikeness
from heygem.media.types import YuvFrame
from tests.drawn_face import MESH
from tests.drawn_mouth import mouth


def unlike(one: MouthPatch, other: MouthPatch) -> float:
    table = unlikeness(insides([one, other], MESH.ring))
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


def blurred(patch: MouthPatch, sigma_px: float) -> MouthPatch:
    luma = cv2.GaussianBlur(patch.pixels.y, (0, 0), sigma_px)
    return replace(patch, pixels=YuvFrame(luma, patch.pixels.u, patch.pixels.v))


def test_a_smear_is_less_crisp_and_its_size_and_light_do_not_matter() -> None:
    sharp = mouth(teeth=True)
    dim, small = mouth(teeth=True, light=0.6), mouth(teeth=True, scale=150, open_px=16)
    crisp, in_dim_light, from_afar, smear = crispness([sharp, dim, small, blurred(sharp, 4)], MESH.ring)
    assert in_dim_light == pytest.approx(crisp, rel=0.1)
    assert from_afar == pytest.approx(crisp, rel=0.5)
    assert smear < crisp / 2


def test_a_patch_need_not_hold_all_the_skin() -> None:
    whole = mouth(teeth=True)
    pixels = whole.pixels
    half = YuvFrame(pixels.y[:, :40], pixels.u[:, :20], pixels.v[:, :20])
    assert np.isfinite(insides([replace(whole, pixels=half)], MESH.ring)).all()
