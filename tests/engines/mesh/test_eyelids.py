"""Lids on a drawn face: open they change nothing, shut they cover the eye, and brows stay where they are."""

import numpy as np
import pytest

from heygem.engines.mesh.photo.eye import IMAGE_LEFT, IMAGE_RIGHT, Eye, EyePoints
from heygem.engines.mesh.photo.eyelids import lowered
from heygem.media.types import YuvFrame
from tests.drawn_face import (
    BROWS,
    IRIS,
    LASHES,
    LEFT_LOWER,
    LEFT_UPPER,
    SKIN,
    WHITE,
    landmarks,
    photo_of,
    planes,
)

EYES = pytest.mark.parametrize("which", [IMAGE_LEFT, IMAGE_RIGHT], ids=["left", "right"])
TILTS = pytest.mark.parametrize("degrees", [0, 20], ids=["upright", "tilted"])


def with_lid(photo: YuvFrame, eye: Eye, closure: float) -> YuvFrame:
    drawn = photo.copy()
    lowered(eye, closure, photo).lay_over(drawn)
    return drawn


def inside_of(points: np.ndarray, which: EyePoints, photo: YuvFrame) -> np.ndarray:
    """Brightness along the middle of the open eye, from corner to corner."""
    upper, lower = (points[list(ids)[2:-2], :2] for ids in (which.upper, which.lower))
    middle = np.round((upper + lower) / 2).astype(int)
    return photo.y[middle[:, 1], middle[:, 0]].astype(int)


@EYES
@TILTS
def test_an_open_lid_changes_no_pixel(which: EyePoints, degrees: float) -> None:
    points = landmarks(degrees=degrees)
    photo = photo_of(points)
    drawn = with_lid(photo, Eye.of(points[:, :2], which, photo.y), 0.0)
    for got, given in zip(planes(drawn), planes(photo), strict=True):
        np.testing.assert_array_equal(got, given)


@EYES
@TILTS
def test_a_shut_lid_covers_white_and_iris_with_skin(which: EyePoints, degrees: float) -> None:
    points = landmarks(degrees=degrees)
    photo = photo_of(points)
    assert np.ptp(inside_of(points, which, photo)) > (WHITE - IRIS) / 2
    shut = inside_of(points, which, with_lid(photo, Eye.of(points[:, :2], which, photo.y), 1.0))
    np.testing.assert_allclose(shut, SKIN, atol=12)


@EYES
def test_lashes_come_down_with_the_lid(which: EyePoints) -> None:
    points = landmarks()
    photo = photo_of(points)
    drawn = with_lid(photo, Eye.of(points[:, :2], which, photo.y), 1.0)
    x, y = np.round(points[which.lower[4], :2]).astype(int)
    assert drawn.y[y - 4 : y + 5, x].min() < LASHES + 45
    top = round(float(points[which.upper[4], 1]))
    assert drawn.y[top - 3 : top + 4, x].min() > SKIN - 30


def test_brows_and_all_else_stay() -> None:
    points = landmarks()
    photo = photo_of(points)
    drawn = with_lid(photo, Eye.of(points[:, :2], IMAGE_LEFT, photo.y), 1.0)
    brow = points[list(BROWS[0]), :2]
    bottom = int(brow[:, 1].max())
    np.testing.assert_array_equal(drawn.y[:bottom], photo.y[:bottom])
    below = int(points[list(LEFT_LOWER), 1].max()) + 12
    np.testing.assert_array_equal(drawn.y[below:], photo.y[below:])
    nose = int(points[6, 0])
    np.testing.assert_array_equal(drawn.y[:, nose:], photo.y[:, nose:])


def test_what_the_lid_has_not_reached_stays_but_for_its_shade() -> None:
    """The eye is covered, not squeezed: halfway down the lower half of the iris is where it was."""
    points = landmarks()
    photo = photo_of(points)
    eye = Eye.of(points[:, :2], IMAGE_LEFT, photo.y)
    x, y = np.round(0.25 * points[LEFT_UPPER[4], :2] + 0.75 * points[LEFT_LOWER[4], :2]).astype(int)
    row = slice(x - 8, x + 9)
    drawn = with_lid(photo, eye, 0.4)
    shaded = drawn.y[y, row] / photo.y[y, row]
    assert ((shaded > 0.75) & (shaded <= 1.02)).all()


def test_open_eyes_can_blink_and_hidden_or_shut_ones_cannot() -> None:
    points = landmarks()
    photo, hidden = photo_of(points), photo_of(points, glasses=True)
    shut_points = points.copy()
    shut_points[list(LEFT_UPPER)] = points[list(LEFT_LOWER)] - (0, 1, 0)
    shut = Eye.of(shut_points[:, :2], IMAGE_LEFT, photo.y)
    for which in (IMAGE_LEFT, IMAGE_RIGHT):
        eye = Eye.of(points[:, :2], which, photo.y)
        assert eye.can_blink(photo.y)
        assert not eye.can_blink(hidden.y)
    assert not shut.can_blink(photo.y)


def test_an_eye_that_leaves_the_picture_is_known() -> None:
    points = landmarks(x=50)
    photo = photo_of(points)
    assert not Eye.of(points[:, :2], IMAGE_LEFT, photo.y).is_inside(photo.width, photo.height)
    assert Eye.of(points[:, :2], IMAGE_RIGHT, photo.y).is_inside(photo.width, photo.height)
