"""What a golden notices, and that warm inputs stay the same."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from heygem.models.golden import deviation, fingerprint
from heygem.models.resident import FloatArray, in_equal_shares, warm_images, warm_noise


@given(shape=st.lists(st.integers(1, 40), min_size=1, max_size=4))
def test_a_fingerprint_is_small_and_of_the_whole(shape: list[int]) -> None:
    output = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    taken = fingerprint(output)
    assert min(output.size, 2048) <= taken.size <= 8192
    assert output.size - taken[-1] <= output.size / 1024 + 1


def test_deviation_is_relative() -> None:
    golden: FloatArray = np.array([1, -3], np.float32)
    assert deviation(golden, golden) == 0
    assert deviation(golden * 1.1, golden) == pytest.approx(0.1)
    assert deviation(golden[:1], golden) == float("inf")
    assert np.isnan(deviation(golden * np.nan, golden))


def test_a_short_output_weighs_as_much_as_a_long_one() -> None:
    points, presence = torch.full((1, 478, 3), 85.0), torch.tensor([-15.0])
    golden = fingerprint(in_equal_shares(points, presence))
    assert deviation(in_equal_shares(points, presence), golden) == 0
    assert deviation(in_equal_shares(points, presence * 1.01), golden) > 1e-3
    assert deviation(in_equal_shares(points * 1.01, presence), golden) > 1e-3


def test_warm_inputs_are_always_the_same() -> None:
    np.testing.assert_array_equal(warm_noise((5,), seed=3), warm_noise((5,), seed=3))
    assert (warm_noise((5,), seed=3) != warm_noise((5,), seed=4)).any()
    images = warm_images(2, 64, seed=3)
    assert images.shape == (2, 64, 64, 3)
    assert images.dtype == np.uint8
    assert images.std() > 50
