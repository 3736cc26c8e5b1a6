"""A hand before the face is seen; turning, nodding and lights are not taken for one."""

from pathlib import Path

import numpy as np

from heygem.templates.canonical import CHIN, LIPS, CanonicalFace
from heygem.templates.face_track import FaceTrack
from heygem.templates.visibility import lasting_oddness, oddness, steady_colours, visibility

FACE = CanonicalFace.load(Path(__file__).parents[2] / "models" / "face-landmarker" / "canonical_face.npz")
CHIN_PATCH = np.linalg.norm(FACE.vertices[:, :2] - FACE.vertices[CHIN, :2], axis=1) < 0.15
MOUTH_PATCH = np.linalg.norm(FACE.vertices[:, :2] - FACE.vertices[list(LIPS), :2].mean(0), axis=1) < 0.2


def seen(
    colours: np.ndarray, turn: np.ndarray | None = None, covered: np.ndarray | None = None
) -> np.ndarray:
    count = len(colours)
    track = FaceTrack(
        np.zeros((count, 478, 3), np.float32),
        np.ones(count, bool),
        np.clip(colours, 0, 255).astype(np.uint8),
        np.ones(count, np.float32),
        np.zeros((count, 468), np.uint8) if covered is None else covered,
    )
    turned = np.zeros((count, 2)) if turn is None else turn
    odd = oddness(steady_colours(track, FACE), track.present, turned, FACE)
    return visibility(odd, lasting_oddness(track.covered, turned, FACE), FACE)


def skin(count: int = 100, seed: int = 1) -> np.ndarray:
    """A face with shades of its own, and noise."""
    rng = np.random.default_rng(seed)
    shades = np.array([190.0, 140, 120]) + rng.normal(0, 12, (468, 3))
    return shades + rng.normal(0, 3, (count, 468, 3))


def test_skin_is_seen() -> None:
    assert seen(skin()).min() > 0.95


def test_a_microphone_before_the_chin_covers_the_chin_alone() -> None:
    colours = skin()
    colours[40:60, CHIN_PATCH] = 25
    found = seen(colours)
    assert found[45:55, CHIN].max() < 0.05
    assert found[45:55][:, LIPS].min() > 0.9
    assert found[:35].min() > 0.95 and found[65:].min() > 0.95
    assert np.abs(np.diff(found, axis=0)).max() < 0.5  # no jump in time


def test_half_a_covered_mouth_is_left_alone_as_a_whole() -> None:
    colours = skin()
    left_half = MOUTH_PATCH & (FACE.vertices[:, 0] < 0.02)
    colours[40:60, left_half] = (60, 90, 160)
    found = seen(colours)
    assert found[45:55][:, LIPS].max() < 0.2
    assert found[45:55, CHIN].max() < 0.2  # a chin that moves without its lips would be odder than none
    assert found[:35, CHIN].min() > 0.95


def test_a_lamp_that_is_switched_on_covers_nothing() -> None:
    colours = skin()
    colours[50:] += 40
    assert seen(colours).min() > 0.95


def test_a_pose_seen_once_is_no_reason_to_doubt() -> None:
    colours, turn = skin(), np.zeros((100, 2))
    turn[70:, 0] = np.linspace(0, 60, 30)
    colours[75:] -= np.linspace(0, 90, 25)[:, None, None] * (FACE.vertices[:, 0] > 0)[:, None]
    assert seen(colours, turn)[95:].min() > 0.95


def test_hair_behind_the_far_cheek_of_a_turned_head_covers_nothing() -> None:
    """And a hand before the near one is still seen."""
    colours, turn = skin(), np.zeros((100, 2))
    turn[:, 0] = np.where(np.arange(100) < 60, 25, 35)
    far, near = FACE.vertices[:, 0] > 0.05, FACE.vertices[:, 0] < -0.05
    colours[80:, far] = (60, 40, 30)
    assert seen(colours, turn)[80:].min() > 0.95
    colours[80:, near] = (60, 90, 160)
    assert seen(colours, turn)[85:][:, LIPS].max() < 0.2


def test_a_finger_in_the_colour_of_the_face_is_followed_from_where_it_is_seen() -> None:
    """Its shadow is odd, the rest of it hardly; the same faint oddness alone is no reason to doubt."""
    faint, shadow = MOUTH_PATCH & (FACE.vertices[:, 0] < 0.02), MOUTH_PATCH & (FACE.vertices[:, 0] < -0.12)
    colours = skin()
    colours[40:60, faint] -= 33
    assert seen(colours).min() > 0.9
    colours[40:60, shadow] -= 45
    found = seen(colours)
    assert found[45:55][:, LIPS].max() < 0.2
    assert found[:35].min() > 0.95 and found[65:].min() > 0.95


def test_what_is_always_there_is_told_by_those_who_looked() -> None:
    """A microphone that never goes away has the only colour its places ever had."""
    colours, covered = skin(), np.zeros((100, 468), np.uint8)
    colours[:, CHIN_PATCH] = 25
    assert seen(colours)[:, CHIN].min() > 0.9
    covered[:, CHIN_PATCH] = 240
    found = seen(colours, covered=covered)
    assert found[:, CHIN].max() < 0.05 and found[:, LIPS].min() > 0.9


def test_what_is_seen_beyond_the_outline_of_a_turned_head_covers_nothing() -> None:
    covered = np.zeros((100, 468), np.uint8)
    covered[:, FACE.vertices[:, 0] > 0.1] = 255
    ahead, aside = (seen(skin(), np.tile([yaw, 0.0], (100, 1)), covered) for yaw in (0.0, 40.0))
    far = FACE.vertices[:, 0] > 0.1
    assert ahead[:, far].min() < 0.05 < 0.95 < aside[:, far].min()
