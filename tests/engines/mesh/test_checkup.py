"""A finished video against what was asked for, and speech that is heard once."""

import numpy as np
import pytest

from heygem.engines.mesh.checkup import asked_opening, compared, seen_opening, shifted_correlation
from heygem.engines.mesh.hearing import HeardSpeech
from heygem.engines.mesh.speech_motion import Motion
from heygem.templates.canonical import (
    EYE_OUTER_LEFT,
    EYE_OUTER_RIGHT,
    LIP_CENTRE_LOWER,
    LIP_CENTRE_UPPER,
    CanonicalFace,
)
from heygem.templates.face_track import FaceTrack

OPENINGS = np.abs(np.sin(np.arange(100) / 3.0)) * 0.2


def face() -> CanonicalFace:
    vertices = np.zeros((468, 3))
    vertices[EYE_OUTER_RIGHT, 0] = 1.0
    return CanonicalFace(vertices, np.zeros((0, 3), np.int64), np.zeros((5, 468, 3)), np.zeros((12, 468, 3)))


def test_opening_is_in_eye_distances_whatever_the_size() -> None:
    points = np.zeros((100, 478, 3), np.float32)
    size = np.linspace(50, 200, 100)
    points[:, EYE_OUTER_RIGHT, 0] = size
    points[:, LIP_CENTRE_LOWER, 1] = OPENINGS * size
    colours, detail = np.zeros((100, 468, 3), np.uint8), np.ones(100, np.float32)
    track = FaceTrack(points, np.ones(100, bool), colours, detail, np.zeros((100, 468), np.uint8))
    assert np.allclose(seen_opening(track), OPENINGS, atol=1e-5)


def test_what_was_asked_for_is_the_gap_of_the_moved_lips() -> None:
    basis = np.zeros((1, 468, 3), np.float32)
    basis[0, LIP_CENTRE_LOWER, 1] = 1.0
    motion = Motion(OPENINGS[:, None].astype(np.float32), basis, *np.ones((2, 100), np.float32))
    assert np.allclose(asked_opening(motion, face()), OPENINGS, atol=1e-6)
    assert LIP_CENTRE_UPPER != LIP_CENTRE_LOWER and EYE_OUTER_LEFT != EYE_OUTER_RIGHT


def test_a_smile_before_the_first_word_is_not_held_against_the_video() -> None:
    present, speaking = np.arange(40) != 20, (np.arange(50) >= 10).astype(np.float32)
    points, colours = np.zeros((40, 478, 3), np.float32), np.zeros((40, 468, 3), np.uint8)
    free = np.zeros((40, 468), np.uint8)
    track = FaceTrack(points, present, colours, np.ones(40, np.float32), free)
    motion = Motion(np.zeros((50, 1), np.float32), np.zeros((1, 468, 3), np.float32), speaking, speaking)
    assert np.flatnonzero(compared(track, motion)).tolist() == [*range(10, 20), *range(21, 40)]


@pytest.mark.parametrize("late", [-3, 0, 4])
def test_a_mouth_that_comes_late_is_found_late(late: int) -> None:
    noise = np.random.default_rng(0).normal(size=200)
    seen, here = np.roll(noise, late), np.ones(200, bool)
    scores = {shift: shifted_correlation(seen, noise, here, shift) for shift in range(-6, 7)}
    assert max(scores, key=lambda shift: scores[shift]) == late
    assert scores[late] > 0.95


def test_a_still_mouth_agrees_with_nothing() -> None:
    still, here = np.zeros(50), np.ones(50, bool)
    assert shifted_correlation(still, OPENINGS[:50], here, 0) == 0.0
    assert shifted_correlation(OPENINGS[:50], OPENINGS[:50], np.zeros(50, bool), 0) == 0.0


def test_speech_is_heard_once_until_it_is_forgotten() -> None:
    heard, ears = HeardSpeech(recordings=2), []

    def hear(name: str) -> float:
        def listen() -> np.ndarray:
            ears.append(name)
            return np.full((1, 1), len(ears), float)

        return float(heard.of(name, listen)[0, 0])

    assert [hear(name) for name in "aabab"] == [1, 1, 2, 1, 2]
    hear("c")  # "a" was used longest ago
    assert hear("b") == 2
    assert hear("a") == 4
    heard.forget()
    hear("b")
    assert "".join(ears) == "abcab"
