"""The rules that hold for any voice: pauses close, ends ease, time is exact."""

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from heygem.engines.base import LipSyncOptions
from heygem.engines.mesh.speech_motion import (
    crisp,
    ease,
    from_first_to_last,
    pause_gate,
    resample,
    shape_motion,
)
from heygem.media.types import Waveform


def speech_with_pause(pause_seconds: float) -> np.ndarray:
    noise = np.random.default_rng(2).normal(0, 0.2, 16000).astype(np.float32)
    return np.concatenate([noise, np.zeros(round(16000 * pause_seconds), np.float32), noise])


def test_a_pause_is_closed_within_200_ms_and_stays_closed() -> None:
    gate = pause_gate(speech_with_pause(1.0), 75)
    assert (gate[:25] == 1).all()
    assert (gate[30:50] == 0).all()  # from 200 ms after the sound ends until the next begins
    assert gate[50] < gate[51] < gate[52] and (gate[52:] == 1).all()


def test_the_gap_inside_a_word_is_left_to_the_model() -> None:
    assert (pause_gate(speech_with_pause(0.12), 53) == 1).all()


def test_silence_all_through_is_closed_all_through() -> None:
    assert pause_gate(np.zeros(16000, np.float32), 25)[5:].max() == 0


@given(st.integers(1, 40), st.sampled_from([24, 25, 29.97, 30, 50, 60]))
def test_resampling_at_the_steps_gives_the_steps(count: int, fps: float) -> None:
    steps = np.random.default_rng(count).normal(size=(count, 3))
    np.testing.assert_allclose(resample(steps, np.arange(count) / 25), steps, atol=1e-9)
    assert resample(steps, np.arange(round(count / 25 * fps)) / fps).shape[1] == 3


def test_motion_turns_more_sharply_and_keeps_its_course() -> None:
    """A steady course stays as it is; a lone peak grows by less than half."""
    course = np.linspace(0, 1, 20)[:, None]
    np.testing.assert_allclose(crisp(course)[1:-1], course[1:-1])
    peak = np.zeros((9, 1))
    peak[4] = 1
    assert 1 < crisp(peak)[4, 0] < 1.5 and crisp(peak)[3, 0] < 0


def test_outside_the_sound_the_mouth_rests() -> None:
    moved = resample(np.ones((50, 2)), np.array([-1.0, 0.5, 5.0]))
    assert moved[0].max() == 0 and moved[2].max() == 0 and moved[1].min() > 0.99


def test_motion_eases_in_and_out() -> None:
    seconds = np.arange(100) / 25
    factor = ease(seconds, 4.0)
    assert factor[0] == 0 and factor[-1] == 0 and (factor[5:-5] == 1).all()
    assert (np.diff(factor[:5]) >= 0).all()


def test_the_motion_of_a_video_turns_more_sharply_than_what_was_said() -> None:
    said = np.zeros((75, 1))
    said[20] = 1
    speech = Waveform(np.random.default_rng(0).normal(size=48000).astype(np.float32), 16000)
    motion = shape_motion(said, speech, np.zeros((1, 468, 3), np.float32), 75, Fraction(25), LipSyncOptions())
    np.testing.assert_allclose(motion.coefficients[20], crisp(said)[20], atol=1e-6)


def test_in_a_pause_there_is_neither_motion_nor_voice() -> None:
    speech = Waveform(speech_with_pause(1.0), 16000)
    basis = np.zeros((2, 468, 3), np.float32)
    motion = shape_motion(np.ones((75, 2)), speech, basis, 75, Fraction(25), LipSyncOptions())
    assert motion.voiced[30:50].max() < 1e-6 and np.abs(motion.coefficients[30:50]).max() < 1e-6
    assert motion.voiced[8:24].min() > 0.99


def test_a_face_is_at_rest_before_the_first_word_and_after_the_last_and_in_no_pause() -> None:
    seconds = np.arange(250) / 25
    voiced = ((seconds > 2) & (seconds < 4) | (seconds > 6) & (seconds < 8)).astype(float)
    speaking = from_first_to_last(voiced, seconds)
    assert speaking[:40].max() == 0 and speaking[220:].max() == 0
    assert speaking[51:200].min() == 1
    assert np.abs(np.diff(speaking)).max() < 0.2
    assert from_first_to_last(np.zeros(250), seconds).max() == 0


def test_a_video_that_begins_with_a_word_begins_at_rest() -> None:
    seconds = np.arange(50) / 25
    speaking = from_first_to_last(np.ones(50), seconds)
    assert speaking[0] == 0 and speaking[5:].min() == 1
