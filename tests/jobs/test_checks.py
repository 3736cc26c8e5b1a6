"""What is refused before it waits in line."""

import os
import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from heygem.engines.base import LipSyncOptions
from heygem.errors import HeyGemError, MediaError, SettingsError, UnsuitableMediaError
from heygem.jobs.checks import YOUNG_SECONDS, InputCheck, check_options
from heygem.jobs.job import JobSpec
from heygem.settings import Settings
from tests.tiny_media import write_clip, write_speech

LIMITS = Settings(
    data_dir=Path("d"),
    cache_dir=Path("c"),
    model_cache_dir=Path("m"),
    max_audio_seconds=2,
    max_template_seconds=1,
)
CHECK = InputCheck(LIMITS)


@pytest.fixture
def spec(tmp_path: Path) -> JobSpec:
    return JobSpec(write_speech(tmp_path / "a.wav"), write_clip(tmp_path / "t.mp4"))


def test_good_inputs_pass(spec: JobSpec) -> None:
    CHECK.spec(spec)


def test_a_known_template_is_looked_at_again_only_when_its_file_changes(tmp_path: Path) -> None:
    check, clip = InputCheck(LIMITS), write_clip(tmp_path / "t.mp4")
    changed_at = time.time() - 2 * YOUNG_SECONDS
    os.utime(clip, (changed_at, changed_at))
    first = check.template(clip)
    (tmp_path / "link.mp4").hardlink_to(clip)
    assert check.template(clip) is first
    content = clip.read_bytes()
    clip.write_bytes(content[:200])
    with pytest.raises(MediaError):
        check.template(clip)
    clip.write_bytes(content)
    assert check.template(clip) == first
    clip.unlink()
    with pytest.raises(MediaError):
        check.template(clip)


def test_too_long_is_told_with_the_limit(spec: JobSpec, tmp_path: Path) -> None:
    with pytest.raises(UnsuitableMediaError, match="speech"):
        CHECK.spec(replace(spec, audio_path=write_speech(tmp_path / "long.wav", 2.5)))
    with pytest.raises(UnsuitableMediaError, match="template"):
        CHECK.spec(replace(spec, template_path=write_clip(tmp_path / "long.mp4", 30)))


@pytest.mark.parametrize("content", [b"", b"just text\n" * 50], ids=["empty", "text"])
def test_what_is_no_media_is_refused(spec: JobSpec, tmp_path: Path, content: bytes) -> None:
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(content)
    for changed in (replace(spec, template_path=bad), replace(spec, audio_path=bad)):
        with pytest.raises(MediaError):
            CHECK.spec(changed)


def test_a_missing_file_is_refused(spec: JobSpec, tmp_path: Path) -> None:
    with pytest.raises(HeyGemError):
        CHECK.spec(replace(spec, audio_path=tmp_path / "gone.wav"))


@pytest.mark.parametrize(
    "options",
    [
        LipSyncOptions(fps=Fraction(1, 2)),
        LipSyncOptions(fps=Fraction(121)),
        LipSyncOptions(expressiveness=1.6),
        LipSyncOptions(expressiveness=float("nan")),
        LipSyncOptions(smile=-0.1),
        LipSyncOptions(audio_offset_ms=501),
        LipSyncOptions(quality_crf=9),
        LipSyncOptions(face_point=(0.5, 1.1)),
    ],
)
def test_options_out_of_range_are_refused(options: LipSyncOptions) -> None:
    with pytest.raises(SettingsError, match="between"):
        check_options(options)


def test_options_at_their_ends_pass() -> None:
    check_options(LipSyncOptions(Fraction(120), 0.5, 1.0, -500, quality_crf=32, face_point=(0.0, 1.0)))
