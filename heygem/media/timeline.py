"""When each picture of a file is shown, and the exact constant rate at which it is to be read."""

from array import array
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream
from numpy.typing import NDArray

from heygem.media.container import packets_of

_STANDARD_RATES = (
    *(Fraction(rate) for rate in (10, 12, 15, 20, 24, 25, 30, 48, 50, 60)),
    *(Fraction(rate * 1000, 1001) for rate in (24, 30, 60)),
)
_MAX_UNEVEN_RATE = Fraction(60)
_MAX_JITTER = 0.25  # of the time between two pictures


@dataclass(frozen=True, slots=True)
class Timeline:
    """Every picture of a file in the order of showing. Sixteen bytes a picture, whatever its size."""

    ticks: NDArray[np.int64]  # (N,) ascending, in units of `time_base` seconds
    keyframes: NDArray[np.int64]  # (K,) ascending indices into `ticks` at which decoding can start
    time_base: Fraction
    times_are_of_decoding: bool  # AVI: the file says when a picture is decoded, not when it is shown

    def __len__(self) -> int:
        return len(self.ticks)

    @property
    def duration_seconds(self) -> Fraction:
        """From the first picture to the end of the last one, which is taken to last a usual step."""
        return (int(self.ticks[-1] - self.ticks[0]) + self._usual_step) * self.time_base

    @property
    def _usual_step(self) -> int:
        return int(np.median(np.diff(self.ticks))) if len(self) > 1 else 1

    def index_at(self, tick: int) -> int:
        """The picture shown at `tick`: the last one that is not later."""
        return max(int(np.searchsorted(self.ticks, tick, side="right")) - 1, 0)

    def keyframe_before(self, index: int) -> int:
        """The last picture up to `index` at which decoding can start."""
        place = int(np.searchsorted(self.keyframes, index, side="right")) - 1
        return int(self.keyframes[place]) if place >= 0 else 0

    def keyframe_after(self, index: int) -> int:
        """The first picture from `index` on at which decoding can start; `len(self)` if there is none."""
        place = int(np.searchsorted(self.keyframes, index))
        return int(self.keyframes[place]) if place < len(self.keyframes) else len(self)

    def constant_rate(self, declared: tuple[Fraction | None, ...]) -> Fraction | None:
        """The exact rate that shows picture i at i / rate seconds, or nearly; None if the rate varies."""
        mean = Fraction(len(self) - 1, int(self.ticks[-1] - self.ticks[0])) / self.time_base
        for rate in (*(rate for rate in declared if rate), mean):
            snapped = snap_rate(rate, tolerance=2e-4)
            step = float(1 / (snapped * self.time_base))  # in ticks
            lateness = self.ticks - self.ticks[0] - np.arange(len(self)) * step
            if np.abs(lateness).max() <= _MAX_JITTER * step:
                return snapped
        return None

    def uneven_rate(self) -> Fraction:
        """A rate for a file without one: that of its usual step, at most 60."""
        rate = min(1 / (self._usual_step * self.time_base), _MAX_UNEVEN_RATE)
        return snap_rate(rate, tolerance=0.03)

    def nearest(self, fps: Fraction, count: int) -> NDArray[np.int64]:
        """For each of `count` frames at `fps` the picture nearest in time: (count,) ascending indices."""
        wanted = self.ticks[0] + np.arange(count) * float(1 / (fps * self.time_base))
        right = np.searchsorted(self.ticks, wanted).clip(1, max(len(self) - 1, 1))
        left = right - 1
        right = np.minimum(right, len(self) - 1)
        is_right = self.ticks[right] - wanted < wanted - self.ticks[left]
        return np.asarray(np.where(is_right, right, left), np.int64)


def snap_rate(rate: Fraction, tolerance: float) -> Fraction:
    """The standard rate within the relative `tolerance`, else the rate itself, over at most 1001."""
    closest = min(_STANDARD_RATES, key=lambda standard: abs(standard - rate))
    if abs(rate / closest - 1) <= tolerance:
        return closest
    return rate.limit_denominator(1001)


def read_timeline(container: InputContainer, stream: VideoStream) -> Timeline | None:
    """The times of all pictures, undecoded; None if there are none. Leaves the file at its end."""
    shown = array("q")  # tick, is keyframe; flat, for a long film has many pictures
    for packet in packets_of(container, stream):
        tick = packet.pts if packet.pts is not None else packet.dts
        if tick is not None and not packet.is_discard:
            shown.extend((tick, packet.is_keyframe))
    if not shown or stream.time_base is None:
        return None
    table = np.frombuffer(shown, np.int64).reshape(-1, 2)
    ticks, rows = np.unique(table[:, 0], return_index=True)
    return Timeline(
        ticks=ticks,
        keyframes=np.flatnonzero(table[rows, 1]),
        time_base=stream.time_base,
        times_are_of_decoding=container.format.name == "avi",
    )
