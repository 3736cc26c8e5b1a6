"""Opens media files and says in one sentence what is wrong with those that do not open."""

from collections.abc import Iterator
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from heygem.errors import NoAudioError, NoVideoError, UnreadableMediaError

# Only true containers: a playlist (HLS, concat) would make the library open other files and addresses.
_DEMUXERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,flv,gif,m4v,wav,w64,mp3,aac,flac,ogg,asf,aiff"


def check_readable(path: Path) -> None:
    """Raise UnreadableMediaError unless `path` is a file with something in it."""
    if not path.is_file():
        raise UnreadableMediaError(f"The file '{path.name}' is not there: upload it again.", file=path.name)
    if path.stat().st_size == 0:
        raise UnreadableMediaError(
            f"The file '{path.name}' is empty (0 bytes): upload it again.", file=path.name
        )


def open_media(path: Path) -> InputContainer:
    """Open a video or sound file for reading; the caller closes it.

    Raises:
        UnreadableMediaError: missing, empty, cut off, or no media file at all.
    """
    check_readable(path)
    options = {"format_whitelist": _DEMUXERS, "protocol_whitelist": "file"}
    try:
        return av.open(f"file:{path}", options=options)
    except (av.FFmpegError, OSError) as error:
        raise UnreadableMediaError(_why_unreadable(path), file=path.name) from error


def _why_unreadable(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(8)
    if head[4:8] == b"ftyp":
        return f"The file '{path.name}' is incomplete (its end is missing): export or copy it again."
    return (
        f"The file '{path.name}' is not a video or sound file that HeyGem can read: "
        "check that it plays, then upload it as MP4, MOV, MKV, WebM, WAV or MP3."
    )


def picture_stream(container: InputContainer, path: Path, threads: int = 0) -> VideoStream:
    """The first moving picture of the file; cover art of a song is none.

    `threads` decode it, 0: as many as the machine has processors.

    Raises:
        NoVideoError: there is no such track.
    """
    for stream in container.streams.video:
        if not stream.disposition & Disposition.attached_pic:
            stream.thread_type, stream.thread_count = "AUTO", threads
            return stream
    raise NoVideoError(
        f"The file '{path.name}' has no picture track: upload a video or a photo.", file=path.name
    )


def sound_stream(container: InputContainer, path: Path) -> AudioStream:
    """The first sound track of the file.

    Raises:
        NoAudioError: there is none.
    """
    if not container.streams.audio:
        raise NoAudioError(
            f"The file '{path.name}' has no sound track: upload a recording of speech.", file=path.name
        )
    return container.streams.audio[0]


def packets_of(container: InputContainer, stream: VideoStream | AudioStream) -> "Iterator[Packet[Stream]]":
    """The packets of one track, up to the end of the file or to where it breaks off."""
    try:
        for packet in container.demux(stream):
            if packet.size:
                yield packet
    except av.FFmpegError:
        return  # a file cut off in the middle is good up to there
