"""A photo with its lids down is the same whether it is doubled as a whole or where the lids are."""

import numpy as np
import pytest

from heygem.engines.mesh.photo.doubling import doubled
from heygem.engines.mesh.photo.eye import IMAGE_LEFT, IMAGE_RIGHT, Eye
from heygem.engines.mesh.photo.eyelids import lowered
from heygem.engines.mesh.photo.fine_photo import FinePhoto
from tests.drawn_face import landmarks, photo_of

SHUT, HALF = 2, 1


def photo_with_lids(points: np.ndarray) -> FinePhoto:
    photo = photo_of(points)
    eyes = [Eye.of(points[:, :2], which, photo.y) for which in (IMAGE_LEFT, IMAGE_RIGHT)]
    lids = {level: [lowered(eye, level / SHUT, photo) for eye in eyes] for level in (HALF, SHUT)}
    return FinePhoto.of(photo, lids)


# Eyes far apart, and so near each other that the parts around the lids overlap.
@pytest.mark.parametrize("share", [1.0, 0.25], ids=["large", "small"])
@pytest.mark.parametrize("level", [0, HALF, SHUT])
def test_parts_turn_the_open_eyed_photo_into_the_blinking_one(share: float, level: int) -> None:
    fine = photo_with_lids(landmarks() * share + (100 * (1 - share), 80 * (1 - share), 0))
    wanted, before = fine.blinking(level), fine.luma_twice.copy()
    luma, chroma = fine.luma_twice.copy(), np.stack([fine.open_eyed.u, fine.open_eyed.v])
    for part in fine.parts(level):
        x, y = part.left_px, part.top_px
        assert x % 2 == 0 and y % 2 == 0
        luma[2 * y :, 2 * x :][: part.luma_twice.shape[0], : part.luma_twice.shape[1]] = part.luma_twice
        chroma[:, y // 2 :, x // 2 :][:, : part.chroma.shape[1], : part.chroma.shape[2]] = part.chroma
    np.testing.assert_array_equal(luma, doubled(wanted.y))
    np.testing.assert_array_equal(luma, fine.luma_twice_at(level))
    np.testing.assert_array_equal(chroma, np.stack([wanted.u, wanted.v]))
    np.testing.assert_array_equal(fine.luma_twice, before)
    assert (wanted.y != fine.open_eyed.y).any() == (level > 0)
