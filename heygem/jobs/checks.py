"""What can be said about an order before it waits in line, so that its user hears it at once."""

from fractions import Fraction
from pathlib import Path

from heygem.engines.base import LipSyncOptions
from heygem.errors import SettingsError, UnsuitableMediaError
from heygem.jobs.job import JobSpec
from heygem.media.probe import probe_audio, probe_video
from heygem.media.types import AudioInfo, VideoInfo
from heygem.settings import Settings


def check_spec(spec: JobSpec, settings: Settings) -> None:
    """Open both inputs, and check them and the options against their limits.

    Raises:
        MediaError: an input cannot be used.
        SettingsError: an option is out of its range.
    """
    check_options(spec.options)
    check_speech(spec.audio_path, settings)
    check_template(spec.template_path, settings)


def check_speech(path: Path, settings: Settings) -> AudioInfo:
    """Open a recording; raises MediaError where it cannot be used."""
    audio = probe_audio(path)
    _check_length("speech", audio.duration_seconds, settings.max_audio_seconds)
    return audio


def check_template(path: Path, settings: Settings) -> VideoInfo:
    """Open a video or photo; raises MediaError where it cannot be used."""
    template = probe_video(path)
    _check_length("template", template.duration_seconds, settings.max_template_seconds)
    return template


def check_options(options: LipSyncOptions) -> None:
    """Check each option against the range `LipSyncOptions` states.

    Raises:
        SettingsError: one is out of its range; says which and what the range is.
    """
    _check_range("frame rate", options.fps, 1, 120)
    _check_range("expressiveness", options.expressiveness, 0.5, 1.5)
    _check_range("smile", options.smile, 0, 1)
    _check_range("audio offset in milliseconds", options.audio_offset_ms, -500, 500)
    _check_range("quality", options.quality_crf, 10, 32)
    for coordinate in options.face_point or ():
        _check_range("face position", coordinate, 0, 1)


def _check_range(name: str, value: float | Fraction | None, least: float, most: float) -> None:
    if value is not None and not least <= value <= most:
        raise SettingsError(f"The {name} must be between {least} and {most}, not {value}.", name=name)


def _check_length(name: str, seconds: float, most_seconds: float) -> None:
    if seconds > most_seconds:
        raise UnsuitableMediaError(
            f"The {name} is {seconds / 60:.1f} minutes long, but at most {most_seconds / 60:.0f} "
            "are possible: use a shorter one.",
            seconds=f"{seconds:.0f}",
            most_seconds=f"{most_seconds:.0f}",
        )
