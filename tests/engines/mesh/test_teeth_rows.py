"""Painted rows of teeth: the lower one stands in the shade, gaps are no black lines, all else stays."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heygem.engines.mesh.mouth_crop import Image, MouthMasks
from heygem.engines.mesh.teeth.fit import FAINT_GAPS, OWN_GAPS, FilmedTeeth, TeethFit
from heygem.engines.mesh.teeth.rows import DIMMEST, GAP_DEPTH, LOWER_OVER_UPPER, evened
from heygem.models.mouth import CROP_PX

MIDDLE = CROP_PX // 2
CROP = np.full((CROP_PX, CROP_PX, 3), 120, np.float32)
INSIDE = np.zeros((CROP_PX, CROP_PX), np.float32)
INSIDE[MIDDLE - 12 : MIDDLE + 12, MIDDLE - 25 : MIDDLE + 25] = 1
AROUND = np.zeros_like(INSIDE)
AROUND[MIDDLE - 30 : MIDDLE + 30, MIDDLE - 45 : MIDDLE + 45] = 1
MASKS = MouthMasks(INSIDE, INSIDE, INSIDE, AROUND)


def two_rows(upper: float, lower: float) -> Image:
    """A mouth with dark between the rows."""
    mouth = np.where(INSIDE[..., None] > 0, 25.0, CROP)
    for row, level in ((MIDDLE - 11, upper), (MIDDLE + 5, lower)):
        mouth[row : row + 6, MIDDLE - 20 : MIDDLE + 20] = level
    return np.asarray(mouth, np.float32)


def rows_of(mouth: Image) -> tuple[float, float]:
    return float(mouth[MIDDLE - 8, MIDDLE, 0]), float(mouth[MIDDLE + 8, MIDDLE, 0])


@given(st.floats(125, 255), st.floats(125, 255))
def test_a_lower_row_is_dimmer_than_the_upper_one(upper: float, lower: float) -> None:
    mouth = two_rows(upper, lower)
    upper_made, lower_made = rows_of(CROP + evened(CROP, MASKS, mouth - CROP))
    assert upper_made == pytest.approx(upper, rel=0.02)
    wanted = min(lower, max(LOWER_OVER_UPPER * upper, DIMMEST * lower))
    assert lower_made == pytest.approx(wanted, rel=0.03)


@pytest.mark.parametrize("lower", [(100, 55, 55), (200, 200, 200)])  # a tongue, lower teeth
def test_without_upper_teeth_nothing_stands_in_their_shade(lower: tuple[int, int, int]) -> None:
    mouth = two_rows(25, 25)
    mouth[MIDDLE + 2 : MIDDLE + 11, MIDDLE - 20 : MIDDLE + 20] = lower
    made = CROP + evened(CROP, MASKS, mouth - CROP)
    np.testing.assert_allclose(made[MIDDLE + 6, MIDDLE], lower, atol=2)


def test_a_tongue_below_upper_teeth_keeps_its_light() -> None:
    mouth = two_rows(200, 25)
    mouth[MIDDLE - 2 : MIDDLE + 11, MIDDLE - 20 : MIDDLE + 20] = (130, 70, 70)
    made = CROP + evened(CROP, MASKS, mouth - CROP)
    np.testing.assert_allclose(made[MIDDLE + 6, MIDDLE], (130, 70, 70), atol=2)


def test_a_gap_between_teeth_is_no_black_line() -> None:
    mouth = two_rows(200, 100)
    mouth[MIDDLE - 11 : MIDDLE - 5, MIDDLE] = 20
    made = CROP + evened(CROP, MASKS, mouth - CROP)
    gap, tooth = made[MIDDLE - 8, MIDDLE, 0], made[MIDDLE - 8, MIDDLE + 6, 0]
    assert 0.4 * tooth < gap < 1.1 * GAP_DEPTH * tooth


def test_gaps_between_teeth_are_faint_however_they_are_sharpened() -> None:
    """Those of teeth that nobody knows more than those of a person whose teeth were filmed."""
    mouth = two_rows(200, 100)
    mouth[MIDDLE - 11 : MIDDLE - 5, MIDDLE - 2 : MIDDLE + 2] = 110
    known = FilmedTeeth(detail=0.0, brightness=1.0)
    depths = []
    for filmed in (None, known):
        fit = replace(TeethFit.of([CROP], [MASKS], [mouth - CROP], filmed), gain=1.0, sharpening=1.0)
        made = CROP + fit.applied(CROP, MASKS, mouth - CROP)
        depths.append(float(made[MIDDLE - 8, MIDDLE, 0] / made[MIDDLE - 8, MIDDLE + 6, 0]))
    assert depths == pytest.approx([FAINT_GAPS, OWN_GAPS], abs=0.08)
    assert depths[0] > depths[1] + 0.05


def test_the_dark_of_a_mouth_and_the_skin_stay() -> None:
    mouth = two_rows(200, 150)
    added = evened(CROP, MASKS, mouth - CROP)
    np.testing.assert_allclose((CROP + added)[MIDDLE, MIDDLE - 10 : MIDDLE + 10], 25, atol=1)
    assert np.abs(added - (mouth - CROP))[INSIDE == 0].max() < 25
    assert np.abs(added - (mouth - CROP))[:40].max() == 0


def test_closed_lips_stay_as_they_are() -> None:
    nothing = np.zeros_like(INSIDE)
    closed = MouthMasks(nothing, INSIDE, nothing, INSIDE)
    residual = two_rows(200, 100) - CROP
    np.testing.assert_array_equal(evened(CROP, closed, residual), residual)
