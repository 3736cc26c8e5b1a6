"""How much of its teeth a mouth displays, and what a painted one is to display."""

import numpy as np
import pytest

from heygem.engines.mesh.mouth_crop import MouthMasks
from heygem.engines.mesh.teeth.display import (
    NOBODYS,
    OWN_SHARE,
    display_of,
    more_displayed,
    usual_display,
    wanted_display,
)
from heygem.engines.mesh.teeth.fit import FilmedTeeth
from heygem.models.mouth import CROP_PX

SKIN, TOOTH, DARK, TONGUE = (190, 140, 120), (200, 198, 190), (30, 20, 18), (150, 70, 70)


def mouth(height_px: float, width_px: float = 60) -> MouthMasks:
    """The masks of an oval mouth in the middle of the crop."""
    rows, columns = np.mgrid[:CROP_PX, :CROP_PX] - CROP_PX / 2

    def oval(more_px: float) -> np.ndarray:
        tall, wide = height_px / 2 + more_px, width_px / 2 + more_px
        return ((rows / tall) ** 2 + (columns / wide) ** 2 < 1).astype(np.float32)

    return MouthMasks(oval(0), oval(8), oval(2), oval(24))


def picture(masks: MouthMasks, *colours: tuple[int, int, int]) -> np.ndarray:
    """Skin, with the inside in bands of the colours from lip to lip, as many and as high as the parts are."""
    crop = np.tile(np.array(SKIN, np.float32), (CROP_PX, CROP_PX, 1))
    band = np.digitize(masks.way_down, (0.4, 0.6))
    crop[masks.inner > 0] = np.array(colours, np.float32)[band][masks.inner > 0]
    return crop


def test_each_part_tells_of_its_own_teeth() -> None:
    masks = mouth(30)
    upper, middle, lower, light = display_of(picture(masks, TOOTH, DARK, TONGUE), masks)
    assert upper > 0.95 and middle == lower == 0
    assert 0.3 < light < 0.85
    upper, middle, lower, _ = display_of(picture(masks, DARK, DARK, TOOTH), masks)
    assert upper == middle == 0 and lower > 0.95


def test_closed_lips_display_nothing() -> None:
    masks = mouth(0.5, width_px=20)
    assert not display_of(picture(masks, TOOTH, TOOTH, TOOTH), masks).any()


def test_who_displays_more_than_others_is_asked_for_more_of_it() -> None:
    """Of a mouth of the shape that was filmed a part is wanted, and the rest as of nobody."""
    masks = mouth(24)
    crop = picture(masks, TOOTH, DARK, DARK)
    more = more_displayed([crop] * 3, [masks] * 3)
    own = display_of(crop, masks) - usual_display(masks)
    np.testing.assert_allclose(more, OWN_SHARE * own + (1 - OWN_SHARE) * NOBODYS)
    toothless = more_displayed([picture(masks, DARK, DARK, TONGUE)] * 3, [masks] * 3)
    assert wanted_display(masks, more)[0] > wanted_display(masks, toothless)[0] + 0.2
    known = FilmedTeeth.of([crop] * 3, [masks] * 3)
    assert known is not None
    np.testing.assert_array_equal(known.more, more)


@pytest.mark.parametrize("height_px", [1, 5, 12, 25, 45, 70])
@pytest.mark.parametrize("width_px", [20, 60, 100])
def test_what_is_wanted_can_be_had(height_px: float, width_px: float) -> None:
    wanted = wanted_display(mouth(height_px, width_px), NOBODYS)
    assert wanted.min() >= 0 and wanted.max() <= 1


def test_wide_mouths_usually_display_more_than_narrow_ones() -> None:
    narrow, wide = (usual_display(mouth(20, width_px)) for width_px in (35, 75))
    assert (wide > narrow).all()
