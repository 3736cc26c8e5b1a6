"""What a smile is made of: wide mouths with high corners, whatever the opening; and it is symmetric."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from heygem.models.motion import LOWER_LIP, UPPER_LIP
from heygem.templates.canonical import MOUTH_CORNERS
from training.mouth_shapes import SMILE_HIGHER, SMILE_WIDER, smile, symmetric

AT = {MOUTH_CORNERS[0]: 0, MOUTH_CORNERS[1]: 1, UPPER_LIP: 2, LOWER_LIP: 3, 205: 4}


def test_cheeks_follow_as_they_do_in_the_motion() -> None:
    """Five vertices: both corners, both lips, and a cheek that rises half as far as the corners widen."""
    rng = np.random.default_rng(0)
    components = np.zeros((3, 5, 3), np.float32)
    components[0, [0, 1], 0], components[0, 4, 1] = (-0.5, 0.5), -0.5  # wider, and the cheek up
    components[1, [0, 1], 1] = -1  # corners up
    components[2, 3, 1] = 1  # open
    motion = rng.normal(size=(400, 3)).astype(np.float32)
    found = smile(motion, components, AT)
    assert np.allclose(found[1, 0] - found[0, 0], SMILE_WIDER, atol=1e-4)
    assert np.allclose(found[[2, 3], 1].mean() - found[[0, 1], 1].mean(), SMILE_HIGHER, atol=1e-4)
    assert np.allclose(found[3, 1] - found[2, 1], 0, atol=1e-4)
    assert np.allclose(found[4, 1], -SMILE_WIDER / 2, atol=1e-4)


@given(st.integers(0, 99))
def test_a_symmetric_displacement_is_its_own_mirror_image(seed: int) -> None:
    rng = np.random.default_rng(seed)
    half = rng.uniform(0.1, 1, (6, 3)).astype(np.float32)
    flip = np.array([-1, 1, 1], np.float32)
    places = np.concatenate([half, half * flip])
    once = symmetric(rng.normal(size=places.shape).astype(np.float32), places)
    np.testing.assert_allclose(once[:6], once[6:] * flip, atol=1e-6)
    np.testing.assert_allclose(symmetric(once, places), once, atol=1e-6)
