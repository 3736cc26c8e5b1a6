"""The batched drawer, on PyTorch's CPU device, against the composer it mirrors."""

from collections.abc import Iterator

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from heygem.engines.mesh.composer import Composer, Drawing
from heygem.engines.mesh.device.drawer import MOST_FRAMES, DeviceDrawer
from heygem.engines.mesh.film_grain import FilmGrain, GrainCut
from heygem.media.types import YuvFrame
from tests.engines.mesh.test_composer import MESH, noise_frame, opened, own_mouth, vertices_at

COMPOSER = Composer(MESH)
DRAWER = DeviceDrawer(MESH, torch.device("cpu"))
places = st.tuples(st.floats(-40, 360), st.floats(-40, 280), st.floats(60, 400), st.floats(0, 14))


def drawn(frames: list[YuvFrame], drawings: list[Drawing | None]) -> list[YuvFrame]:
    mouths = {id(patch): patch for drawing in drawings if drawing for patch, _ in drawing.mouths}
    return list(DRAWER.draw(frames, drawings, list(mouths.values())))


def still(x: float, y: float, scale: float) -> Drawing:
    vertices = vertices_at(x, y, scale)
    return Drawing(vertices, vertices, [], MESH.mouth_alpha)


@settings(deadline=None, max_examples=10)
@given(st.lists(places, min_size=1, max_size=4), st.floats(0, 1), st.integers(0, 3), st.integers(0, 9))
def test_it_draws_what_the_composer_draws(
    at: list[tuple[float, float, float, float]], strength: float, mouth_count: int, seed: int
) -> None:
    """Faces of any size and place, partly outside the picture, with and without mouths and grain."""
    frames = [noise_frame(320, 240, seed + number) for number in range(len(at))]
    bank = [own_mouth(noise_frame(320, 240, 50 + k), vertices_at(160, 110, 90 + 40 * k)) for k in range(3)]
    shares = [(1.0,), (0.25, 0.75), (0.25, 0.5, 0.25)][max(mouth_count - 1, 0)]
    drawings: list[Drawing | None] = []
    for number, (x, y, scale, by_px) in enumerate(at):
        vertices = vertices_at(x, y, scale)
        mouths = list(zip(bank[: mouth_count if number % 2 else 1], shares, strict=False))
        grain = GrainCut.at(FilmGrain(5.0 + number, number % 4), seed + number) if number % 2 else None
        target, weight = opened(vertices, by_px), MESH.mouth_alpha * strength
        drawings.append(Drawing(vertices, target, mouths, weight, grain=grain))
    for frame, drawing, got in zip(frames, drawings, drawn(frames, drawings), strict=True):
        assert drawing is not None
        wanted = COMPOSER.compose(frame, drawing)
        for got_plane, plane in zip(got.planes, wanted.planes, strict=True):
            off = np.abs(got_plane.astype(int) - plane)
            # Where the picture's edge cuts the mouth, light is looked for in cells that are cut otherwise.
            assert (off > 3).mean() < 0.002 and off.mean() < 0.05


@settings(deadline=None, max_examples=10)
@given(st.floats(40, 280), st.floats(40, 200), st.floats(60, 220))
def test_with_no_difference_no_pixel_moves(x: float, y: float, scale: float) -> None:
    frame = noise_frame(320, 240)
    (got,) = drawn([frame], [still(x, y, scale)])
    for plane, original in zip(got.planes, frame.planes, strict=True):
        np.testing.assert_array_equal(plane, original)


def test_pixels_that_nothing_moves_are_identical() -> None:
    """Above the nose, beside the face and in the corners of the window that is sent."""
    frame, vertices = noise_frame(640, 480), vertices_at(320, 200, 220)
    drawing = Drawing(vertices, opened(vertices, 14), [(own_mouth(frame, vertices), 1.0)], MESH.mouth_alpha)
    (got,) = drawn([frame], [drawing])
    nose, left, right = int(vertices[1, 1]), int(vertices[:, 0].min()) - 8, int(vertices[:, 0].max()) + 8
    for plane, original, s in zip(got.planes, frame.planes, (1, 2, 2), strict=True):
        np.testing.assert_array_equal(plane[: (nose - 12) // s], original[: (nose - 12) // s])
        np.testing.assert_array_equal(plane[:, : left // s], original[:, : left // s])
        np.testing.assert_array_equal(plane[:, right // s :], original[:, right // s :])
        assert (plane != original).any()


def test_frames_come_in_order_over_many_batches() -> None:
    """Frames without a face between others, and a face that grows, so that batches end early."""
    count = 3 * MOST_FRAMES
    frames = [noise_frame(160, 120, number) for number in range(count)]
    drawings = [None if number % 7 == 3 else still(80, 60, 50 + 4 * number) for number in range(count)]
    got = drawn(frames, drawings)
    assert len(got) == count
    for frame, drawing, result in zip(frames, drawings, got, strict=True):
        np.testing.assert_array_equal(result.y, frame.y)
        assert (result is frame) == (drawing is None)


def test_a_clip_without_any_face_passes_through() -> None:
    frames = [noise_frame(64, 64, number) for number in range(9)]
    assert all(got is frame for got, frame in zip(drawn(frames, [None] * 9), frames, strict=True))


def test_it_reads_a_bounded_number_of_frames_ahead() -> None:
    read = 0

    def endless() -> Iterator[YuvFrame]:
        nonlocal read
        while True:
            read += 1
            yield noise_frame(64, 64)

    results = DRAWER.draw(endless(), (still(32, 24, 30) for _ in range(10**6)), [])
    for number in range(1, 60):
        next(results)
        assert read <= number + 2 * MOST_FRAMES
