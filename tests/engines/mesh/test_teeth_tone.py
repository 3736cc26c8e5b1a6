"""Painted teeth take the light's colour and the clip's brightness; tongue and lips keep theirs."""

import numpy as np
import pytest

from heygem.engines.mesh.mouth_crop import MouthMasks
from heygem.engines.mesh.teeth.fit import FilmedTeeth, TeethFit
from heygem.engines.mesh.teeth.tone import brightness, lit, tint_of, toned
from heygem.models.mouth import CROP_PX

SKIN = np.array([190.0, 140.0, 90.0])
MIDDLE = (CROP_PX // 2, CROP_PX // 2)


@pytest.fixture
def masks() -> MouthMasks:
    rows, columns = np.mgrid[:CROP_PX, :CROP_PX] - CROP_PX // 2
    rings = [((rows / (size * 0.6)) ** 2 + (columns / size) ** 2 < 1).astype(np.float32) for size in (24, 34)]
    reach = ((rows**2 + columns**2) < 50**2).astype(np.float32)
    return MouthMasks(rings[0], rings[1], rings[0], reach)


def painted_in(colour: tuple[float, float, float], masks: MouthMasks) -> tuple[np.ndarray, np.ndarray]:
    """What the middle of the mouth is before and after, RGB."""
    crop = np.tile(SKIN.astype(np.float32), (CROP_PX, CROP_PX, 1))
    residual = (np.array(colour, np.float32) - crop) * masks.inner[..., None]
    return (crop + residual)[MIDDLE], (crop + toned(crop, masks, residual))[MIDDLE]


def spread(colour: np.ndarray) -> float:
    return float(np.ptp(colour) / colour.mean())


def test_olive_teeth_lose_most_of_their_colour(masks: MouthMasks) -> None:
    before, after = painted_in((190, 195, 120), masks)
    assert spread(after) < 0.75 * spread(before)
    assert after.mean() == pytest.approx(before.mean(), rel=0.06)


def test_on_red_skin_rosy_teeth_are_teeth_and_a_tongue_is_none(masks: MouthMasks) -> None:
    """Dark skin, or warm light: there the same red over green tells less."""
    skin = np.array([110.0, 68.0, 52.0], np.float32)
    crop = np.tile(skin, (CROP_PX, CROP_PX, 1))
    made = []
    for colour in ((150, 113, 99), (105, 58, 52)):
        residual = (np.array(colour, np.float32) - crop) * masks.inner[..., None]
        made.append((crop + toned(crop, masks, residual))[MIDDLE])
    teeth, tongue = made
    assert spread(teeth) < 0.9 * spread(np.array([150, 113, 99]))
    np.testing.assert_allclose(tongue, (105, 58, 52), atol=6)


@pytest.mark.parametrize("colour", [(150, 70, 70), (25, 15, 12)])  # a tongue, the dark behind
def test_what_is_no_tooth_keeps_its_colour(masks: MouthMasks, colour: tuple[float, float, float]) -> None:
    before, after = painted_in(colour, masks)
    np.testing.assert_allclose(after, before, atol=4)


@pytest.mark.parametrize("colour", [(20, 45, 15), (70, 82, 30)])  # the dark behind and a tongue, both green
def test_nothing_between_the_lips_is_greener_than_the_skin(
    masks: MouthMasks, colour: tuple[float, float, float]
) -> None:
    before, after = painted_in(colour, masks)
    usual = SKIN[0] / SKIN[1]
    assert before[0] / before[1] < 0.9 * usual
    assert after[0] / after[1] == pytest.approx(usual, rel=0.02)


def test_nothing_changes_outside_the_lips(masks: MouthMasks) -> None:
    crop = np.tile(SKIN.astype(np.float32), (CROP_PX, CROP_PX, 1))
    changed = toned(crop, masks, np.zeros_like(crop))
    assert np.abs(changed[:20]).max() == 0


@pytest.mark.parametrize("filmed", [0.8, 1.3])
def test_teeth_become_as_bright_as_filmed_ones(filmed: float, masks: MouthMasks) -> None:
    crop = np.tile(SKIN.astype(np.float32), (CROP_PX, CROP_PX, 1))
    residual = (np.array((150, 148, 140), np.float32) - crop) * masks.inner[..., None]
    fit = TeethFit.of([crop], [masks], [residual], FilmedTeeth(detail=0.0, brightness=filmed))
    before = brightness(crop + residual, masks)
    middle = (crop + fit.applied(crop, masks, residual))[MIDDLE]
    assert middle == pytest.approx((crop + residual)[MIDDLE] * filmed / before, rel=0.02)


def test_no_mouth_gets_brighter_teeth_than_filmed_ones(masks: MouthMasks) -> None:
    """The first mouths are dim and ask for a gain; a brighter one that comes later must not glow."""
    crop = np.tile(SKIN.astype(np.float32), (CROP_PX, CROP_PX, 1))
    dim, bright = (
        (np.full(3, level, np.float32) - crop) * masks.inner[..., None] for level in (120.0, 160.0)
    )
    fit = TeethFit.of([crop], [masks], [dim], FilmedTeeth(detail=0.0, brightness=1.1))
    assert fit.gain > 1.2
    assert brightness(crop + fit.applied(crop, masks, bright), masks) == pytest.approx(1.1, abs=0.02)


def test_teeth_get_the_colour_of_the_persons_own(masks: MouthMasks) -> None:
    crop = np.tile(SKIN.astype(np.float32), (CROP_PX, CROP_PX, 1))
    yellow = np.array([190.0, 175.0, 110.0])
    own = crop + (yellow.astype(np.float32) - crop) * masks.inner[..., None]
    filmed = FilmedTeeth.of([own] * 3, [masks] * 3)
    assert filmed is not None and filmed.tint is not None
    white = (np.array((170, 168, 165), np.float32) - crop) * masks.inner[..., None]
    middle = (crop + toned(crop, masks, white, filmed.tint))[MIDDLE]
    far = np.abs(np.array((170, 168, 165)) / 168 - yellow / yellow.mean()).max()
    assert np.abs(middle / middle.mean() - yellow / yellow.mean()).max() < 0.3 * far


@pytest.mark.parametrize("colour", [(150, 70, 70), (25, 15, 12)])
def test_a_mouth_without_teeth_tells_no_colour_of_teeth(
    masks: MouthMasks, colour: tuple[float, float, float]
) -> None:
    crop = np.tile(SKIN.astype(np.float32), (CROP_PX, CROP_PX, 1))
    assert tint_of(crop + (np.array(colour, np.float32) - crop) * masks.inner[..., None], masks) is None


def test_a_tongue_is_not_brightened(masks: MouthMasks) -> None:
    crop = np.tile(SKIN.astype(np.float32), (CROP_PX, CROP_PX, 1))
    residual = (np.array((150, 70, 70), np.float32) - crop) * masks.inner[..., None]
    np.testing.assert_allclose(lit(crop, masks, residual, 1.4)[MIDDLE], residual[MIDDLE], atol=1)


def test_two_open_mouths_tell_nothing_of_teeth(masks: MouthMasks) -> None:
    crop = np.tile(SKIN.astype(np.float32), (CROP_PX, CROP_PX, 1))
    assert FilmedTeeth.of([crop] * 2, [masks] * 2) is None
    three = FilmedTeeth.of([crop] * 3, [masks] * 3)
    assert three is not None and (three.detail, three.brightness) == (0.0, pytest.approx(1.0))
