"""Meshes that move: nothing folds, nothing crosses, what is turned away or covered stays."""

from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from heygem.engines.mesh.geometry import DrawMesh, doubled_areas
from heygem.engines.mesh.profile import before_outline, held_in_profile, turned_to_camera
from heygem.engines.mesh.raster import Grid, cover
from heygem.engines.mesh.targets import (
    closed_lips,
    mouth_layer,
    settled,
)
from heygem.templates.canonical import CHIN, INNER_LOWER, INNER_UPPER, LIP_CENTRE_UPPER, LIPS, CanonicalFace

FACE = CanonicalFace.load(Path(__file__).parents[3] / "models" / "face-landmarker" / "canonical_face.npz")
MESH = DrawMesh.of(FACE)
SOURCE = MESH.source_vertices(FACE.vertices[None] * 300 + 400)
DOWN = np.array([[0.0, 300.0]])
LEFT_JAW, RIGHT_JAW = 215, 435


def thrown(seed: int, by_px: float) -> np.ndarray:
    """Every vertex that may move is thrown somewhere."""
    noise = np.random.default_rng(seed).normal(0, by_px, (1, 468, 2)) * MESH.motion_weight[:, None]
    return MESH.target_vertices(SOURCE, noise)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.floats(0, 20))
def test_no_triangle_folds_and_no_lips_cross(seed: int, by_px: float) -> None:
    target = settled(SOURCE, thrown(seed, by_px), DOWN, MESH)
    before, after = doubled_areas(SOURCE, MESH.triangles), doubled_areas(target, MESH.triangles)
    assert not ((before > 1.0) & (after < -1.0)).any()
    assert ((target[:, INNER_LOWER] - target[:, INNER_UPPER])[..., 1] >= -0.1).all()


def test_what_neither_folds_nor_touches_is_left_alone() -> None:
    wide = np.zeros((1, 468, 2))
    wide[:, :, 1] = (
        12 * MESH.motion_weight * (FACE.vertices[:, 1] > FACE.vertices[LIP_CENTRE_UPPER, 1] + 0.005)
    )
    target = MESH.target_vertices(SOURCE, wide)
    touching = (target[0, INNER_LOWER] - target[0, INNER_UPPER])[:, 1] < 9.01
    assert touching.sum() <= 4  # near the corners
    free = np.ones(target.shape[1], bool)
    free[np.array(INNER_LOWER)[touching]] = free[np.array(INNER_UPPER)[touching]] = False
    np.testing.assert_allclose(settled(SOURCE, target, DOWN, MESH)[:, free], target[:, free])


def test_crossing_lips_meet_point_by_point() -> None:
    crossing = SOURCE.copy()
    crossing[:, INNER_LOWER, 1] -= 30
    met = closed_lips(crossing, DOWN)
    np.testing.assert_allclose(met[:, INNER_LOWER], met[:, INNER_UPPER])


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000))
def test_a_wide_open_mouth_closes_although_its_corners_fold(seed: int) -> None:
    """Landmarks tremble; what is done against a fold at the corner must not pull the lips apart."""
    jaw = np.zeros_like(FACE.vertices)
    jaw[:, 1] = 0.25 * (FACE.vertices[:, 1] > FACE.vertices[LIP_CENTRE_UPPER, 1] + 0.005)
    jaw[list(INNER_LOWER), 1] = 0.25
    opened = MESH.source_vertices((FACE.vertices + jaw)[None] * 300 + 400)
    trembling = SOURCE.copy()
    trembling[:, :468] += np.random.default_rng(seed).normal(0, 0.9, (1, 468, 2))
    wanted = closed_lips(trembling, DOWN)
    found = settled(opened, trembling, DOWN, MESH)
    before = doubled_areas(opened, MESH.triangles)
    assert doubled_areas(found, MESH.triangles)[before > 1].min() >= -0.1 - 1e-9
    assert np.linalg.norm(found - wanted, axis=-1)[0, list(LIPS)].max() < 5


