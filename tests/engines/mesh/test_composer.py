"""What must not change does not change, what must move moves, on planes of noise."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heygem.engines.mesh.bank import MouthPatch, cut_patch
from heygem.engines.mesh.composer import Composer, Drawing
from heygem.engines.mesh.geometry import DrawMesh, facing
from heygem.media.types import YuvFrame
from heygem.templates.canonical import LIP_CENTRE_LOWER, OUTER_LIPS, CanonicalFace

FACE = CanonicalFace.load(Path(__file__).parents[3] / "models" / "face-landmarker" / "canonical_face.npz")
MESH = DrawMesh.of(FACE)
COMPOSER = Composer(MESH)


def noise_frame(width: int, height: int, seed: int = 3) -> YuvFrame:
    rng = np.random.default_rng(seed)
    planes = [rng.integers(16, 236, (height // s, width // s), dtype=np.uint8) for s in (1, 2, 2)]
    return YuvFrame(*(cv2.GaussianBlur(plane, (0, 0), 1.5) for plane in planes))


def vertices_at(x: float, y: float, scale: float) -> np.ndarray:
    return MESH.source_vertices(FACE.vertices[None] * scale + np.array([x, y, 0]))[0]


def opened(vertices: np.ndarray, by_px: float) -> np.ndarray:
    displacement = np.zeros((1, 468, 2))
    displacement[:, :, 1] = by_px * MESH.motion_weight * (FACE.vertices[:, 1] > FACE.vertices[13, 1] + 0.005)
    return MESH.target_vertices(vertices[None], displacement)[0]


def own_mouth(frame: YuvFrame, vertices: np.ndarray) -> MouthPatch:
    lips = vertices[list(OUTER_LIPS)]
    return cut_patch(frame, lips.min(0) - 40, lips.max(0) + 40, vertices)


def planes(frame: YuvFrame) -> tuple[np.ndarray, ...]:
    return frame.y, frame.u, frame.v


@settings(deadline=None, max_examples=15)
@given(st.floats(40, 280), st.floats(40, 200), st.floats(60, 220))
def test_with_no_difference_no_pixel_moves(x: float, y: float, scale: float) -> None:
    frame, vertices = noise_frame(320, 240), vertices_at(x, y, scale)
    drawn = COMPOSER.compose(frame, Drawing(vertices, vertices, [], MESH.mouth_alpha))
    for got, given_plane in zip(planes(drawn), planes(frame), strict=True):
        np.testing.assert_array_equal(got, given_plane)


def test_far_from_the_mouth_every_plane_is_identical() -> None:
    frame, vertices = noise_frame(640, 480), vertices_at(320, 200, 220)
    target = opened(vertices, 14)
    drawn = COMPOSER.compose(
        frame, Drawing(vertices, target, [(own_mouth(frame, vertices), 1.0)], MESH.mouth_alpha)
    )
    nose = int(vertices[1, 1])
    left, right = int(vertices[:, 0].min()) - 8, int(vertices[:, 0].max()) + 8
    for index, (got, original) in enumerate(zip(planes(drawn), planes(frame), strict=True)):
        s = 1 if index == 0 else 2
        np.testing.assert_array_equal(got[: (nose - 12) // s], original[: (nose - 12) // s])
        np.testing.assert_array_equal(got[:, : left // s], original[:, : left // s])
        np.testing.assert_array_equal(got[:, right // s :], original[:, right // s :])
        assert (got != original).any()


def test_the_input_frame_is_left_alone() -> None:
    frame, vertices = noise_frame(320, 240), vertices_at(160, 100, 120)
    before = frame.copy()
    COMPOSER.compose(
        frame, Drawing(vertices, opened(vertices, 9), [(own_mouth(frame, vertices), 1.0)], MESH.mouth_alpha)
    )
    for got, original in zip(planes(frame), planes(before), strict=True):
        np.testing.assert_array_equal(got, original)


def test_the_chin_goes_down_by_what_was_asked() -> None:
    """A smooth ramp in y: moving skin down by d lowers its value by d at the same place."""
    height, width = 480, 640
    ramp = np.repeat(np.linspace(20, 220, height)[:, None], width, 1)
    frame = YuvFrame(
        np.round(ramp).astype(np.uint8), *[np.full((height // 2, width // 2), 128, np.uint8)] * 2
    )
    vertices = vertices_at(320, 200, 220)
    drawn = COMPOSER.compose(frame, Drawing(vertices, opened(vertices, 12), [], MESH.mouth_alpha))
    x, y = np.round(vertices[LIP_CENTRE_LOWER] + (0, 30)).astype(int)  # on the chin, inside the moving part
    per_px = 200 / (height - 1)
    assert drawn.y[y, x] == pytest.approx(frame.y[y, x] - 12 * per_px, abs=1.0)


@settings(deadline=None, max_examples=15)
@given(st.floats(-60, 380), st.floats(-60, 300))
def test_a_face_that_leaves_the_picture_is_drawn_without_error(x: float, y: float) -> None:
    frame, vertices = noise_frame(320, 240), vertices_at(x, y, 150)
    inside = own_mouth(noise_frame(320, 240), vertices_at(160, 100, 150))
    drawn = COMPOSER.compose(
        frame, Drawing(vertices, opened(vertices, 10), [(inside, 1.0)], MESH.mouth_alpha)
    )
    assert [plane.shape for plane in planes(drawn)] == [plane.shape for plane in planes(frame)]


def test_the_mouth_takes_the_colour_of_the_skin_around_it() -> None:
    """A patch 15 levels brighter all over must not show as a bright mouth."""
    frame = YuvFrame(np.full((240, 320), 100, np.uint8), *[np.full((120, 160), 128, np.uint8)] * 2)
    vertices = vertices_at(160, 100, 120)
    bright = YuvFrame(frame.y + 15, frame.u, frame.v)
    patch = own_mouth(bright, vertices)
    drawn = COMPOSER.compose(frame, Drawing(vertices, opened(vertices, 6), [(patch, 1.0)], MESH.mouth_alpha))
    assert np.abs(drawn.y.astype(int) - 100).max() <= 1


def test_mesh_faces_the_camera() -> None:
    assert facing(vertices_at(320, 200, 220), MESH.triangles).mean() > 0.98
