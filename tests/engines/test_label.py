"""The label is there, readable, and only where it should be."""

import numpy as np
import pytest

from heygem.engines.label import VisibleLabel
from heygem.media.types import YuvFrame


@pytest.mark.parametrize(("width", "height"), [(128, 96), (1280, 720), (1080, 1920)])
@pytest.mark.parametrize("grey", [16, 128, 235])
def test_letters_stand_out_at_the_lower_right(width: int, height: int, grey: int) -> None:
    frame = YuvFrame(
        np.full((height, width), grey, np.uint8), *[np.full((height // 2, width // 2), 128, np.uint8)] * 2
    )
    labelled = VisibleLabel(width, height).over(frame)
    changed = np.argwhere(labelled.y != grey)
    assert int(np.ptp(labelled.y)) > 80
    assert changed[:, 0].min() > height * 0.8
    assert changed[:, 1].max() < width and changed[:, 0].max() < height
    assert (frame.y == grey).all()
    assert labelled.u is frame.u
