"""A person's own teeth are shown to the net where they are in the mouth it paints."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heygem.engines.mesh.mouth_crop import Image, MouthMasks
from heygem.engines.mesh.teeth.seen import LAID_OVER, SeenTeeth, best_seen
from heygem.models.mouth import CROP_PX

MIDDLE, ROW = 80.0, 70.0


def smile(light: float = 1.0, tall_px: int = 20) -> SeenTeeth:
    """White upper teeth, grey lower ones, in a mouth whose jaw is `tall_px` down."""
    crop = np.zeros((CROP_PX, CROP_PX, 3), np.float32)
    inner = np.zeros((CROP_PX, CROP_PX), np.float32)
    inner[60 : 72 + tall_px, 50:110] = 1
    crop[60:74, 50:110] = 220 * light
    crop[74 + tall_px - 6 : 72 + tall_px, 50:110] = 150 * light
    teeth = (crop[..., 0] > 100).astype(np.float32)
    return SeenTeeth(crop, inner, teeth, np.array([MIDDLE, ROW, ROW + tall_px]), 0.2)


@settings(deadline=None, max_examples=20)
@given(st.integers(-10, 10), st.integers(-6, 6), st.integers(8, 30))
def test_either_row_moves_with_its_bone(across: int, down: int, jaw: int) -> None:
    seen = smile()
    placed = seen.at(seen.origin + (across, down, down + jaw - 20))
    picture, where, teeth = placed.picture, placed.inside, placed.teeth
    upper, lower = picture[60 + down + 5, 80 + across, 0], picture[88 + down + jaw - 20 + 2, 80 + across, 0]
    assert upper == 220 and where[60 + down + 5, 80 + across] == 1
    assert teeth[60 + down + 5, 80 + across] == teeth[88 + down + jaw - 20 + 2, 80 + across] == 1
    assert lower == 150 and where[88 + down + jaw - 20 + 2, 80 + across] == 1


def test_in_its_own_place_a_mouth_is_shown_as_it_is() -> None:
    seen = smile()
    placed = seen.at(seen.origin)
    np.testing.assert_allclose(placed.picture, seen.crop)
    np.testing.assert_allclose(placed.inside, seen.inner)


def test_the_mouth_with_the_most_teeth_is_shown_and_none_that_hardly_opens() -> None:
    bright, dark = smile(), smile(light=0.3)
    assert best_seen([dark, bright]) is bright
    shut = replace(bright, inner=np.zeros_like(bright.inner))
    assert best_seen([shut]) is None and best_seen([]) is None


def laid_over(seen: SeenTeeth, inner: Image, painted: float = 90.0) -> Image:
    """What becomes of a mouth that was painted in one grey, by default as bright as teeth are."""
    crop = np.full((CROP_PX, CROP_PX, 3), 90, np.float32)
    lips = cv2.dilate(inner, np.ones((15, 15)))
    masks = MouthMasks(inner, lips, inner, cv2.dilate(lips, np.ones((15, 15))))
    residual = (painted - crop) * inner[..., None]
    return crop + seen.at(seen.origin).laid_over(crop, masks, residual)


def test_own_teeth_lie_over_painted_ones_and_what_is_no_tooth_does_not() -> None:
    seen = smile()
    made = laid_over(seen, seen.inner)
    assert made[66, 80] == pytest.approx(90 + LAID_OVER * (220 - 90), abs=2)
    assert made[81, 80] == pytest.approx(90, abs=1)  # the dark between the rows


def test_own_teeth_do_not_lie_where_none_is_painted() -> None:
    """A person who hardly shows any at this opening is not given those of a laugh."""
    seen = smile()
    np.testing.assert_allclose(laid_over(seen, seen.inner, painted=30)[seen.inner > 0], 30)


def test_own_teeth_stay_between_the_lips_and_in_the_dark_of_a_mouth_hardly_open() -> None:
    seen = smile()
    half, slit = seen.inner.copy(), np.zeros_like(seen.inner)
    half[:, :80], slit[64:68, 50:110] = 0, 1
    assert laid_over(seen, half)[66, 60] == pytest.approx(90, abs=1)
    assert laid_over(seen, half)[66, 100, 0] > 120
    np.testing.assert_allclose(laid_over(seen, slit)[slit > 0], 90)


@pytest.mark.parametrize(("turned", "laid"), [(3.0, True), (10.0, False)])
def test_teeth_of_a_head_turned_another_way_are_not_laid_over(turned: float, laid: bool) -> None:
    seen = replace(smile(), turned_degrees=turned)
    assert (laid_over(seen, seen.inner)[66, 80, 0] > 120) == laid
