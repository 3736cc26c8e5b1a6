"""Living photos drawn in batches, on PyTorch's CPU device, against the composer."""

from collections.abc import Iterator

import cv2
import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from heygem.engines.mesh.composer import Composer, Drawing
from heygem.engines.mesh.device.drawer import MOST_FRAMES, DeviceDrawer
from heygem.engines.mesh.device.photo import ResidentPhoto
from heygem.engines.mesh.device.wire import Wire
from heygem.engines.mesh.film_grain import FilmGrain, GrainCut
from heygem.engines.mesh.photo.eye import IMAGE_LEFT, IMAGE_RIGHT, Eye
from heygem.engines.mesh.photo.eyelids import lowered
from heygem.engines.mesh.photo.fine_photo import FinePhoto, TurnedPhoto
from heygem.engines.mesh.photo.sway import HeadRelief
from heygem.media.types import YuvFrame
from tests.drawn_face import FACE, HEIGHT, MESH, WIDTH, bank_of, landmarks, photo_of, portrait_of
from tests.engines.mesh.test_composer import opened

CPU = torch.device("cpu")
COMPOSER, DRAWER = Composer(MESH), DeviceDrawer(MESH, CPU)
HALF, SHUT = 1, 2
AT_REST, AWAY = (0.0,) * 5, (4.0, -2.5, 1.3, 0.02, -0.006)
turns = st.tuples(*(st.floats(-most, most) for most in (4.5, 3.0, 1.5, 0.02, 0.006)))
seen = st.tuples(turns, st.integers(0, SHUT), st.floats(0, 14), st.booleans(), st.booleans())


class Sitter:
    """A photo with a face somewhere in it, and all that can be drawn of it."""

    def __init__(self, x: float, y: float, degrees: float, *, glasses: bool = False) -> None:
        points = landmarks(x, y, degrees)
        photo = photo_of(points, glasses=glasses)
        eyes = [Eye.of(points[:, :2], which, photo.y) for which in (IMAGE_LEFT, IMAGE_RIGHT)]
        inside = [eye for eye in eyes if eye.is_inside(WIDTH, HEIGHT)]
        lids = {level: [lowered(eye, level / SHUT, photo) for eye in inside] for level in (HALF, SHUT)}
        self.photo = FinePhoto.of(photo, lids)
        self.relief = HeadRelief.of(points, FACE, WIDTH, HEIGHT)
        self.vertices = MESH.source_vertices(points[None])[0]
        self.mouth = bank_of(photo_of(landmarks()), portrait_of(landmarks())).patches[0]

    def turned(self, turn: tuple[float, ...], level: int = 0) -> TurnedPhoto:
        """`turn`: degrees of yaw, pitch, roll, and shift in face widths."""
        return TurnedPhoto(self.photo, level, self.relief.at(np.radians(turn[:3]), np.array(turn[3:])))

    def still(self, turned: TurnedPhoto | None) -> Drawing:
        return Drawing(self.vertices, self.vertices, [], MESH.mouth_alpha, turned)

    def speaking(self, turned: TurnedPhoto | None, by_px: float, *, grainy: bool = False) -> Drawing:
        grain = GrainCut.at(FilmGrain(5.0, 2), round(by_px)) if grainy else None
        target = opened(self.vertices, by_px)
        return Drawing(self.vertices, target, [(self.mouth, 1.0)], MESH.mouth_alpha, turned, grain)

    def frame(self, drawing: Drawing) -> YuvFrame:
        return self.photo.blinking(drawing.turned.level) if drawing.turned else self.photo.open_eyed

    def drawn(self, drawings: list[Drawing]) -> list[YuvFrame]:
        frames = [self.frame(drawing) for drawing in drawings]
        return list(DRAWER.draw(frames, drawings, [self.mouth]))


SITTER = Sitter(240, 200, 0)


@settings(deadline=None, max_examples=8)
@given(st.floats(0, WIDTH), st.floats(0, HEIGHT), st.floats(-25, 25), st.lists(seen, min_size=1, max_size=3))
def test_it_draws_what_the_composer_draws(x: float, y: float, degrees: float, views: list) -> None:
    """Faces anywhere, partly outside the picture, in a batch with lids at several heights."""
    sitter = Sitter(x, y, degrees)
    drawings = [
        sitter.speaking(sitter.turned(turn, level), by_px, grainy=grainy)
        if speaks
        else sitter.still(sitter.turned(turn, level))
        for turn, level, by_px, speaks, grainy in views
    ]
    for drawing, got in zip(drawings, sitter.drawn(drawings), strict=True):
        wanted = COMPOSER.compose(sitter.frame(drawing), drawing)
        for got_plane, plane in zip(got.planes, wanted.planes, strict=True):
            off = np.abs(got_plane.astype(int) - plane)
            # As with videos: light is looked for in other cells where the picture's edge cuts the mouth.
            assert (off > 3).mean() < 0.002 and off.mean() < 0.05
            assert drawing.mouths or (off > 1).mean() < 1e-4


