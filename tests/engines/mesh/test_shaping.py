"""Lips never cross, nearly closed lips close, open lips are left alone."""

from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from heygem.engines.mesh.shaping import (
    CONTACT_GAP,
    pressed,
    resting_shape,
    smoothed_own,
    wanted_gap,
    wanted_shapes,
)
from heygem.templates.canonical import INNER_LOWER, INNER_UPPER, CanonicalFace

FACE = CanonicalFace.load(Path(__file__).parents[3] / "models" / "face-landmarker" / "canonical_face.npz")


def opened_by(amount: float) -> np.ndarray:
    shape = np.zeros((1, 468, 3))
    shape[:, INNER_LOWER, 1] = amount / 2
    shape[:, INNER_UPPER, 1] = -amount / 2
    return shape


@settings(deadline=None)
@given(st.floats(-0.3, 0.3))
def test_lips_never_cross(amount: float) -> None:
    shapes = wanted_shapes(FACE.vertices, opened_by(amount))
    gap = (shapes[:, INNER_LOWER] - shapes[:, INNER_UPPER])[..., 1]
    assert (gap >= -1e-12).all()


@settings(deadline=None)
@given(st.floats(-0.05, 0.2), st.floats(1e-4, 0.05))
def test_wider_wanted_is_wider_drawn(amount: float, more: float) -> None:
    openings = (amount, amount + more)
    narrow, wide = (wanted_gap(wanted_shapes(FACE.vertices, opened_by(opening)))[0] for opening in openings)
    assert wide >= narrow - 1e-12


def test_open_lips_are_left_alone() -> None:
    displacement = opened_by(0.1)
    shapes = wanted_shapes(FACE.vertices, displacement)
    far_apart = (shapes[0, INNER_LOWER] - shapes[0, INNER_UPPER])[:, 1] > CONTACT_GAP
    untouched = FACE.vertices + displacement[0]
    np.testing.assert_array_equal(shapes[0, INNER_LOWER][far_apart], untouched[list(INNER_LOWER)][far_apart])


@settings(deadline=None)
@given(st.floats(0, 0.2), st.floats(0, 1))
def test_pressed_lips_come_nearer_and_never_cross(opening: float, closes: float) -> None:
    shapes = FACE.vertices[None] + opened_by(opening)
    before, after = (
        (faces[:, INNER_LOWER] - faces[:, INNER_UPPER])[..., 1]
        for faces in (shapes, pressed(shapes, np.array([closes])))
    )
    assert (after >= np.minimum(before, 0) - 1e-12).all()
    np.testing.assert_allclose(before - after, np.clip(before, 0, CONTACT_GAP) * closes, atol=1e-12)


def test_neutral_is_the_closed_part_of_the_clip() -> None:
    openings = np.concatenate([np.full(10, 0.01), np.full(90, 0.12)])
    shapes = FACE.vertices[None] + np.concatenate([opened_by(amount) for amount in openings])
    present = np.ones(100, bool)
    np.testing.assert_allclose(resting_shape(shapes, present), FACE.vertices + opened_by(0.01)[0], atol=1e-9)
    present[:10] = False
    np.testing.assert_allclose(resting_shape(shapes, present), FACE.vertices + opened_by(0.12)[0], atol=1e-9)


def test_jitter_is_smoothed_and_a_quick_syllable_is_kept() -> None:
    """A tremble of 0.1 % of the face is not undone frame by frame; one open frame among closed ones is."""
    rng = np.random.default_rng(5)
    tremble = FACE.vertices + rng.normal(0, 0.0007, (60, 468, 3))
    assert smoothed_own(tremble).std(0).mean() < 0.65 * tremble.std(0).mean()
    openings = np.zeros(31)
    openings[15] = 0.12
    syllable = FACE.vertices + np.concatenate([opened_by(opening) for opening in openings])
    np.testing.assert_allclose(smoothed_own(syllable)[15], syllable[15], atol=1e-3)
