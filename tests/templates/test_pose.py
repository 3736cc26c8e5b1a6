"""Pose fitting finds the similarity it was given."""

from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from heygem.templates.canonical import CanonicalFace, lip_gap
from heygem.templates.pose import fit_pose

FACE = CanonicalFace.load(Path(__file__).parents[2] / "models" / "face-landmarker" / "canonical_face.npz")
angle = st.floats(-0.7, 0.7)


def posed(scale: float, turn: tuple[float, float, float], shift: tuple[float, float]) -> np.ndarray:
    rotation = Rotation.from_euler("yxz", turn).as_matrix()
    points = scale * FACE.vertices @ rotation.T + np.array([*shift, 0])
    return np.concatenate([points, np.zeros((10, 3))])[None]


@settings(deadline=None)
@given(st.floats(50, 2000), st.tuples(angle, angle, angle), st.tuples(st.floats(0, 4000), st.floats(0, 4000)))
def test_it_undoes_any_head_pose(
    scale: float, turn: tuple[float, float, float], shift: tuple[float, float]
) -> None:
    points = posed(scale, turn, shift)
    pose = fit_pose(points, FACE)
    np.testing.assert_allclose(pose.to_canonical(points[:, :468])[0], FACE.vertices, atol=1e-6)
    np.testing.assert_allclose(1 / pose.scale, [scale], rtol=1e-6)


def test_a_canonical_displacement_turns_back_into_pixels() -> None:
    points = posed(300, (0.4, -0.2, 0.1), (640, 360))
    pose = fit_pose(points, FACE)
    displacement = np.zeros((1, 468, 3))
    displacement[0, 14] = (0.01, 0.05, -0.02)
    moved = points[:, :468] + pose.displacement_to_px(displacement)
    np.testing.assert_allclose(pose.to_canonical(moved)[0], FACE.vertices + displacement[0], atol=1e-6)


def test_smoothing_keeps_a_still_head_still() -> None:
    points = np.repeat(posed(300, (0.3, 0, 0), (100, 100)), 9, 0)
    pose = fit_pose(points, FACE)
    np.testing.assert_allclose(pose.smoothed(2).rotation, pose.rotation, atol=1e-9)


def test_lip_gap_is_the_distance_of_the_inner_lips() -> None:
    shape = FACE.vertices.copy()
    shape[14] = shape[13] + (0, 0.07, 0)
    np.testing.assert_allclose(lip_gap(shape[None]), [0.07])