@settings(deadline=None, max_examples=8)
@given(st.floats(0, WIDTH), st.floats(0, HEIGHT), st.integers(0, SHUT))
def test_a_head_at_rest_is_the_photo_with_its_lids_bit_for_bit(x: float, y: float, level: int) -> None:
    sitter = Sitter(x, y, 0)
    (got,) = sitter.drawn([sitter.still(sitter.turned(AT_REST, level))])
    for plane, original in zip(got.planes, sitter.photo.blinking(level).planes, strict=True):
        np.testing.assert_array_equal(plane, original)


def test_pixels_that_nothing_moves_are_identical() -> None:
    """A window is a rectangle: in its corners, and beyond it, neither head nor mesh moves anything."""
    turned = SITTER.turned(AWAY)
    (got,) = SITTER.drawn([SITTER.speaking(turned, 12)])
    for plane, original, scale in zip(got.planes, SITTER.photo.open_eyed.planes, (1, 2, 2), strict=True):
        stays = np.ones(plane.shape, bool)
        source = turned.turn.pixel_map(scale)[: plane.shape[0], : plane.shape[1]]
        left, top = turned.turn.grid.left_px // scale, turned.turn.grid.top_px // scale
        y, x = np.mgrid[: source.shape[0], : source.shape[1]]
        moves = np.abs(source - np.stack([x + left, y + top], -1)).max(-1) > 1e-3
        around = cv2.dilate(moves.astype(np.uint8), np.ones((3, 3)))
        stays[top : top + len(moves), left : left + moves.shape[1]] = around == 0
        np.testing.assert_array_equal(plane[stays], original[stays])
        assert stays.mean() > 0.1 and (plane[~stays] != original[~stays]).mean() > 0.5


def test_frames_come_in_order_over_many_batches() -> None:
    """Between them frames without a drawing, heads that are not turned, and then another photo."""
    other = Sitter(240, 200, 0, glasses=True)
    frames: list[YuvFrame] = []
    drawings: list[Drawing | None] = []
    for number in range(2 * MOST_FRAMES):
        sitter = SITTER if number < 20 else other
        turn = tuple(part * (number % 8) / 8 for part in AWAY)
        turned = None if number % 11 == 5 else sitter.turned(turn, number // 3 % 3)
        drawing = sitter.speaking(turned, number % 5)
        frames.append(sitter.frame(drawing))
        drawings.append(None if number % 7 == 3 else drawing)
    got = list(DRAWER.draw(frames, drawings, [SITTER.mouth, other.mouth]))
    for frame, drawing, result in zip(frames, drawings, got, strict=True):
        assert (result is frame) == (drawing is None)
        if drawing is not None:
            wanted = COMPOSER.compose(frame, drawing)
            for got_plane, plane in zip(result.planes, wanted.planes, strict=True):
                assert np.abs(got_plane.astype(int) - plane).max() <= 1


def test_batches_of_a_large_head_are_small() -> None:
    """The head fills a picture of a million pixels: no more than four such windows at once."""
    points = landmarks(WIDTH / 2, HEIGHT / 2) * 2.4
    width, height = round(WIDTH * 1.2) * 2, round(HEIGHT * 1.2) * 2
    planes = [
        cv2.resize(plane, (width // s, height // s))
        for plane, s in zip(photo_of(landmarks()).planes, (1, 2, 2), strict=True)
    ]
    photo = FinePhoto.of(YuvFrame(*planes), {})
    turn = HeadRelief.of(points, FACE, width, height).at(np.radians(AWAY[:3]), np.zeros(2))
    vertices = MESH.source_vertices(points[None])[0]
    drawing = Drawing(vertices, vertices, [], MESH.mouth_alpha, TurnedPhoto(photo, 0, turn))
    assert turn.grid.width_px * turn.grid.height_px > 0.9e6
    read = 0

    def endless() -> Iterator[YuvFrame]:
        nonlocal read
        while True:
            read += 1
            yield photo.open_eyed

    results = DRAWER.draw(endless(), (drawing for _ in range(10**6)), [])
    for number in range(1, 4):
        next(results)
        assert read <= number + 2 * 4


class CountingWire(Wire):
    """Counts what is sent."""

    def __init__(self) -> None:
        super().__init__(CPU)
        self.sent = 0

    def up(self, values: np.ndarray | Tensor) -> Tensor:
        self.sent += 1
        return super().up(values)


def test_a_photo_and_the_lids_of_a_level_are_sent_once() -> None:
    wire = CountingWire()
    resident = ResidentPhoto(SITTER.photo, wire)
    resident.planes(0), resident.planes(HALF), resident.planes(SHUT)
    sent = wire.sent
    for level in (SHUT, 0, HALF):
        luma, chroma = resident.planes(level)
        wanted = SITTER.photo.blinking(level)
        np.testing.assert_array_equal(luma[0, 0].numpy(), SITTER.photo.luma_twice_at(level))
        np.testing.assert_array_equal(chroma[0].numpy(), np.stack([wanted.u, wanted.v]))
    assert wire.sent == sent
