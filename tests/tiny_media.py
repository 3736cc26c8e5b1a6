"""Small real media for tests that need some: a recording and a clip."""

import wave
from fractions import Fraction
from pathlib import Path

import numpy as np

from heygem.media.types import OutputVideo, YuvFrame
from heygem.media.writer import VideoWriter

RATE_HZ = 16000


def write_speech(path: Path, seconds: float = 1.0, pitch_hz: float = 220.0) -> Path:
    """A tone as 16-bit mono wave."""
    times = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    samples = (8000 * np.sin(2 * np.pi * pitch_hz * times)).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(samples.tobytes())
    return path


def write_clip(path: Path, frame_count: int = 10, grey: int = 90, speech: Path | None = None) -> Path:
    """A grey clip, 96 x 80 at 25 frames a second, silent without `speech`."""
    luma = np.full((80, 96), grey, np.uint8)
    chroma = np.full((40, 48), 128, np.uint8)
    with VideoWriter(path, OutputVideo(96, 80, Fraction(25), frame_count), speech) as writer:
        for _ in range(frame_count):
            writer.write(YuvFrame(luma, chroma, chroma))
    return path
