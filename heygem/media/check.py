"""Looks at a finished file with fresh eyes before it is handed out."""

from fractions import Fraction
from pathlib import Path

from heygem.errors import MediaError
from heygem.media.container import open_media, picture_stream
from heygem.media.probe import sound_of
from heygem.media.timeline import read_timeline


def check_video(path: Path, frame_count: int, fps: Fraction, with_audio: bool) -> None:
    """Raise MediaError unless the file has exactly these frames at this rate, and sound of the same length.

    Lengths may differ by less than one frame.
    """
    with open_media(path) as container:
        timeline = read_timeline(container, picture_stream(container, path))
        container.seek(0)
        sound = sound_of(container, path) if with_audio else None
    found = 0 if timeline is None else len(timeline)
    if timeline is None or found != frame_count:
        raise MediaError(
            f"The video '{path.name}' has {found} frames instead of {frame_count}: make it again."
        )
    wanted_seconds = frame_count / fps
    _check_length(path, "picture", float(timeline.duration_seconds), wanted_seconds, 1 / fps)
    if sound:
        _check_length(path, "sound", sound.duration_seconds, wanted_seconds, 1 / fps)


def _check_length(path: Path, what: str, seconds: float, wanted: Fraction, tolerance: Fraction) -> None:
    if abs(seconds - wanted) >= tolerance:
        raise MediaError(
            f"The {what} of '{path.name}' lasts {seconds:.2f} s, not {float(wanted):.2f} s: make it again."
        )
