"""Open mouths are closed as mouths close; closed ones stay as they are."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file

from heygem.engines.mesh.lips_together import APART_GAP, lips_together
from heygem.templates.canonical import (
    CHIN,
    INNER_LOWER,
    INNER_UPPER,
    MOUTH_CORNERS,
    CanonicalFace,
    lip_gap,
)

UPPER_LIP = 0  # the middle of its upper edge
MODELS = Path(__file__).parents[3] / "models"
FACE = CanonicalFace.load(MODELS / "face-landmarker" / "canonical_face.npz")
SHAPES = load_file(MODELS / "mouth-repair" / "shapes.safetensors")


def opened(number: int) -> np.ndarray:
    """The mean face with one of the mouths that people make."""
    face = FACE.vertices.copy()
    face[SHAPES["vertex_ids"]] += SHAPES["displacement"][number]
    return face


def gaps(face: np.ndarray) -> np.ndarray:
    return np.asarray(face[list(INNER_LOWER), 1] - face[list(INNER_UPPER), 1])


@pytest.mark.parametrize("number", range(len(SHAPES["displacement"])))
def test_every_mouth_people_make_is_closed(number: int) -> None:
    face = opened(number)
    together = lips_together(face, FACE.lip_moves)
    if lip_gap(face) < APART_GAP:
        assert together is face
    else:
        assert np.abs(gaps(together)).max() < 0.015
        assert np.abs(together - face).max() < 1.5 * lip_gap(face)


def test_a_smile_stays_a_smile() -> None:
    """Closed, it is nearly as wide as before, and its upper lip has come down too, not the jaw alone up."""
    smile, part = FACE.vertices.copy(), 0.04 * np.sin(np.linspace(0, np.pi, 11)[1:-1])
    smile[SHAPES["vertex_ids"]] += SHAPES["smile"]
    smile[list(INNER_UPPER), 1] -= part
    smile[list(INNER_LOWER), 1] += part
    together = lips_together(smile, FACE.lip_moves)
    left, right = MOUTH_CORNERS
    assert together[right, 0] - together[left, 0] > 0.9 * (smile[right, 0] - smile[left, 0])
    assert np.abs(gaps(together)).max() < 0.01
    moved = together - smile
    assert moved[UPPER_LIP, 1] > 0.01 > 0 > -0.005 > moved[CHIN, 1] > -0.08


@settings(deadline=None, max_examples=30)
@given(st.floats(0, 0.2), st.integers(0, 11))
def test_only_what_speech_moves_moves(amount: float, number: int) -> None:
    face = FACE.vertices + amount * 5 * FACE.lip_moves[number]
    together = lips_together(face, FACE.lip_moves)
    still = np.setdiff1d(np.arange(468), SHAPES["vertex_ids"])
    np.testing.assert_array_equal(together[still], face[still])
