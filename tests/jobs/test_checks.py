"""What is refused before it waits in line."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from heygem.engines.base import LipSyncOptions
from heygem.errors import HeyGemError, MediaError, SettingsError, UnsuitableMediaError
from heygem.jobs.checks import check_options, check_spec
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


@pytest.fixture
def spec(tmp_path: Path) -> JobSpec:
    return JobSpec(write_speech(tmp_path / "a.wav"), write_clip(tmp_path / "t.mp4"))


def test_good_inputs_pass(spec: JobSpec) -> None:
    check_spec(spec, LIMITS)


def test_too_long_is_told_with_the_limit(spec: JobSpec, tmp_path: Path) -> None:
    with pytest.raises(UnsuitableMediaError, match="speech"):
        check_spec(replace(spec, audio_path=write_speech(tmp_path / "long.wav", 2.5)), LIMITS)
    with pytest.raises(UnsuitableMediaError, match="template"):
        check_spec(replace(spec, template_path=write_clip(tmp_path / "long.mp4", 30)), LIMITS)


@pytest.mark.parametrize("content", [b"", b"just text\n" * 50], ids=["empty", "text"])
def test_what_is_no_media_is_refused(spec: JobSpec, tmp_path: Path, content: bytes) -> None:
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(content)
    for changed in (replace(spec, template_path=bad), replace(spec, audio_path=bad)):
        with pytest.raises(MediaError):
            check_spec(changed, LIMITS)


def test_a_missing_file_is_refused(spec: JobSpec, tmp_path: Path) -> None:
    with pytest.raises(HeyGemError):
        check_spec(replace(spec, audio_path=tmp_path / "gone.wav"), LIMITS)


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