def test_a_face_from_the_front_moves_freely_and_a_turned_one_on_its_near_side() -> None:
    turns = Rotation.from_rotvec(np.radians([[0, 0, 0], [0, 35, 0], [0, -35, 0]])).as_matrix()
    front, one, other = turned_to_camera(turns, MESH.outward)
    moving = np.flatnonzero(MESH.motion_weight > 0.5)
    assert (front[moving] == 1).all()
    near, far = sorted([LEFT_JAW, RIGHT_JAW], key=lambda vertex: -one[vertex])
    assert one[near] == 1 and one[far] < one[near]
    assert other[far] == 1 and other[near] < other[far]
    assert min(one[CHIN], other[CHIN]) > 0.9


@settings(deadline=None, max_examples=25)
@given(st.floats(-18, 18), st.floats(-18, 18))
def test_a_face_that_turns_a_little_moves_its_whole_mouth(yaw: float, pitch: float) -> None:
    turn = Rotation.from_rotvec(np.radians([[pitch, yaw, 0]])).as_matrix()
    assert turned_to_camera(turn, MESH.outward)[0, LIPS].min() > 0.98


def turned_px(degrees: float) -> np.ndarray:
    """(468,3) pixels of the mean face turned to the side."""
    turn = Rotation.from_rotvec(np.radians([0, degrees, 0])).as_matrix()
    return FACE.vertices @ turn.T * 300 + 400


def test_what_lies_on_the_outline_of_a_turned_head_fades_out() -> None:
    far, near = 61, 291  # the corners of the mouth
    points = turned_px(60)[None].repeat(12, 0)
    scale = np.full(12, 1 / 300)
    source = MESH.source_vertices(points)
    kept = before_outline(source, np.full(12, 40.0), scale, MESH)
    assert (kept[5, far], kept[5, near]) == (0, 1)
    assert (
        before_outline(source, np.zeros(12), scale, MESH) == 1
    ).all()  # whoever looks ahead has no outline there
    front = MESH.source_vertices(turned_px(0)[None].repeat(12, 0))
    moving = MESH.motion_weight > 0.5
    assert before_outline(front, np.full(12, 40.0), scale, MESH)[:, moving].min() > 0.9


@given(st.floats(-90, 90), st.floats(-0.1, 0.1))
def test_a_head_in_profile_keeps_its_chin_and_closes_its_lips(yaw: float, opened_by: float) -> None:
    (kept,) = held_in_profile(np.array([yaw]), np.array([opened_by]), MESH)
    assert ((kept >= 0) & (kept <= 1)).all()
    inner = kept[list(INNER_LOWER[1:-1])]
    if abs(yaw) <= 26:
        assert (kept == 1).all()
    if abs(yaw) >= 35:
        assert kept[CHIN] == 0 if opened_by >= 0.02 else kept[CHIN] <= 0.5
        assert inner.min() > 0.99 if opened_by <= 0 else inner.max() <= 1
    if abs(yaw) >= 35 and opened_by >= 0.02:
        assert inner.max() < 0.7


def test_of_overlapping_triangles_the_nearest_is_seen() -> None:
    points = turned_px(50)
    vertices = MESH.source_vertices(points[None])[0]
    skin = MESH.triangles[(MESH.triangles < 468).all(1)]
    grid = Grid.around(vertices.min(0), vertices.max(0), 4)
    seen = cover(vertices, skin, grid).fill(np.pad(points[:, 2:], ((0, len(vertices) - 468), (0, 0))), np.inf)
    nearest = np.full_like(seen, np.inf)
    for triangle in skin:
        alone = cover(vertices, triangle[None], grid).fill(points[:, 2:], np.inf)
        nearest = np.minimum(nearest, alone)
    hidden = np.isfinite(nearest) & (seen > nearest + 3)
    assert np.isfinite(nearest).sum() > 1000
    assert hidden.sum() < 0.005 * np.isfinite(nearest).sum()


def test_below_a_wide_mouth_that_is_closed_the_mouth_layer_reaches_further() -> None:
    small, wide = mouth_layer(np.array([0.05, 0.25]), MESH)
    np.testing.assert_array_equal(small, MESH.mouth_alpha)
    more = np.flatnonzero(wide > small)
    assert len(more)
    assert (wide >= small).all()
    assert FACE.vertices[more, 1].min() > FACE.vertices[list(LIPS), 1].mean(), "it grew upwards too"
    assert wide[CHIN] == 0
