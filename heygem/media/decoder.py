"""Gives any picture of a file by its number; fast when asked in ascending order."""

from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Protocol

import av
import numpy as np
from av.packet import Packet
from av.stream import Stream
from av.video.frame import VideoFrame

from heygem.errors import NoVideoError, UnreadableMediaError
from heygem.media.container import open_media, packets_of, picture_stream
from heygem.media.photo import is_photo_file, read_photo
from heygem.media.timeline import Timeline, read_timeline

_Numbered = tuple[int, VideoFrame]
_WORTH_A_JUMP = 12  # pictures; over fewer it is quicker to decode on than to start anew


class Pictures(Protocol):
    """The decoded pictures of one file, numbered as in its timeline."""

    timeline: Timeline
    declared_rates: tuple[Fraction | None, ...]  # frames a second, as the file claims
    pixel_aspect: Fraction  # width of a pixel over its height
    codec: str

    def at(self, index: int) -> VideoFrame:
        """Picture `index`, or the one before it where the file is damaged."""

    def close(self) -> None: ...


def open_pictures(path: Path, threads: int = 0) -> Pictures:
    """Open a video or a photo.

    `threads` decode it, 0: all there can be. With many the first picture comes late, after the first of each.

    Raises:
        UnreadableMediaError, NoVideoError: there is nothing to see in it.
    """
    return StillPicture(path) if is_photo_file(path) else MovingPictures(path, threads)


class StillPicture:
    """A photo as a file of one picture."""

    timeline = Timeline(np.zeros(1, np.int64), np.zeros(1, np.int64), Fraction(1, 25), False)
    declared_rates: tuple[Fraction | None, ...] = ()
    pixel_aspect = Fraction(1)
    codec = "photo"

    def __init__(self, path: Path) -> None:
        self._picture = VideoFrame.from_ndarray(read_photo(path), format="rgb24")

    def at(self, index: int) -> VideoFrame:
        return self._picture

    def close(self) -> None:
        """Nothing is held open."""


class MovingPictures:
    """A video file. Holds one decoder and two pictures, whatever the length."""

    def __init__(self, path: Path, threads: int = 0) -> None:
        self._path = path
        self._threads = threads
        self._open()
        timeline = read_timeline(self._container, self._stream)
        if timeline is None:
            self.close()
            raise NoVideoError(
                f"The video '{path.name}' has no pictures in it: export it again.", file=path.name
            )
        self.timeline = timeline
        self.declared_rates: tuple[Fraction | None, ...] = (self._stream.average_rate, self._stream.base_rate)
        self.pixel_aspect = self._stream.sample_aspect_ratio or Fraction(1)
        self.codec = self._stream.codec_context.name
        self._current: _Numbered | None = None  # the one given last
        self._next: _Numbered | None = None  # decoded already, but later than what was asked for
        self._asked = -1
        self._coming: Iterator[_Numbered] = iter(())

    def close(self) -> None:
        # What is coming refers to this object: without it decoder, threads and pictures go at once.
        self._coming, self._current, self._next = iter(()), None, None
        self._container.close()

    def at(self, index: int) -> VideoFrame:
        """Picture `index`, or the one before it where the file is damaged.

        Raises:
            UnreadableMediaError: not one picture can be decoded.
        """
        lies_far_ahead = self.timeline.keyframe_before(index) > self._asked + _WORTH_A_JUMP
        if self._current is None or index < self._asked or lies_far_ahead:
            self._go_to(index)
        self._asked = index
        return self._advanced(index)[1]

    def _advanced(self, index: int) -> _Numbered:
        if self._current is None:
            raise UnreadableMediaError(
                f"The pictures of '{self._path.name}' cannot be decoded: export it again as H.264 MP4.",
                file=self._path.name,
            )
        while self._current[0] < index:
            self._next = self._next or next(self._coming, None)
            if self._next is None or self._next[0] > index:
                break
            self._current, self._next = self._next, None
        return self._current

    def _open(self) -> None:
        self._container = open_media(self._path)
        try:
            self._stream = picture_stream(self._container, self._path, self._threads)
        except NoVideoError:
            self._container.close()
            raise

    def _go_to(self, index: int) -> None:
        """Start decoding at the last keyframe up to `index`; at the top if the file's own index misleads."""
        keyframe = self.timeline.keyframe_before(index)
        with suppress(av.FFmpegError):
            self._container.seek(int(self.timeline.ticks[keyframe]), stream=self._stream)
            self._restart()
        if self._current is None or self._current[0] > index:
            self._container.close()
            self._open()
            self._restart()

    def _restart(self) -> None:
        self._coming = self._decoded()
        self._current, self._next = next(self._coming, None), None

    def _decoded(self) -> Iterator[_Numbered]:
        """Numbered pictures from where the file stands. Packets that do not decode are passed over."""
        number: int | None = None
        packets = packets_of(self._container, self._stream)
        for packet in chain(packets, [None]):  # None: what the decoder still holds back
            if number is None:
                number = self._number_before(packet)
            for picture in self._pictures_of(packet):
                number = self._number(picture, number + 1)
                yield number, picture

    def _number_before(self, first: "Packet[Stream] | None") -> int:
        tick = 0 if first is None else first.pts if first.pts is not None else first.dts
        return self.timeline.index_at(tick or 0) - 1

    def _number(self, picture: VideoFrame, following: int) -> int:
        if picture.pts is None or self.timeline.times_are_of_decoding:
            return following
        return self.timeline.index_at(picture.pts)

    def _pictures_of(self, packet: "Packet[Stream] | None") -> list[VideoFrame]:
        try:
            return self._stream.decode(packet)
        except av.FFmpegError:
            return []
