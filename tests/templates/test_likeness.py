"""The same skull under any similarity and a little noise is the same person; another skull is not."""

from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from heygem.templates.canonical import CanonicalFace
from heygem.templates.likeness import Likeness

FACE = CanonicalFace.load(Path(__file__).parents[2] / "models" / "face-landmarker" / "canonical_face.npz")
angle = st.floats(-0.6, 0.6)


def seen(shape: np.ndarray, scale: float, turn: tuple[float, float, float]) -> np.ndarray:
    points = scale * shape @ Rotation.from_euler("yxz", turn).as_matrix().T + (400, 300, 0)
    return np.concatenate([points, np.zeros((10, 3))])


@settings(deadline=None, max_examples=40)
@given(st.floats(60, 1500), st.tuples(angle, angle, angle), st.integers(0, 99))
def test_size_and_pose_do_not_matter(scale: float, turn: tuple[float, float, float], seed: int) -> None:
    likeness = Likeness()
    likeness.learn(seen(FACE.vertices, 200, (0, 0, 0)))
    noise = np.random.default_rng(seed).normal(0, 0.002, FACE.vertices.shape)
    assert likeness.is_of(seen(FACE.vertices + noise, scale, turn))


def test_other_proportions_are_somebody_else() -> None:
    likeness = Likeness()
    for _ in range(8):
        likeness.learn(seen(FACE.vertices, 200, (0.1, 0, 0)))
    longer = FACE.vertices * (1.0, 1.15, 1.0)
    assert not likeness.is_of(seen(longer, 200, (0, 0, 0)))
