"""Says what a file is, or why it cannot be used, before any heavy work."""

from fractions import Fraction
from pathlib import Path

from av.container import InputContainer

from heygem.errors import NoAudioError, UnsuitableMediaError
from heygem.media.container import open_media, packets_of, sound_stream
from heygem.media.decoder import open_pictures
from heygem.media.pictures import PicturePlanes
from heygem.media.types import AudioInfo, VideoInfo

_MIN_SIDE_PX = 64
_MAX_SIDE_PX = 4096
_PHOTO_FPS = Fraction(25)


def probe_video(path: Path) -> VideoInfo:
    """Look at a template: reads the times of all its pictures, and decodes the first one.

    Raises:
        UnreadableMediaError: missing, empty, cut off, or not a video or photo.
        NoVideoError: sound only.
        UnsuitableMediaError: smaller than 64 or larger than 4096 pixels.
    """
    pictures = open_pictures(path, threads=1)
    try:
        planes = PicturePlanes(pictures.at(0), pictures.pixel_aspect)
    finally:
        pictures.close()
    _check_size(path, planes.width, planes.height)
    timeline = pictures.timeline
    is_photo = len(timeline) == 1
    constant_fps = _PHOTO_FPS if is_photo else timeline.constant_rate(pictures.declared_rates)
    fps = constant_fps or timeline.uneven_rate()
    frame_count = len(timeline) if constant_fps else max(round(timeline.duration_seconds * fps), 1)
    return VideoInfo(
        path=path,
        width=planes.width,
        height=planes.height,
        fps=fps,
        frame_count=frame_count,
        duration_seconds=float(frame_count / fps),
        is_photo=is_photo,
        codec=pictures.codec,
        colour=planes.colour,
    )


def _check_size(path: Path, width: int, height: int) -> None:
    if min(width, height) < _MIN_SIDE_PX:
        raise UnsuitableMediaError(
            f"The picture of '{path.name}' is too small: use one of at least "
            f"{_MIN_SIDE_PX}x{_MIN_SIDE_PX} pixels.",
            file=path.name,
        )
    if max(width, height) > _MAX_SIDE_PX:
        raise UnsuitableMediaError(
            f"The picture of '{path.name}' is {width}x{height} pixels: scale it down to at most "
            f"{_MAX_SIDE_PX} on the longer side.",
            file=path.name,
        )


def probe_audio(path: Path) -> AudioInfo:
    """Look at the sound track of a sound or video file; its length is counted, not taken from the header.

    Raises:
        UnreadableMediaError: missing, empty, cut off, or no media file.
        NoAudioError: no sound track, or nothing in it.
    """
    with open_media(path) as container:
        return sound_of(container, path)


def sound_of(container: InputContainer, path: Path) -> AudioInfo:
    """`probe_audio` of a file that is open already, and stands at its beginning."""
    stream = sound_stream(container, path)
    first, last = None, 0
    for packet in packets_of(container, stream):
        if packet.pts is not None:
            first = packet.pts if first is None else first
            last = max(last, packet.pts + (packet.duration or 0))
    if first is None or stream.time_base is None:
        raise NoAudioError(
            f"The sound track of '{path.name}' is empty: record or export it again.", file=path.name
        )
    return AudioInfo(
        path=path,
        rate_hz=stream.codec_context.sample_rate,
        channels=stream.codec_context.channels,
        duration_seconds=float((last - max(first, 0)) * stream.time_base),
        codec=stream.codec_context.name,
    )
