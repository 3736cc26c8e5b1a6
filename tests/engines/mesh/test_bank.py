"""The mouths that are taken into the bank."""

import numpy as np

from heygem.engines.mesh.bank import choose_own


def test_of_equal_mouths_the_sharpest_is_kept_and_smears_never() -> None:
    shapes = np.zeros((6, 468, 3))
    shapes[3:, 14, 1] = 0.2  # three closed, three open
    detail, usable = np.array([40.0, 60, 1, 50, 30, 90]), np.array([True] * 5 + [False])
    chosen = choose_own(shapes, np.zeros((6, 2)), detail, usable)
    assert chosen.tolist() == [1, 3]
