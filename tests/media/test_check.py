"""A file that is not what was asked for does not pass."""

from fractions import Fraction
from pathlib import Path

import pytest

from heygem.errors import MediaError, NoAudioError, UnreadableMediaError
from heygem.media.check import check_video
from tests.media.clips import Clip, make_clip
from tests.media.test_writer import write

FPS = Fraction(25)


def test_what_was_asked_for_passes(tmp_path: Path) -> None:
    check_video(make_clip(tmp_path / "clip.mp4"), 12, FPS, with_audio=False)


def test_a_missing_frame_is_seen(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="has 11 frames instead of 12"):
        check_video(make_clip(tmp_path / "clip.mp4", Clip(frame_count=11)), 12, FPS, with_audio=False)


def test_a_wrong_rate_is_seen(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "clip.mp4", Clip(fps=Fraction(30)))
    with pytest.raises(MediaError, match=r"picture of 'clip.mp4' lasts 0.40 s, not 0.48 s"):
        check_video(path, 12, FPS, with_audio=False)


def test_missing_sound_is_seen(tmp_path: Path) -> None:
    with pytest.raises(NoAudioError):
        check_video(make_clip(tmp_path / "clip.mp4"), 12, FPS, with_audio=True)


def test_a_truncated_file_is_seen(tmp_path: Path) -> None:
    path = write(tmp_path / "out.mp4", FPS, 60)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 3 // 4])
    with pytest.raises(MediaError):
        check_video(path, 60, FPS, with_audio=False)
    path.write_bytes(b"")
    with pytest.raises(UnreadableMediaError):
        check_video(path, 60, FPS, with_audio=False)
