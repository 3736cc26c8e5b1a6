"""The finished file is what was asked for: pictures, rate, colours, sound, label, or no file at all."""

import json
import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from heygem.errors import DiskFullError, MediaError, NoAudioError
from heygem.media.audio import decode_sound
from heygem.media.check import check_video
from heygem.media.frames import FrameSource
from heygem.media.probe import probe_audio, probe_video
from heygem.media.types import ColourTags, OutputVideo, YuvFrame
from heygem.media.writer import VideoWriter
from tests.media.clips import make_clip, make_sound, number_of, numbered_luma, tone

SIZE = (128, 96)
PLAIN_COLOUR = ColourTags()


def numbered_frames(count: int) -> Iterator[YuvFrame]:
    grey = np.full((SIZE[1] // 2, SIZE[0] // 2), 128, np.uint8)
    for number in range(count):
        yield YuvFrame(numbered_luma(number % 256, *SIZE), grey, grey)


def write(
    path: Path,
    fps: Fraction,
    frame_count: int,
    audio_path: Path | None = None,
    colour: ColourTags = PLAIN_COLOUR,
) -> Path:
    with VideoWriter(path, OutputVideo(*SIZE, fps, frame_count, colour), audio_path) as writer:
        for frame in numbered_frames(frame_count):
            writer.write(frame)
    return path


@pytest.mark.parametrize("fps", ["24000/1001", "25", "30000/1001", "60", "1000/17"])
def test_frames_and_rate_come_back_exactly(fps: str, tmp_path: Path) -> None:
    info = probe_video(write(tmp_path / "out.mp4", Fraction(fps), 70))
    assert (info.width, info.height, info.fps, info.frame_count) == (*SIZE, Fraction(fps), 70)
    with FrameSource(info) as source:
        assert [number_of(frame.y) for frame in source.read()] == list(range(70))


@pytest.mark.parametrize(
    "colour", [ColourTags(1, 1, 1, False), ColourTags(6, 6, 6, True), ColourTags(9, 9, 14, False)]
)
def test_colour_tags_are_kept(colour: ColourTags, tmp_path: Path) -> None:
    path = write(tmp_path / "out.mp4", Fraction(25), 3, colour=colour)
    assert probe_video(path).colour == colour


def test_a_lossless_setting_keeps_the_planes(tmp_path: Path) -> None:
    generator = np.random.default_rng(1)
    planes = [generator.integers(0, 256, shape, np.uint8) for shape in ((96, 256), (48, 128), (48, 128))]
    frame = YuvFrame(planes[0][:, 64:192], planes[1][:, ::2], planes[2][:, 32:96])  # views with strides
    path = tmp_path / "out.mp4"
    with VideoWriter(path, OutputVideo(*SIZE, Fraction(25), 1, crf=0)) as writer:
        writer.write(frame)
    with FrameSource(probe_video(path)) as source:
        back = next(source.read())
    for plane, original in ((back.y, frame.y), (back.u, frame.u), (back.v, frame.v)):
        np.testing.assert_array_equal(plane, original)


@pytest.mark.parametrize(
    ("stored_hz", "written_hz"),
    [(8000, 8000), (16000, 16000), (44100, 44100), (96000, 96000), (10000, 11025)],
)
def test_the_rate_of_the_sound_is_kept_where_aac_has_it(
    stored_hz: int, written_hz: int, tmp_path: Path
) -> None:
    sound = make_sound(tmp_path / "speech.wav", tone(stored_hz), stored_hz)
    info = probe_audio(write(tmp_path / "out.mp4", Fraction(25), 25, sound))
    assert (info.rate_hz, info.channels, info.codec) == (written_hz, 1, "aac")


def test_surround_sound_becomes_stereo(tmp_path: Path) -> None:
    sound = make_sound(tmp_path / "film.wav", tone(48000, channels=6), 48000, layout="5.1")
    assert probe_audio(write(tmp_path / "out.mp4", Fraction(25), 25, sound)).channels == 2


@pytest.mark.parametrize("fps", ["24000/1001", "25", "60"])
@pytest.mark.parametrize("sound_seconds", [0.3, 2.0, 3.1])
def test_sound_lasts_as_long_as_the_picture(fps: str, sound_seconds: float, tmp_path: Path) -> None:
    frame_count = round(2 * Fraction(fps))
    sound = make_sound(tmp_path / "speech.wav", tone(44100, sound_seconds), 44100)
    path = write(tmp_path / "out.mp4", Fraction(fps), frame_count, sound)
    check_video(path, frame_count, Fraction(fps), with_audio=True)
    heard = np.concatenate(list(decode_sound(path, 44100, 1)), axis=1)[0]
    assert 0 <= len(heard) - 44100 * frame_count / Fraction(fps) <= 1024  # the last AAC block is filled up
    end = round(min(sound_seconds, 2.0) * 44100)
    assert np.abs(heard[end - 4000 : end - 2000]).max() > 0.4
    assert np.abs(heard[end + 3000 :]).max(initial=0.0) < 0.01


@pytest.mark.parametrize("rate_hz", [16000, 44100, 48000])
def test_sound_and_picture_are_in_step(rate_hz: int, tmp_path: Path) -> None:
    """A click in the middle of a sample-exact recording is found again within a quarter of a millisecond."""
    clicks = np.zeros((1, rate_hz * 3), np.float32)
    places = [round(seconds * rate_hz) for seconds in (0.25, 1.0, 1.9, 2.76)]
    clicks[0, places] = 0.9
    path = write(tmp_path / "out.mp4", Fraction(25), 75, make_sound(tmp_path / "c.wav", clicks, rate_hz))
    heard = np.abs(np.concatenate(list(decode_sound(path, rate_hz, 1)), axis=1)[0])
    for place in places:
        found = place - 2000 + int(heard[place - 2000 : place + 2000].argmax())
        assert abs(found - place) / rate_hz < 0.00025
    with av.open(str(path)) as container:
        assert container.streams.video[0].start_time == 0


def test_the_file_says_that_it_is_generated(tmp_path: Path) -> None:
    path = write(tmp_path / "out.mp4", Fraction(25), 2)
    with av.open(str(path)) as container:
        label = json.loads(container.metadata["comment"])
        assert container.metadata["description"] == container.metadata["comment"]
    assert label["ai_generated"] is True
    assert label["generator"] == "HeyGem"


def test_the_index_comes_first_so_that_the_file_streams(tmp_path: Path) -> None:
    content = write(tmp_path / "out.mp4", Fraction(25), 2).read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")


def test_an_error_leaves_no_file(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    with pytest.raises(KeyError), VideoWriter(path, OutputVideo(*SIZE, Fraction(25), 9)) as writer:
        writer.write(next(numbered_frames(1)))
        raise KeyError
    assert not path.exists()


def test_missing_frames_are_an_error_and_leave_no_file(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    with (
        pytest.raises(MediaError, match="Only 1 of 9 frames"),
        VideoWriter(path, OutputVideo(*SIZE, Fraction(25), 9)) as writer,
    ):
        writer.write(next(numbered_frames(1)))
    assert not path.exists()


def test_sound_that_is_none_leaves_no_file(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    with pytest.raises(NoAudioError):
        VideoWriter(path, OutputVideo(*SIZE, Fraction(25), 9), make_clip(tmp_path / "mute.mp4"))
    assert not path.exists()


def test_a_folder_that_is_not_there_is_a_media_error(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"out\.mp4.*could not be written"):
        VideoWriter(tmp_path / "gone" / "out.mp4", OutputVideo(*SIZE, Fraction(25), 1))


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")
def test_a_full_disk_is_named(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    path.symlink_to("/dev/full")
    with pytest.raises(DiskFullError, match="is full: free some space"):
        write(path, Fraction(25), 200, make_sound(tmp_path / "speech.wav", tone(16000), 16000))
    assert not path.is_symlink()
