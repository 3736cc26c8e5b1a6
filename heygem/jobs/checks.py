"""What can be said about an order before it waits in line, so that its user hears it at once."""

import time
from collections import OrderedDict
from fractions import Fraction
from pathlib import Path
from threading import Lock

from heygem.engines.base import LipSyncOptions
from heygem.errors import SettingsError, UnsuitableMediaError
from heygem.jobs.job import JobSpec
from heygem.media.probe import probe_audio, probe_video
from heygem.media.types import AudioInfo, VideoInfo
from heygem.settings import Settings

TEMPLATES_REMEMBERED = 256
YOUNG_SECONDS = 0.1  # a file system's clock ticks coarsely: what changed a moment ago may change unseen
_FileState = tuple[int, ...]


class InputCheck:
    """Opens inputs, and checks them against their limits. Thread-safe.

    Templates are used often: one that was found usable is not opened again while its file is as it was.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._usable: OrderedDict[tuple[Path, _FileState], VideoInfo] = OrderedDict()
        self._lock = Lock()

    def spec(self, spec: JobSpec) -> None:
        """Check both inputs and the options.

        Raises:
            MediaError: an input cannot be used.
            SettingsError: an option is out of its range.
        """
        check_options(spec.options)
        self.speech(spec.audio_path)
        self.template(spec.template_path)

    def speech(self, path: Path) -> AudioInfo:
        """Open a recording; raises MediaError where it cannot be used."""
        audio = probe_audio(path)
        _check_length("speech", audio.duration_seconds, self._settings.max_audio_seconds)
        return audio

    def template(self, path: Path) -> VideoInfo:
        """Open a video or photo; raises MediaError where it cannot be used."""
        state = _state_of(path)
        with self._lock:
            known = self._usable.get((path, state))
        if known is not None:
            return known
        template = probe_video(path)
        _check_length("template", template.duration_seconds, self._settings.max_template_seconds)
        if state and state == _state_of(path):
            with self._lock:
                self._usable[path, state] = template
                while len(self._usable) > TEMPLATES_REMEMBERED:
                    self._usable.popitem(last=False)
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


def _state_of(path: Path) -> _FileState:
    """What changes when the content does; () where that cannot be told. Links come and go with jobs."""
    try:
        stat = path.stat()
    except OSError:
        return ()
    is_settled = abs(time.time_ns() - stat.st_mtime_ns) > YOUNG_SECONDS * 1e9
    return (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns) if is_settled else ()


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
