"""A head that turns: the nose moves, the outline hardly, the picture's rim not at all; nothing folds."""

import cv2
import numpy as np
import pytest

from heygem.engines.mesh.composer import Composer, Drawing
from heygem.engines.mesh.photo.fine_photo import FinePhoto, TurnedPhoto
from heygem.engines.mesh.photo.sway import HeadRelief, HeadTurn
from heygem.media.types import YuvFrame
from tests.drawn_face import FACE, HEIGHT, MESH, WIDTH, bank_of, landmarks, photo_of, planes, portrait_of

POINTS = landmarks()
PHOTO = photo_of(POINTS)
RELIEF = HeadRelief.of(POINTS, FACE, WIDTH, HEIGHT)
VERTICES = MESH.source_vertices(POINTS[None])[0]
NOSE_TIP, EAR, CHIN, FOREHEAD = 4, 454, 152, 10
STILL, NO_SHIFT = np.zeros(3), np.zeros(2)
FAR = np.radians([4.5, -2.6, 1.3])
COMPOSER = Composer(MESH)


def seen(photo: YuvFrame, turn: HeadTurn) -> TurnedPhoto:
    return TurnedPhoto(FinePhoto.of(photo, {}), 0, turn)


def turned(degrees: tuple[float, float, float]) -> np.ndarray:
    """(541,2): how far the vertices move."""
    return RELIEF.at(np.radians(degrees), NO_SHIFT).moved(VERTICES) - VERTICES


def test_a_head_at_rest_is_the_photo_bit_for_bit() -> None:
    at_rest = seen(PHOTO, RELIEF.at(STILL, NO_SHIFT))
    drawn = COMPOSER.compose(PHOTO, Drawing(VERTICES, VERTICES, [], MESH.mouth_alpha, at_rest))
    for got, given in zip(planes(drawn), planes(PHOTO), strict=True):
        np.testing.assert_array_equal(got, given)


def test_a_turn_moves_the_nose_and_hardly_the_outline() -> None:
    moved = turned((3, 0, 0))
    assert moved[NOSE_TIP, 0] > 3 and abs(moved[NOSE_TIP, 1]) < 0.3
    assert abs(moved[EAR, 0]) < 0.25 * moved[NOSE_TIP, 0]
    nod = turned((0, 3, 0))
    assert nod[NOSE_TIP, 1] > 3 and abs(nod[NOSE_TIP, 0]) < 0.3


def test_a_tilt_turns_the_head_about_the_neck() -> None:
    moved = turned((0, 0, 1))
    assert moved[FOREHEAD, 0] > 2 and moved[FOREHEAD, 0] > 2 * abs(moved[CHIN, 0])


def test_a_tilted_face_turns_along_its_own_axes() -> None:
    points = landmarks(degrees=30)
    relief = HeadRelief.of(points, FACE, WIDTH, HEIGHT)
    nose = points[[NOSE_TIP], :2]
    moved = (relief.at(np.radians([3, 0, 0]), NO_SHIFT).moved(nose) - nose)[0]
    assert np.degrees(np.arctan2(moved[1], moved[0])) == pytest.approx(30, abs=3)


def test_points_come_to_where_the_picture_comes_from_them() -> None:
    turn = RELIEF.at(FAR, np.array([0.02, 0.005]))
    there = turn.moved(VERTICES)
    inside = ((there > 2) & (there < (WIDTH - 3, HEIGHT - 3))).all(1)
    at = there[inside].astype(np.float32)[None]
    low = np.array([turn.grid.left_px, turn.grid.top_px], np.float32)
    came_from = cv2.remap(turn.pixel_map(1), at - low, None, cv2.INTER_LINEAR)[0]
    np.testing.assert_allclose(came_from, VERTICES[inside], atol=0.12)


@pytest.mark.parametrize("x", [240, 110], ids=["middle", "aside"])
def test_nothing_folds_and_the_rim_of_the_picture_stays(x: float) -> None:
    points = landmarks(x=x)
    photo = photo_of(points)
    relief = HeadRelief.of(points, FACE, WIDTH, HEIGHT)
    turn = relief.at(FAR, np.array([0.02, 0.005]))
    source = turn.pixel_map(1)
    (across_y, across_x), (down_y, down_x) = (
        (d[..., 1], d[..., 0]) for d in (np.diff(source, axis=1)[:-1], np.diff(source, axis=0)[:, :-1])
    )
    area = across_x * down_y - across_y * down_x
    assert area.min() > 0.4 and area.max() < 1.8  # at 0 it would fold
    vertices = MESH.source_vertices(points[None])[0]
    drawn = COMPOSER.compose(photo, Drawing(vertices, vertices, [], MESH.mouth_alpha, seen(photo, turn)))
    for got, given in zip(planes(drawn), planes(photo), strict=True):
        for rim in (np.s_[0], np.s_[-1], np.s_[:, 0], np.s_[:, -1]):
            np.testing.assert_array_equal(got[rim], given[rim])
        assert (got != given).any()


def test_mouth_and_head_together_are_one_after_the_other() -> None:
    """The same picture as moving the mouth first and turning its picture then, but sampled once."""
    portrait = portrait_of(POINTS)
    bank = bank_of(PHOTO, portrait)
    push = np.zeros((1, 468, 2))
    push[0, :, 1] = 9 * MESH.motion_weight * (FACE.vertices[:, 1] > FACE.vertices[13, 1] + 0.005)
    target = MESH.target_vertices(VERTICES[None], push)[0]
    turn = RELIEF.at(FAR, NO_SHIFT)
    mouths = [(bank.patches[0], 1.0)]
    together = COMPOSER.compose(PHOTO, Drawing(VERTICES, target, mouths, MESH.mouth_alpha, seen(PHOTO, turn)))
    opened = COMPOSER.compose(PHOTO, Drawing(VERTICES, target, mouths, MESH.mouth_alpha))
    after = COMPOSER.compose(opened, Drawing(VERTICES, VERTICES, [], MESH.mouth_alpha, seen(opened, turn)))
    for got, wanted in zip(planes(together), planes(after), strict=True):
        error = np.abs(got.astype(int) - wanted)
        assert error.mean() < 0.3 and np.quantile(error, 0.999) < 12
