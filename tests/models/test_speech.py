"""Windows cover the sound, and the encoder gives 50 features a second of exactly its lengths."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from heygem.media.audio import decode_speech
from heygem.models.golden import deviation, read_goldens
from heygem.models.resident import FloatArray, LoadContext
from heygem.models.speech import BUCKET_SECONDS, OVERLAP_SECONDS, RATE_HZ, WhisperEncoder, plan_windows

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "models" / "speech-encoder"
FRAME_SAMPLES = 640  # of one motion frame
LONGEST_SAMPLES = 28 * RATE_HZ
ANY_COUNT = st.integers(1, 3600 * RATE_HZ)
LONG_COUNT = st.integers(LONGEST_SAMPLES + 1, 3600 * RATE_HZ)


@given(ANY_COUNT)
def test_windows_cover_all_sound_and_nothing_else(sample_count: int) -> None:
    windows = plan_windows(sample_count)
    assert windows[0].start_sample == 0
    assert windows[-1].start_sample + windows[-1].sample_count == sample_count
    for window in windows:
        assert 0 < window.sample_count <= window.bucket_seconds * RATE_HZ
        assert window.start_sample % FRAME_SAMPLES == 0
        assert window.bucket_seconds in BUCKET_SECONDS


@given(st.integers(1, LONGEST_SAMPLES))
def test_short_sound_is_one_window_of_the_smallest_length(sample_count: int) -> None:
    (window,) = plan_windows(sample_count)
    shorter = [seconds for seconds in BUCKET_SECONDS if seconds < window.bucket_seconds]
    assert all(seconds * RATE_HZ < sample_count for seconds in shorter)


@given(LONG_COUNT)
def test_long_sound_is_cut_into_overlapping_windows(sample_count: int) -> None:
    windows = plan_windows(sample_count)
    assert {window.bucket_seconds for window in windows} == {28}
    for before, after in pairwise(windows):
        assert before.start_sample < after.start_sample
        overlap = before.start_sample + before.sample_count - after.start_sample
        assert overlap >= OVERLAP_SECONDS * RATE_HZ


@given(LONG_COUNT)
def test_the_last_window_is_aligned_to_the_end(sample_count: int) -> None:
    *others, last = plan_windows(sample_count)
    assert all(window.sample_count == LONGEST_SAMPLES for window in others)
    assert LONGEST_SAMPLES - FRAME_SAMPLES < last.sample_count <= LONGEST_SAMPLES


@given(LONG_COUNT)
def test_no_window_is_one_too_many(sample_count: int) -> None:
    fresh_samples = LONGEST_SAMPLES - OVERLAP_SECONDS * RATE_HZ  # what each further window adds
    assert len(plan_windows(sample_count)) == 1 + -(-(sample_count - LONGEST_SAMPLES) // fresh_samples)


@pytest.mark.parametrize(
    ("seconds", "buckets"), [(0.5, [2]), (2, [2]), (2.1, [4]), (16, [16]), (28, [28]), (28.1, [28, 28])]
)
def test_lengths_one_can_check_by_hand(seconds: float, buckets: list[int]) -> None:
    assert [window.bucket_seconds for window in plan_windows(int(seconds * RATE_HZ))] == buckets


def test_no_sound_gives_no_window() -> None:
    assert plan_windows(0) == []


@pytest.fixture(scope="module")
def encoder() -> WhisperEncoder:
    return WhisperEncoder(LoadContext(FOLDER, torch.device("cpu"), "fp32"))


@pytest.fixture(scope="module")
def speech() -> FloatArray:
    return decode_speech(ROOT / "heygem" / "assets" / "speech_en_female.flac").samples


@pytest.mark.parametrize("shape", [(0,), (31_999,), (32_001,), (3 * RATE_HZ,), (1, 2 * RATE_HZ)])
def test_other_lengths_are_refused(encoder: WhisperEncoder, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="samples"):
        encoder.encode(np.zeros(shape, np.float32))


@pytest.mark.parametrize("seconds", [2, 4])
def test_features_come_50_a_second(encoder: WhisperEncoder, speech: FloatArray, seconds: int) -> None:
    features = encoder.encode(speech[: seconds * RATE_HZ])
    assert (features.shape, features.dtype) == ((50 * seconds, 6, 512), torch.float32)
    assert features.isfinite().all()


def test_the_first_features_are_local(encoder: WhisperEncoder, speech: FloatArray) -> None:
    """Convolutions reach some 50 ms; the layers above them hear the whole window."""
    changed = speech[: 2 * RATE_HZ].copy()
    changed[RATE_HZ:] *= 0.5
    difference = (encoder.encode(changed) - encoder.encode(speech[: 2 * RATE_HZ])).abs().amax(2)  # (100,6)
    assert difference[:45, 0].max() < 1e-4
    assert difference[55:, 0].max() > 0.1
    assert difference[:45, 5].max() > 1e-2


def test_silence_is_no_trouble(encoder: WhisperEncoder) -> None:
    assert encoder.encode(np.zeros(2 * RATE_HZ, np.float32)).isfinite().all()


def test_a_sound_gives_the_same_whatever_came_before(encoder: WhisperEncoder, speech: FloatArray) -> None:
    first = encoder.encode(speech[: 2 * RATE_HZ])
    encoder.encode(speech[: 4 * RATE_HZ])
    assert torch.equal(encoder.encode(speech[: 2 * RATE_HZ]), first)


@pytest.mark.parametrize("bucket", WhisperEncoder.buckets)
def test_it_gives_what_was_recorded(encoder: WhisperEncoder, bucket: str) -> None:
    assert deviation(encoder.warm(bucket), read_goldens(FOLDER)[bucket]) < 1e-3


def test_half_precision_stays_near(speech: FloatArray, encoder: WhisperEncoder) -> None:
    half = WhisperEncoder(LoadContext(FOLDER, torch.device("cpu"), "bf16"))
    assert half.bytes_resident * 2 == encoder.bytes_resident
    exact, rounded = (net.encode(speech[: 2 * RATE_HZ]) for net in (encoder, half))
    assert rounded.dtype == torch.float32
    assert (exact - rounded).abs().mean() < 0.05 * exact.abs().mean()
