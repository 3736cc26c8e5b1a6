"""Reads a video or photo as an upright constant-rate sequence of 8-bit 4:2:0 frames."""

from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from heygem.media.decoder import Pictures, open_pictures
from heygem.media.pictures import PicturePlanes
from heygem.media.types import VideoInfo, YuvFrame

_BUFFER_BYTES = 256 * 2**20


class FrameSource:
    """The frames of `info`, one at a time: frame i is the picture shown nearest to i / `info.fps` seconds.

    Use it as a context manager, from one thread at a time. Memory does not grow with the length of the clip.
    A changed `info.fps` and `info.frame_count` resample the clip in time.

    Raises:
        MediaError: the file cannot be opened any more.
    """

    def __init__(self, info: VideoInfo, buffer_bytes: int = _BUFFER_BYTES) -> None:
        self._info = info
        self._buffer_bytes = buffer_bytes
        self._pictures: Pictures = open_pictures(info.path)
        first = self._pictures.at(0)
        self._planes = PicturePlanes(first, self._pictures.pixel_aspect)
        self._picture_of: NDArray[np.int64] = self._pictures.timeline.nearest(info.fps, info.frame_count)
        self._shown: tuple[int, YuvFrame] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pictures.close()

    def read(self, start: int = 0) -> Iterator[YuvFrame]:
        """All frames in order, from frame `start` on."""
        return self.read_schedule(range(start, self._info.frame_count))

    def read_schedule(self, indices: Sequence[int]) -> Iterator[YuvFrame]:
        """The frames of these numbers in this order, which may run forth and back (ping-pong) and repeat.

        Runs backwards are decoded block by block and hold at most `buffer_bytes` of frames (256 MiB). Of a
        photo every number gives the same frame.
        """
        for run in _runs(indices):
            if run[0] > run[-1]:
                yield from self._read_backwards(run)
            else:
                for index in run:
                    yield self._frame(self._picture_index(index))

    def _read_backwards(self, run: Sequence[int]) -> Iterator[YuvFrame]:
        frame_bytes = self._planes.width * self._planes.height * 3 // 2
        most = max(self._buffer_bytes // frame_bytes, 1)
        start = 0
        while start < len(run):
            wanted = [self._picture_index(index) for index in run[start : start + most]]
            start_of_block = self._start_of_block(wanted)
            block = [picture for picture in wanted if picture >= start_of_block]
            frames = [self._frame(picture) for picture in reversed(block)]
            while frames:
                yield frames.pop()
            start += len(block)

    def _start_of_block(self, descending: list[int]) -> int:
        """The earliest keyframe among these pictures, so that the next block decodes none of them again."""
        keyframe = self._pictures.timeline.keyframe_after(descending[-1])
        return keyframe if keyframe <= descending[0] else descending[-1]

    def _picture_index(self, index: int) -> int:
        return 0 if self._info.is_photo else int(self._picture_of[index])

    def _frame(self, picture_index: int) -> YuvFrame:
        if self._shown is None or self._shown[0] != picture_index:
            picture = self._pictures.at(picture_index)
            self._shown = picture_index, self._planes.frame(picture)
        return self._shown[1]


def _runs(indices: Sequence[int]) -> Iterator[Sequence[int]]:
    """Cut a schedule into the longest pieces that run in one direction."""
    start, direction = 0, 0
    for place in range(1, len(indices)):
        step = int(np.sign(indices[place] - indices[place - 1]))
        if step * direction < 0:
            yield indices[start:place]
            start, direction = place, 0
        else:
            direction = direction or step
    if indices:
        yield indices[start:]
