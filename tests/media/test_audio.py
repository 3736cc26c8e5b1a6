"""Sound of every format, rate and number of channels becomes the speech that was recorded."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from heygem.errors import NoAudioError, UnreadableMediaError
from heygem.media.audio import decode_sound, decode_speech
from heygem.media.soundtrack import fitted
from tests.media.clips import make_clip, make_sound, tone

FORMATS = {
    "录音 'one' \"two\".wav": "pcm_s16le",
    "deep.wav": "pcm_s24le",
    "float.wav": "pcm_f32le",
    "law.wav": "pcm_mulaw",
    "speech.mp3": "libmp3lame",
    "speech.m4a": "aac",
    "speech.aac": "aac",
    "speech.flac": "flac",
    "speech.ogg": "libopus",
    "speech.opus": "libopus",
    "speech.wma": "wmav2",
    "speech.webm": "libopus",
    "speech.mkv": "pcm_s16le",
}


def pitch_hertz(samples: NDArray[np.float32], rate_hz: int) -> float:
    middle = samples[len(samples) // 4 : -len(samples) // 4]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
    return float(spectrum.argmax() * rate_hz / len(middle))


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_heard(name: str, tmp_path: Path) -> None:
    path = make_sound(tmp_path / name, tone(48000, 1.0), 48000, FORMATS[name])
    speech = decode_speech(path)
    assert (speech.rate_hz, speech.samples.dtype, speech.samples.ndim) == (16000, np.float32, 1)
    assert speech.duration_seconds == pytest.approx(1.0, abs=0.07)  # mp3 and wma pad to their blocks
    assert pitch_hertz(speech.samples, 16000) == pytest.approx(440, abs=3)
    assert np.abs(speech.samples[4000:12000]).max() == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("rate_hz", [8000, 11025, 22050, 32000, 44100, 96000])
@pytest.mark.parametrize("suffix", ["wav", "mkv"])
def test_every_rate_is_resampled(rate_hz: int, suffix: str, tmp_path: Path) -> None:
    speech = decode_speech(make_sound(tmp_path / f"s.{suffix}", tone(rate_hz), rate_hz))
    assert speech.duration_seconds == pytest.approx(1.0, abs=0.002)
    assert pitch_hertz(speech.samples, 16000) == pytest.approx(440, abs=3)


@pytest.mark.parametrize(("layout", "channels"), [("mono", 1), ("stereo", 2), ("3.0", 3), ("5.1", 6)])
@pytest.mark.parametrize("suffix", ["wav", "mkv"])
def test_equal_channels_mix_to_the_same_loudness(
    layout: str, channels: int, suffix: str, tmp_path: Path
) -> None:
    samples = tone(16000, channels=channels)
    path = make_sound(tmp_path / f"s.{suffix}", samples, 16000, layout=layout)
    mixed = decode_speech(path).samples
    np.testing.assert_allclose(mixed, samples[0], atol=1e-3)


def test_a_wav_at_its_own_rate_comes_out_exactly(tmp_path: Path) -> None:
    samples = np.random.default_rng(0).uniform(-1, 1, (2, 100_000)).astype(np.float32)
    path = make_sound(tmp_path / "noise.wav", samples, 44100, "pcm_f32le", "stereo")
    decoded = np.concatenate(list(decode_sound(path, 44100, 2)), axis=1)
    np.testing.assert_array_equal(decoded, samples)


def test_values_beyond_full_scale_and_no_numbers_are_tamed(tmp_path: Path) -> None:
    samples = np.array([[0.25, 3.0, -3.0, np.nan] * 1000], np.float32)
    path = make_sound(tmp_path / "loud.wav", samples, 16000, "pcm_f32le")
    decoded = decode_speech(path).samples
    np.testing.assert_array_equal(decoded[:4], np.float32([0.25, 1.0, -1.0, 0.0]))


def test_silence_is_speech_too(tmp_path: Path) -> None:
    path = make_sound(tmp_path / "quiet.wav", np.zeros((1, 16000), np.float32), 16000)
    assert not decode_speech(path).samples.any()


def test_a_damaged_recording_is_read_past_the_damage(tmp_path: Path) -> None:
    path = make_sound(tmp_path / "scratched.mp3", tone(44100, 4.0, channels=2), 44100, "libmp3lame", "stereo")
    content = bytearray(path.read_bytes())
    third = len(content) // 3
    content[third : third + 400] = bytes(400)
    path.write_bytes(content)
    assert decode_speech(path).duration_seconds == pytest.approx(4.0, abs=0.3)


def test_files_without_sound_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NoAudioError, match="mute.mp4"):
        decode_speech(make_clip(tmp_path / "mute.mp4"))
    (tmp_path / "notes.wav").write_text("not a sound")
    with pytest.raises(UnreadableMediaError, match="notes.wav"):
        decode_speech(tmp_path / "notes.wav")


@given(st.lists(st.integers(0, 50), max_size=6), st.integers(1, 100_000), st.sampled_from([1, 2]))
def test_fitted_sound_has_the_asked_length(lengths: list[int], sample_count: int, channels: int) -> None:
    pieces = [np.ones((channels, length), np.float32) for length in lengths]
    fitted_sound = np.concatenate(list(fitted(iter(pieces), channels, sample_count)), axis=1)
    assert fitted_sound.shape == (channels, sample_count)
    assert fitted_sound.sum() == channels * min(sum(lengths), sample_count)
    assert (np.diff(fitted_sound[0]) <= 0).all()  # first the sound, then the silence
