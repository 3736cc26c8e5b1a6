"""What probing says of every kind of file, good and bad."""

import wave
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from av.stream import Disposition
from PIL import Image

from heygem.errors import (
    MediaError,
    NoAudioError,
    NoVideoError,
    UnreadableMediaError,
    UnsuitableMediaError,
)
from heygem.media.probe import probe_audio, probe_video
from heygem.media.types import ColourTags
from tests.media.clips import FORMATS, Clip, make_clip, make_sound, tone


@pytest.mark.parametrize("name", FORMATS)
def test_videos_of_every_format(name: str, tmp_path: Path) -> None:
    codec, pixel_format, decoder = FORMATS[name]
    info = probe_video(make_clip(tmp_path / name, Clip(codec, pixel_format)))
    assert (info.width, info.height, info.fps, info.frame_count) == (128, 96, 25, 12)
    assert (info.codec, info.is_photo) == (decoder, False)
    assert info.duration_seconds == pytest.approx(0.48)


@pytest.mark.parametrize("fps", ["24000/1001", "24", "30000/1001", "30", "50", "60000/1001", "60", "1000/17"])
@pytest.mark.parametrize("suffix", ["mp4", "mkv", "flv"])
def test_rates_are_exact(fps: str, suffix: str, tmp_path: Path) -> None:
    path = make_clip(tmp_path / f"clip.{suffix}", Clip(fps=Fraction(fps), frame_count=60))
    info = probe_video(path)
    assert (info.fps, info.frame_count) == (Fraction(fps), 60)


def test_a_varying_rate_is_given_its_usual_step(tmp_path: Path) -> None:
    ticks = (0, 33, 67, 100, 133, 300, 333, 367, 400, 900)
    info = probe_video(make_clip(tmp_path / "phone.mkv", Clip(ticks=ticks)))
    assert info.fps == 30
    assert info.frame_count == 28  # 0.933 s


def test_odd_sizes_become_even(tmp_path: Path) -> None:
    info = probe_video(make_clip(tmp_path / "odd.webm", Clip("libvpx-vp9", size=(131, 97))))
    assert (info.width, info.height) == (130, 96)


def test_oblong_pixels_are_made_square(tmp_path: Path) -> None:
    clip = Clip(size=(96, 96), sample_aspect=Fraction(4, 3))
    assert probe_video(make_clip(tmp_path / "dv.mp4", clip)).width == 128


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
def test_photos_are_turned_as_their_exif_says(suffix: str, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: turn right by 90 degrees
    path = tmp_path / f"photo %03d.{suffix}"
    Image.new("RGB", (120, 80), "red").save(path, exif=exif)
    info = probe_video(path)
    assert (info.width, info.height) == (80, 120)
    assert (info.is_photo, info.fps, info.frame_count) == (True, 25, 1)


def test_a_video_of_one_frame_is_a_photo(tmp_path: Path) -> None:
    info = probe_video(make_clip(tmp_path / "one.mp4", Clip(fps=Fraction(30), frame_count=1)))
    assert (info.is_photo, info.fps, info.frame_count) == (True, 25, 1)


def test_a_big_photo_is_read_at_video_size(tmp_path: Path) -> None:
    Image.new("RGB", (4000, 3000), "grey").save(tmp_path / "camera.jpg")
    info = probe_video(tmp_path / "camera.jpg")
    assert (info.width, info.height) == (1920, 1440)


def test_colour_tags_are_never_unspecified(tmp_path: Path) -> None:
    small = probe_video(make_clip(tmp_path / "small.mp4"))
    large = probe_video(make_clip(tmp_path / "large.mp4", Clip(size=(1280, 720), frame_count=2)))
    full = probe_video(make_clip(tmp_path / "full.avi", Clip("mjpeg", "yuvj420p")))
    unsaid = frozenset(small.colour.codes)
    assert small.colour == ColourTags(6, 6, 6, full_range=False, unsaid=unsaid)
    assert large.colour == ColourTags(1, 1, 1, full_range=False, unsaid=unsaid)
    assert full.colour.full_range


def test_only_what_a_file_does_not_state_is_assumed(tmp_path: Path) -> None:
    half = probe_video(make_clip(tmp_path / "half.mp4", Clip(codes=(5, 2, 1), frame_count=2)))
    assert half.colour == ColourTags(5, 6, 1, unsaid=frozenset({"primaries"}))


@pytest.mark.parametrize("name", ["loop.gif", "rgb.png", "rgb.avi"])
def test_what_is_made_of_rgb_is_stated(name: str, tmp_path: Path) -> None:
    codec, pixel_format = {"loop.gif": ("gif", "rgb8"), "rgb.png": ("png", "rgb24")}.get(
        name, ("ffv1", "bgr0")
    )
    info = probe_video(make_clip(tmp_path / name, Clip(codec, pixel_format, frame_count=1)))
    assert info.colour == ColourTags()


def truncated(tmp_path: Path) -> bytes:
    content = make_clip(tmp_path / "whole.mp4").read_bytes()
    return content[: len(content) // 2]


NOT_MEDIA = (
    "The file 'bad.mp4' is not a video or sound file that HeyGem can read: "
    "check that it plays, then upload it as MP4, MOV, MKV, WebM, WAV or MP3."
)
PLAYLIST = b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile:///etc/hostname\n#EXT-X-ENDLIST\n"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "The file 'bad.mp4' is empty (0 bytes): upload it again."),
        (b"It was a dark and stormy night. " * 99, NOT_MEDIA),
        (PLAYLIST, NOT_MEDIA),
        ("truncated", "The file 'bad.mp4' is incomplete (its end is missing): export or copy it again."),
    ],
    ids=["empty", "text", "playlist", "truncated"],
)
def test_unreadable_files_are_refused_in_one_sentence(
    content: bytes | str, sentence: str, tmp_path: Path
) -> None:
    path = tmp_path / "bad.mp4"
    path.write_bytes(truncated(tmp_path) if isinstance(content, str) else content)
    for probe in (probe_video, probe_audio):
        with pytest.raises(UnreadableMediaError) as refusal:
            probe(path)
        assert str(refusal.value) == sentence


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableMediaError, match="The file 'gone.mp4' is not there"):
        probe_video(tmp_path / "gone.mp4")


