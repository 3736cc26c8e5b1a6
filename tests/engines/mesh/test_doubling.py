"""Twice the size: the same pixels at even places, a smooth wave in between, and parts like the whole."""

import cv2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from heygem.engines.mesh.photo.doubling import doubled, doubled_around


def noise(width: int, height: int) -> np.ndarray:
    rough = np.random.default_rng(2).integers(0, 256, (height, width), dtype=np.uint8)
    return cv2.GaussianBlur(rough, (0, 0), 0.8)


def test_pixels_are_found_again() -> None:
    plane = noise(60, 44)
    np.testing.assert_array_equal(doubled(plane)[::2, ::2], plane)


def test_a_fine_wave_keeps_its_height_between_pixels() -> None:
    """2.6 pixels a wave: cubic sampling would flatten it."""
    wave = lambda x: 128 + 100 * np.cos(2 * np.pi * x / 2.6)  # noqa: E731
    plane = np.repeat(np.round(wave(np.arange(120)))[None], 40, 0).astype(np.uint8)
    middle = doubled(plane)[40, 41:199:2].astype(float)
    np.testing.assert_allclose(middle, wave(np.arange(20.5, 99.5)), atol=6)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 70), st.integers(0, 50), st.integers(2, 30), st.integers(2, 30))
def test_what_changed_is_as_if_all_had_been_doubled_again(
    left: int, top: int, width: int, height: int
) -> None:
    plane = noise(100, 80)
    fine, changed = doubled(plane), plane.copy()
    changed[top : top + height, left : left + width] = 255 - plane[top : top + height, left : left + width]
    x, y, part = doubled_around(changed, left, top, left + width, top + height)
    fine[2 * y : 2 * y + part.shape[0], 2 * x : 2 * x + part.shape[1]] = part
    np.testing.assert_array_equal(fine, doubled(changed))
