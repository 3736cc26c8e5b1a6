"""A job on a photo, from plan to planes, with blinks and sway and without."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from heygem.engines.base import LipSyncOptions, Living
from heygem.engines.mesh.drawer import ThreadDrawer
from heygem.engines.mesh.photo.living_photo import LivingPhoto
from heygem.engines.mesh.render import FrameRenderer, RenderPlan
from heygem.engines.mesh.speech_motion import Motion
from heygem.media.types import YuvFrame
from heygem.templates.canonical import LIP_CENTRE_LOWER
from tests.drawn_face import FACE, MESH, bank_of, landmarks, photo_of, planes, portrait_of

POINTS = landmarks()
PHOTO = photo_of(POINTS)
COUNT, FPS = 200, 25.0
DRAWER = ThreadDrawer(MESH, threads=1)
RENDERER = FrameRenderer(MESH, FACE, np.zeros((468, 3), np.float32), DRAWER)


def speech() -> Motion:
    """A jaw that opens and shuts, still at both ends."""
    basis = np.zeros((1, 468, 3), np.float32)
    basis[0, :, 1] = 0.05 * (FACE.vertices[:, 1] > FACE.vertices[13, 1] + 0.005)
    seconds = np.arange(COUNT) / FPS
    opening = np.sin(np.pi * 2 * seconds) ** 2 * np.minimum(1, np.minimum(seconds, seconds[-1] - seconds))
    from_end = np.minimum(np.arange(COUNT), np.arange(COUNT)[::-1])
    speaking = np.clip((from_end - 5) / 8, 0, 1).astype(np.float32)
    return Motion(opening[:, None].astype(np.float32), basis, np.ones(COUNT, np.float32), speaking)


def living_of(photo: YuvFrame, points: np.ndarray, living: Living) -> LivingPhoto:
    return LivingPhoto.of(photo, portrait_of(points), speech(), FACE, FPS, living)


def plan_of(living: LivingPhoto | None) -> RenderPlan:
    portrait, schedule = portrait_of(POINTS), np.zeros(COUNT, np.int64)
    bank = bank_of(PHOTO, portrait)
    plan = RENDERER.plan(portrait, bank, speech(), schedule, LipSyncOptions(), Fraction(25))
    return replace(plan, living=living)


def drawn(living: LivingPhoto | None, steps: list[int]) -> list[YuvFrame]:
    """The frames of these steps."""
    plan = plan_of(living)
    frames = [PHOTO] * COUNT if living is None else list(living.blinking([PHOTO] * COUNT))
    return [frame for step, frame in enumerate(RENDERER.draw(frames, plan)) if step in steps]


def test_off_is_bit_identical_outside_the_lower_face() -> None:
    nose = int(POINTS[1, 1]) - 12
    low, high = POINTS[:468, :2].min(0).astype(int) - 60, POINTS[:468, :2].max(0).astype(int) + 60
    mouth_moved = False
    for frame in drawn(None, [0, 12, 60, 130]):
        for got, given, s in zip(planes(frame), planes(PHOTO), (1, 2, 2), strict=True):
            np.testing.assert_array_equal(got[: nose // s], given[: nose // s])
            np.testing.assert_array_equal(got[:, : low[0] // s], given[:, : low[0] // s])
            np.testing.assert_array_equal(got[:, high[0] // s :], given[:, high[0] // s :])
        mouth_moved |= bool((frame.y != PHOTO.y).any())
    assert mouth_moved


def test_a_living_photo_starts_and_ends_as_the_photo_and_moves_between() -> None:
    living = living_of(PHOTO, POINTS, "auto")
    turning = int(np.abs(living.life.turn[:, 0]).argmax())
    first, between, last = drawn(living, [0, turning, COUNT - 1])
    nose = int(POINTS[1, 1])
    for frame in (first, last):
        for got, given, s in zip(planes(frame), planes(PHOTO), (1, 2, 2), strict=True):
            np.testing.assert_array_equal(got[: nose // s], given[: nose // s])
            # Lips that are asked to close move by a hundredth of a pixel.
            np.testing.assert_allclose(got.astype(int), given, atol=5)
    eyes = np.s_[int(POINTS[159, 1]) : int(POINTS[145, 1]), int(POINTS[33, 0]) : int(POINTS[263, 0])]
    assert (between.y[eyes] != PHOTO.y[eyes]).mean() > 0.4


def test_lids_come_down_in_the_frames_of_a_blink_only() -> None:
    living = living_of(PHOTO, POINTS, "auto")
    assert living.photo.lids
    frames = list(living.blinking([PHOTO] * COUNT))
    shut = living.levels > 0
    assert 3 <= shut.sum() < COUNT / 4
    for frame, is_shut in zip(frames, shut, strict=True):
        assert is_shut == (frame is not PHOTO)
    again = list(living.blinking([PHOTO] * COUNT))
    for frame, same in zip(frames, again, strict=True):
        np.testing.assert_array_equal(frame.y, same.y)


def test_the_mouth_rides_on_the_head() -> None:
    living = living_of(PHOTO, POINTS, "auto")
    turning = int(np.abs(living.life.turn[:, 0]).argmax())
    drawing = list(RENDERER.drawings(plan_of(living)))[turning]
    assert drawing is not None and drawing.turned is not None
    lip = drawing.target_px[[LIP_CENTRE_LOWER]]
    assert np.linalg.norm(drawing.turned.turn.moved(lip) - lip) > 0.3


@pytest.mark.parametrize(
    ("photo", "points"),
    [(photo_of(POINTS, glasses=True), POINTS), (PHOTO, POINTS * 0.2)],
    ids=["sunglasses", "small face"],
)
def test_eyes_that_should_not_blink_by_themselves_do_when_asked_to(
    photo: YuvFrame, points: np.ndarray
) -> None:
    assert not living_of(photo, points, "auto").photo.lids
    assert living_of(photo, points, "on").photo.lids


def test_a_face_turned_far_neither_blinks_nor_sways_by_itself() -> None:
    for degrees, sways in ((32, True), (45, False)):
        turn = np.radians(degrees)
        yaw = np.array([[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]])
        middle = POINTS[:468].mean(0)
        points = (POINTS - middle) @ yaw.T + middle
        living = living_of(photo_of(points), points, "auto")
        assert not living.photo.lids and (living.relief is not None) == sways
        assert living_of(photo_of(points), points, "on").relief is not None
