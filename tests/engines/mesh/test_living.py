"""When a photo lives: at rest at both ends, slow and small in between, with blinks as people blink."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heygem.engines.mesh.photo.living import (
    BLINK_EVERY_SECONDS,
    DOUBLE_BLINK_SECONDS,
    MOST_DEGREES,
    MOST_SHIFT,
    NOD_DEGREES,
    SHUT_SECONDS,
    Life,
)
from heygem.engines.mesh.speech_motion import Motion


def motion_of(voiced: np.ndarray, syllables_hz: float = 4.0, fps: float = 25.0) -> Motion:
    seconds = np.arange(len(voiced)) / fps
    opening = voiced * np.sin(np.pi * syllables_hz * seconds) ** 2
    basis = np.zeros((1, 468, 3), np.float32)
    return Motion(
        opening[:, None].astype(np.float32),
        basis,
        voiced.astype(np.float32),
        np.ones(len(voiced), np.float32),
    )


def starts_of_blinks(life: Life, fps: float) -> np.ndarray:
    closed = np.concatenate([[0.0], life.closure]) > 0
    return np.flatnonzero(~closed[:-1] & closed[1:]) / fps


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 1500), st.sampled_from([10.0, 25.0, 29.97, 60.0]), st.integers(0, 2**32), st.booleans())
def test_life_starts_and_ends_with_the_photo_itself(count: int, fps: float, seed: int, speaks: bool) -> None:
    life = Life.of(motion_of(np.full(count, float(speaks)), fps=fps), fps, seed)
    for end in (0, -1):
        assert not life.turn[end].any() and not life.shift[end].any() and life.closure[end] == 0
    assert len(life.turn) == len(life.shift) == len(life.closure) == count


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32), st.sampled_from([24.0, 30.0, 60.0]))
def test_motion_is_small_and_slow(seed: int, fps: float) -> None:
    count = round(20 * fps)
    life = Life.of(motion_of(np.ones(count), fps=fps), fps, seed)
    most = np.radians(np.add(MOST_DEGREES, (0, NOD_DEGREES, 0)))
    assert (np.abs(life.turn) <= most).all() and (np.abs(life.shift) <= MOST_SHIFT).all()
    speed = np.degrees(np.abs(np.diff(life.turn, axis=0))) * fps
    assert (speed < 16).all()  # degrees a second
    # A band limit: hardly anything above 3 Hz.
    spectrum = np.abs(np.fft.rfft(life.turn - life.turn.mean(0), axis=0)) ** 2
    quick = np.fft.rfftfreq(count, 1 / fps) > 3
    assert (spectrum[quick].sum(0) < 0.02 * spectrum.sum(0)).all()


def test_a_head_is_calmer_in_pauses() -> None:
    count, fps = 3000, 25.0
    speech, pause = (
        [Life.of(motion_of(np.full(count, voiced)), fps, seed).turn for seed in range(4)]
        for voiced in (1.0, 0.0)
    )
    assert np.std(pause) < 0.7 * np.std(speech)
    assert np.std(pause) > 0.3 * np.std(speech)


def test_the_head_nods_with_the_voice() -> None:
    voiced = np.zeros(500)
    voiced[200:230] = 1
    same = [
        Life.of(motion_of(v, syllables_hz=0.0001 + 4 * v.any()), 25.0, 3).turn[:, 1]
        for v in (voiced, 0 * voiced)
    ]
    nod = same[0] - same[1]
    assert 200 <= int(nod[:300].argmax()) <= 235
    assert nod.max() > np.radians(0.2)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32), st.sampled_from([25.0, 30.0, 60.0]))
def test_blinks_are_whole_and_come_as_people_blink(seed: int, fps: float) -> None:
    life = Life.of(motion_of(np.ones(round(60 * fps)), fps=fps), fps, seed)
    starts = starts_of_blinks(life, fps)
    assert starts[0] > 0.5
    gaps = np.diff(starts)
    frame = 1.01 / fps
    is_double = np.abs(gaps - DOUBLE_BLINK_SECONDS) < frame
    least, most = BLINK_EVERY_SECONDS
    assert (is_double | ((gaps > least - frame) & (gaps < most + frame))).all()
    for start in starts:
        blink = life.closure[round(start * fps) : round((start + 0.45) * fps)]
        assert blink.max() > 0.97
        assert 2 <= (blink > 0).sum() <= 0.4 * fps
        assert (blink > 0.97).sum() <= np.ceil((SHUT_SECONDS + 0.06) * fps)


def test_now_and_then_somebody_blinks_twice() -> None:
    life = Life.of(motion_of(np.ones(25 * 600)), 25.0, 1)
    gaps = np.diff(starts_of_blinks(life, 25.0))
    assert 0.02 < (gaps < 1).mean() < 0.3


def test_the_same_seed_lives_the_same_life() -> None:
    motion = motion_of(np.ones(500))
    first, again, other = (Life.of(motion, 25.0, seed) for seed in ((7, 500), (7, 500), (8, 500)))
    np.testing.assert_array_equal(first.turn, again.turn)
    np.testing.assert_array_equal(first.closure, again.closure)
    assert np.abs(first.turn - other.turn).max() > np.radians(0.3)


@pytest.mark.parametrize("seconds", [0.04, 0.5, 1.4])
def test_a_short_video_has_no_half_blink(seconds: float) -> None:
    for seed in range(20):
        life = Life.of(motion_of(np.ones(max(1, round(seconds * 25)))), 25.0, seed)
        assert life.closure.max(initial=0.0) == 0 or life.closure.max() > 0.97