def test_a_damaged_photo_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(40))
    with pytest.raises(UnreadableMediaError, match="The photo 'cut.png' is damaged"):
        probe_video(tmp_path / "cut.png")


def test_pictures_that_do_not_decode_are_refused(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "noise.avi", Clip("mpeg4", frame_count=2))
    content = path.read_bytes()
    start = content.index(b"movi")
    path.write_bytes(content[:start] + content[start:].replace(b"\x00\x00\x01", b"\xff\xff\xff"))
    with pytest.raises(MediaError, match=r"noise\.avi"):
        probe_video(path)


@pytest.mark.parametrize("size", [(1, 1), (62, 200), (200, 62)])
def test_tiny_pictures_are_refused(size: tuple[int, int], tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "tiny.png"), np.zeros((size[1], size[0], 3), np.uint8))
    with pytest.raises(UnsuitableMediaError, match="use one of at least 64x64"):
        probe_video(tmp_path / "tiny.png")


def test_a_video_of_one_pixel_is_refused(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "dot.mkv", Clip("ffv1", "yuv444p", size=(1, 1)))
    with pytest.raises(UnsuitableMediaError, match="use one of at least 64x64"):
        probe_video(path)


def test_sound_alone_is_no_template(tmp_path: Path) -> None:
    path = make_sound(tmp_path / "speech.wav", tone(16000), 16000)
    with pytest.raises(NoVideoError, match=r"The file 'speech.wav' has no picture track"):
        probe_video(path)


def test_cover_art_is_no_template(tmp_path: Path) -> None:
    path = tmp_path / "song.mp3"
    with av.open(str(path), "w") as container:
        sound = container.add_stream("libmp3lame", rate=44100)
        cover = container.add_stream("png", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 64, "rgb24"
        cover.disposition = Disposition.attached_pic
        container.mux(cover.encode(av.VideoFrame(64, 64, "rgb24")))
        frame = av.AudioFrame.from_ndarray(tone(44100, channels=2), format="fltp", layout="stereo")
        frame.sample_rate = 44100
        container.mux(sound.encode(frame))
        container.mux(sound.encode(None))
    with pytest.raises(NoVideoError):
        probe_video(path)
    assert probe_audio(path).codec == "mp3float"


def test_a_silent_film_is_no_speech(tmp_path: Path) -> None:
    with pytest.raises(NoAudioError, match="The file 'mute.mp4' has no sound track"):
        probe_audio(make_clip(tmp_path / "mute.mp4"))


def test_a_recording_without_samples_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "nothing.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))
    with pytest.raises(NoAudioError, match="The sound track of 'nothing.wav' is empty"):
        probe_audio(path)


def test_sound_is_described_as_stored(tmp_path: Path) -> None:
    info = probe_audio(make_sound(tmp_path / "s.wav", tone(44100, 1.5, channels=2), 44100, layout="stereo"))
    assert (info.rate_hz, info.channels, info.codec) == (44100, 2, "pcm_s16le")
    assert info.duration_seconds == pytest.approx(1.5)
