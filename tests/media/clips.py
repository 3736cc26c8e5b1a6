"""Real clips and recordings, made by the tests themselves. Every picture carries its number as eight bars."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

DARK, LIGHT = 60, 190  # luma of a bar for 0 and 1
# File name -> encoder, pixel format, name of the decoder.
FORMATS = {
    "口播 模板 'a' \"b\".mp4": ("libx264", "yuv420p", "h264"),
    "hevc.mp4": ("libx265", "yuv420p10le", "hevc"),
    "av1.mp4": ("libsvtav1", "yuv420p", "libdav1d"),
    "prores.mov": ("prores_ks", "yuv422p10le", "prores"),
    "h264.mkv": ("libx264", "yuv444p", "h264"),
    "vp9.webm": ("libvpx-vp9", "yuv420p", "vp9"),
    "xvid.avi": ("mpeg4", "yuv420p", "mpeg4"),
    "h264.avi": ("libx264", "yuv420p", "h264"),
    "h264.flv": ("libx264", "yuv420p", "h264"),
    "mpeg4.m4v": ("mpeg4", "yuv420p", "mpeg4"),
    "loop.gif": ("gif", "rgb8", "gif"),
}


def numbered_luma(number: int, width: int, height: int) -> NDArray[np.uint8]:
    """(height, width) uint8: bar k, from the left, is light if bit k of `number` is set."""
    bits = (number >> np.arange(8)) & 1
    bars = np.where(bits, LIGHT, DARK)[np.minimum(np.arange(width) * 8 // width, 7)]
    return np.tile(bars.astype(np.uint8), (height, 1))


def number_of(luma: NDArray[np.uint8]) -> int:
    """The number that the bars of a decoded picture show."""
    centres = (np.arange(8) * 2 + 1) * luma.shape[1] // 16
    return int(((luma[luma.shape[0] // 2, centres] > 125) << np.arange(8)).sum())


def picture(number: int, width: int, height: int) -> av.VideoFrame:
    """A numbered picture with a coloured top left corner."""
    frame = av.VideoFrame(width, height, "yuv420p")
    chroma = np.full(((height + 1) // 2, (width + 1) // 2), 128, np.uint8)
    chroma[: height // 8, : width // 8] = 200
    for plane, values in zip(
        frame.planes, (numbered_luma(number, width, height), chroma, chroma), strict=True
    ):
        np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[:, : plane.width] = values
    return frame


@dataclass(frozen=True)
class Clip:
    """What to make. `ticks`, if given, are the times of the pictures in `time_base`."""

    codec: str = "libx264"
    pixel_format: str = "yuv420p"
    fps: Fraction = Fraction(25)
    frame_count: int = 12
    size: tuple[int, int] = (128, 96)
    keyframe_every: int = 12
    ticks: tuple[int, ...] = ()
    time_base: Fraction = Fraction(1, 1000)
    sample_aspect: Fraction = Fraction(1)
    codes: tuple[int, int, int] = (2, 2, 2)  # matrix, primaries, transfer as in ITU-T H.273; 2: not stated


PLAIN = Clip()


def codes_of(path: Path) -> tuple[int, int, int]:
    """The codes of matrix, primaries and transfer that the file itself states; 2: it does not."""
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
    return int(frame.colorspace), int(frame.color_primaries), int(frame.color_trc)


@contextmanager
def unchanged_priority() -> Iterator[None]:
    """As root SVT-AV1 gives its caller real-time priority, and so every browser and server started later."""
    policy, priority = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        yield
    finally:
        os.sched_setscheduler(0, policy, priority)


def make_clip(path: Path, clip: Clip = PLAIN) -> Path:
    """Write a clip of numbered pictures."""
    with unchanged_priority(), av.open(str(path), "w") as container:
        stream = container.add_stream(clip.codec, rate=clip.fps, options={"x265-params": "log-level=none"})
        stream.width, stream.height = clip.size
        stream.pix_fmt = clip.pixel_format
        context = stream.codec_context
        context.gop_size = clip.keyframe_every
        context.sample_aspect_ratio = clip.sample_aspect
        context.colorspace, context.color_primaries, context.color_trc = clip.codes
        time_base = clip.time_base if clip.ticks else 1 / clip.fps
        context.time_base = time_base
        for number, tick in enumerate(clip.ticks or range(clip.frame_count)):
            frame = picture(number, *clip.size).reformat(format=clip.pixel_format)
            frame.pts, frame.time_base = tick, time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def make_sound(
    path: Path, samples: NDArray[np.float32], rate_hz: int, codec: str = "pcm_s16le", layout: str = "mono"
) -> Path:
    """Write (channels, n) float32 samples."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate_hz, layout=layout)
        stream.bit_rate = 128_000
        interleaved = np.ascontiguousarray(samples.T).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(interleaved, format="flt", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = rate_hz, 0, Fraction(1, rate_hz)
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def tone(rate_hz: int, seconds: float = 1.0, hertz: float = 440.0, channels: int = 1) -> NDArray[np.float32]:
    """A sine of amplitude one half, the same in each of the channels: (channels, n)."""
    times = np.arange(round(rate_hz * seconds)) / rate_hz
    return np.tile(0.5 * np.sin(2 * np.pi * hertz * times), (channels, 1)).astype(np.float32)
