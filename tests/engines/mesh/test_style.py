"""A lively template speaks livelier, a resting one tells nothing, and the mouth keeps its width."""

from pathlib import Path

import numpy as np
import pytest

from heygem.engines.mesh.geometry import DrawMesh
from heygem.engines.mesh.style import LEAST, MOST, TYPICAL_SPREAD, SpeakingStyle
from heygem.templates.canonical import INNER_LOWER, LIPS, CanonicalFace

FACE = CanonicalFace.load(Path(__file__).parents[3] / "models" / "face-landmarker" / "canonical_face.npz")
MESH = DrawMesh.of(FACE)


def talking(spread_in_eyes: float, width: float = 1.0) -> np.ndarray:
    """A hundred frames whose opening has the given spread, with the mouth `width` times as wide."""
    shapes = np.repeat(FACE.vertices[None], 100, 0)
    opening = np.tile([0.0, 2.0], 50) * spread_in_eyes * FACE.eye_distance
    shapes[:, INNER_LOWER, 1] += opening[:, None]
    shapes[:, LIPS, 0] *= width
    return shapes


def test_a_template_that_rests_tells_nothing() -> None:
    style = SpeakingStyle.of(talking(0.01), FACE)
    assert style == SpeakingStyle()
    assert (style.lip_offset(FACE.vertices, MESH, FACE) == 0).all()


@pytest.mark.parametrize(("spread", "liveliness"), [(TYPICAL_SPREAD, 1.0), (0.03, LEAST), (0.2, MOST)])
def test_the_motion_is_as_lively_as_the_person(spread: float, liveliness: float) -> None:
    assert SpeakingStyle.of(talking(spread), FACE).liveliness == pytest.approx(liveliness, abs=0.02)


def test_the_mouth_is_as_wide_as_the_person_holds_it() -> None:
    style = SpeakingStyle.of(talking(0.05, width=1.1), FACE)
    moved = FACE.vertices + style.lip_offset(FACE.vertices, MESH, FACE)
    np.testing.assert_allclose(moved[list(LIPS), 0], FACE.vertices[list(LIPS), 0] * 1.1, atol=1e-9)
    np.testing.assert_array_equal(moved[:, 1:], FACE.vertices[:, 1:])
    away = MESH.mouth_alpha[:468] == 0
    np.testing.assert_array_equal(moved[away], FACE.vertices[away])
