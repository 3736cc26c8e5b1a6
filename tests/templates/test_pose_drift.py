"""What a turned head does to landmarks is told from what its mouth does."""

from pathlib import Path

import numpy as np

from heygem.templates.canonical import CHIN, LIP_CENTRE_LOWER, LIPS, CanonicalFace, lip_gap
from heygem.templates.pose_drift import (
    FARTHEST_DEGREES,
    FEATURES,
    LEAST_FRAMES,
    drift_of,
    turn_features,
    without_drift,
)

FACE = CanonicalFace.load(Path(__file__).parents[2] / "models" / "face-landmarker" / "canonical_face.npz")
NONE = np.zeros((FEATURES, 468, 3))
FRAMES = 300


def turning(swing_degrees: float) -> np.ndarray:
    """(N,2) yaw and pitch of a head that looks around."""
    seconds = np.arange(FRAMES) / 25
    return swing_degrees * np.stack([np.sin(1.1 * seconds), np.sin(0.7 * seconds + 1)], 1)


def talking(turn: np.ndarray, drift: np.ndarray) -> np.ndarray:
    """(N,468,3): a face that talks, its chin going down with the lip, and drifts as it turns."""
    opening = 0.04 * (1 + np.sin(np.arange(FRAMES) * 0.9))
    shapes = np.repeat(FACE.vertices[None], FRAMES, 0)
    shapes[:, LIP_CENTRE_LOWER, 1] += opening
    shapes[:, CHIN, 1] += 0.8 * opening
    return shapes + np.tensordot(turn_features(turn), drift, 1)


def chin_drift(by_pitch: float) -> np.ndarray:
    drift = NONE.copy()
    drift[1, CHIN, 1] = by_pitch
    return drift


def test_a_face_seen_as_it_usually_is_stays_as_it_is() -> None:
    shapes = np.random.default_rng(0).normal(size=(5, 468, 3))
    usual = np.array([12.0, -4.0])
    same = without_drift(shapes, np.repeat(usual[None], 5, 0), usual, FACE.pose_drift)
    assert np.array_equal(same, shapes)


def test_a_chin_that_sinks_as_the_head_bows_is_put_back_and_speech_is_left() -> None:
    turn = turning(25)
    shapes, spoken = talking(turn, chin_drift(0.03)), talking(turn, NONE)
    drift = drift_of(shapes, turn, NONE)
    restored = without_drift(shapes, turn, np.zeros(2), drift)
    assert np.abs(shapes - spoken).max() > 0.05
    assert np.abs(restored - spoken).max() < 0.01


def test_a_head_that_hardly_turns_teaches_nothing() -> None:
    turn = turning(1)
    drift = drift_of(talking(turn, chin_drift(0.03)), turn, FACE.pose_drift)
    assert np.abs(drift - FACE.pose_drift).max() < 0.006
    few = slice(0, LEAST_FRAMES - 1)
    assert drift_of(talking(turning(30), NONE)[few], turning(30)[few], FACE.pose_drift) is FACE.pose_drift


def test_lips_stay_as_far_apart_as_they_are() -> None:
    turn = turning(25)
    noise = np.random.default_rng(1).normal(0, 0.02, NONE.shape)
    shapes = talking(turn, noise)
    without = without_drift(shapes, turn, np.zeros(2), drift_of(shapes, turn, FACE.pose_drift))
    assert np.allclose(lip_gap(without), lip_gap(shapes), atol=1e-9)
    assert np.ptp(FACE.pose_drift[:, LIPS], axis=1).max() < 1e-7


def test_beyond_what_was_seen_nothing_grows() -> None:
    assert np.array_equal(
        turn_features(np.array([[80.0, 0]])), turn_features(np.array([[FARTHEST_DEGREES, 0]]))
    )


def test_the_bundled_drift_is_that_of_a_symmetric_face() -> None:
    """Nodding moves both sides alike, and the middle of the chin down or up, not to a side."""
    nod = FACE.pose_drift[1]
    assert abs(nod[CHIN, 0]) < 0.2 * abs(nod[CHIN, 1])
    assert 0.005 < np.abs(FACE.pose_drift[:2, CHIN]).max() < 0.1


def test_a_film_of_a_picture_tells_nothing() -> None:
    """No turn and no opening ever changes."""
    shapes = np.repeat(FACE.vertices[None], FRAMES, 0)
    drift = drift_of(shapes, np.full((FRAMES, 2), 3.0), chin_drift(0.1))
    np.testing.assert_allclose(drift, chin_drift(0.1), atol=1e-9)
