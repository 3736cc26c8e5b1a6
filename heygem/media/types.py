"""What media look like to the rest of the program: plain values, no PyAV."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

ColourTag = Literal["matrix", "primaries", "transfer"]


@dataclass(frozen=True, slots=True)
class ColourTags:
    """How YUV numbers become colours. The codes are those of ITU-T H.273; none is ever "unspecified" (2).

    Of the tags in `unsaid` the file says nothing: their codes are what we assume. A video of the same size
    made from it says nothing of them either: players that assume something else show both alike.
    """

    matrix: int = 1  # 1 bt709, 5 and 6 bt601, 9 bt2020
    primaries: int = 1
    transfer: int = 1
    full_range: bool = False  # True: luma 0..255; False: luma 16..235, chroma 16..240
    unsaid: frozenset[ColourTag] = frozenset()

    @property
    def codes(self) -> dict[ColourTag, int]:
        return {"matrix": self.matrix, "primaries": self.primaries, "transfer": self.transfer}


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """A constant-rate, upright view of a video file or photo: what `FrameSource` reads from it.

    `width` and `height` are even, in pixels, after rotation. Frame i is shown at i / `fps` seconds.
    """

    path: Path
    width: int
    height: int
    fps: Fraction
    frame_count: int
    duration_seconds: float
    is_photo: bool
    codec: str
    colour: ColourTags


@dataclass(frozen=True, slots=True)
class AudioInfo:
    """The sound track of a file, as it is stored."""

    path: Path
    rate_hz: int
    channels: int
    duration_seconds: float
    codec: str


@dataclass(frozen=True, slots=True)
class Waveform:
    """Mono sound: `samples` (n,) float32 in [-1, 1]."""

    samples: NDArray[np.float32]
    rate_hz: int

    @property
    def duration_seconds(self) -> float:
        return len(self.samples) / self.rate_hz


@dataclass(frozen=True, slots=True)
class YuvFrame:
    """One picture, 8-bit 4:2:0, even sizes. The planes may be views with a row stride, and may be read-only:
    they can be the decoder's own memory, so write to a `copy()`.
    """

    y: NDArray[np.uint8]  # (H, W)
    u: NDArray[np.uint8]  # (H/2, W/2)
    v: NDArray[np.uint8]  # (H/2, W/2)

    @property
    def planes(self) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
        return self.y, self.u, self.v

    @property
    def width(self) -> int:
        return int(self.y.shape[1])

    @property
    def height(self) -> int:
        return int(self.y.shape[0])

    def copy(self) -> "YuvFrame":
        """A frame of its own, writable and C-contiguous."""
        return YuvFrame(self.y.copy(), self.u.copy(), self.v.copy())


@dataclass(frozen=True, slots=True)
class OutputVideo:
    """The video that `VideoWriter` is asked to make. `crf` and `preset` are x264's."""

    width: int
    height: int
    fps: Fraction
    frame_count: int
    colour: ColourTags = ColourTags()
    crf: int = 18
    preset: str = "veryfast"
