"""Painted mouths get as crisp as filmed ones, and no crisper; nothing outside the lips changes."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heygem.engines.mesh.mouth_crop import Image, MouthMasks
from heygem.engines.mesh.teeth.detail import (
    MOST_SHARPENING,
    MOST_SOFTENING,
    OF_FILMED,
    inside_detail,
    sharpened,
    sharpening_for,
    steepened,
)
from heygem.models.mouth import CROP_PX

NOISE = np.random.default_rng(4).normal(0, 60, (CROP_PX, CROP_PX, 1)).repeat(3, 2)
FILMED = (120 + cv2.GaussianBlur(NOISE, (0, 0), 0.6)).clip(0, 255)  # no lens shows white noise
CROP = np.full((CROP_PX, CROP_PX, 3), 120, np.float32)


def ring_masks() -> MouthMasks:
    rows, columns = np.mgrid[:CROP_PX, :CROP_PX] - CROP_PX // 2
    rings = [((rows / (size * 0.6)) ** 2 + (columns / size) ** 2 < 1).astype(np.float32) for size in (24, 34)]
    return MouthMasks(rings[0], rings[1], rings[0], rings[1])


@pytest.fixture
def masks() -> MouthMasks:
    return ring_masks()


def softly_painted(sigma: float) -> Image:
    """What is added to a flat crop: the filmed inside, softened."""
    return np.asarray(cv2.GaussianBlur(FILMED, (0, 0), sigma) - CROP, np.float32)


def painted_detail(residual: Image, masks: MouthMasks) -> float:
    return inside_detail(CROP + residual, masks)


@pytest.mark.parametrize("sigma", [0.55, 0.6])
def test_a_soft_mouth_comes_near_the_filmed_ones(sigma: float, masks: MouthMasks) -> None:
    soft, filmed = softly_painted(sigma), inside_detail(FILMED.astype(np.float32), masks)
    amount = sharpening_for([CROP], [masks], [soft], filmed)
    crisp = sharpened(CROP, masks, soft, amount)
    before, after = painted_detail(soft, masks), painted_detail(crisp, masks)
    assert 0 < amount <= MOST_SHARPENING
    assert abs(after - filmed) < 0.7 * abs(before - filmed)


@given(amount=st.floats(0.1, MOST_SHARPENING), level=st.floats(140, 230))
def test_teeth_do_not_glow(amount: float, level: float) -> None:
    """A bright row in a dark mouth comes out with sharper edges, hardly brighter and hardly darker."""
    ring = ring_masks()
    row = CROP.copy()
    row[CROP_PX // 2 - 6 : CROP_PX // 2 + 6, CROP_PX // 2 - 12 : CROP_PX // 2 + 12] = level
    soft = cv2.GaussianBlur(row, (0, 0), 1.5)
    crisp = CROP + sharpened(CROP, ring, soft - CROP, amount)
    assert crisp.max() <= soft.max() + 0.1 * np.ptp(soft) + 1e-3
    assert crisp.min() >= soft.min() - 0.1 * np.ptp(soft) - 1e-3
    assert inside_detail(crisp, ring) > inside_detail(soft, ring)


@pytest.mark.parametrize("of_painted", [0.4, 0.7])
def test_a_mouth_crisper_than_the_filmed_ones_is_softened(of_painted: float, masks: MouthMasks) -> None:
    residual = softly_painted(1.4)  # as soft as teeth are
    before = painted_detail(residual, masks)
    amount = sharpening_for([CROP], [masks], [residual], of_painted * before / OF_FILMED)
    after = painted_detail(sharpened(CROP, masks, residual, amount), masks)
    assert MOST_SOFTENING <= amount < 0
    assert after == pytest.approx(of_painted * before, rel=0.2)


def test_a_mouth_as_crisp_as_the_filmed_ones_is_left_as_it_is(masks: MouthMasks) -> None:
    residual = softly_painted(0.5)
    amount = sharpening_for([CROP], [masks], [residual], painted_detail(residual, masks) / OF_FILMED)
    assert amount == pytest.approx(0, abs=1e-6)
    np.testing.assert_allclose(sharpened(CROP, masks, residual, amount), residual, atol=1e-4)


def test_without_filmed_mouths_the_lips_tell(masks: MouthMasks) -> None:
    flat, soft = CROP, softly_painted(0.8)
    grained = CROP + np.asarray(FILMED - 120, np.float32) * (masks.lips - masks.inner)[..., None]
    assert sharpening_for([flat], [masks], [soft], None) < 0
    assert sharpening_for([grained], [masks], [soft], None) > 0


def test_nothing_changes_outside_the_lips(masks: MouthMasks) -> None:
    residual = softly_painted(0.8)
    crisp = sharpened(CROP, masks, residual, 1.0)
    outside = cv2.dilate(masks.inner, np.ones((13, 13))) == 0
    np.testing.assert_allclose(crisp[outside], residual[outside], atol=1e-4)


@pytest.mark.parametrize("times", [1.5, 3.0])
def test_an_enlarged_edge_is_made_steeper_without_a_halo(times: float) -> None:
    rows = np.repeat(200 / (1 + np.exp(30 - np.arange(60, dtype=np.float32)))[None], 40, 0)
    size = (round(60 * times), round(40 * times))
    enlarged = cv2.resize(np.stack([rows] * 3, -1), size, interpolation=cv2.INTER_CUBIC)
    steep = steepened(enlarged, times)
    steepest = [float(np.abs(np.diff(one[..., 0], axis=1)).max()) for one in (enlarged, steep)]
    assert steepest[1] > 1.1 * steepest[0]
    assert enlarged.min() - 1e-3 <= steep.min() and steep.max() <= enlarged.max() + 1e-3


def test_what_is_not_enlarged_is_left_alone() -> None:
    assert steepened(CROP, 0.7) is CROP
