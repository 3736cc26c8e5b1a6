"""Pictures of a template for people: a still, and a short silent clip that plays where the pointer rests."""

import os
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from heygem.errors import MediaError
from heygem.media.frames import FrameSource
from heygem.media.types import OutputVideo, VideoInfo, YuvFrame
from heygem.media.writer import VideoWriter
from heygem.media.yuv import frame_rgb

STILL_SIDE_PX = 960
PREVIEW_SIDE_PX = 320
PREVIEW_SECONDS = 4
PREVIEW_FPS = Fraction(12)
PREVIEW_CRF = 28
JPEG_QUALITY = 82


def write_still(info: VideoInfo, frame: int, path: Path) -> None:
    """A JPEG of one frame, at most 960 pixels on the longer side; whole or not at all."""
    with FrameSource(info) as source:
        picture = next(iter(source.read_schedule([min(frame, info.frame_count - 1)])))
        rgb = frame_rgb(picture, info.colour)
    width, height = _fitted(info.width, info.height, STILL_SIDE_PX)
    small = cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA)
    done, data = cv2.imencode(
        ".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    )
    if not done:
        raise MediaError(f"No picture of '{info.path.name}' could be made.")
    partial = path.with_suffix(".part")
    partial.write_bytes(data.tobytes())
    os.replace(partial, path)


def write_preview(info: VideoInfo, path: Path) -> None:
    """The first seconds, small and silent; whole or not at all. Of a photo there is none."""
    seconds = min(PREVIEW_SECONDS, info.duration_seconds)
    count = max(1, int(seconds * PREVIEW_FPS))
    # The same clip at fewer frames a second: the source picks the pictures nearest in time.
    sparse = replace(info, fps=PREVIEW_FPS, frame_count=count)
    width, height = _fitted(info.width, info.height, PREVIEW_SIDE_PX)
    output = OutputVideo(width, height, PREVIEW_FPS, count, info.colour, crf=PREVIEW_CRF)
    partial = path.with_name(f".{path.name}.part.mp4")
    with FrameSource(sparse) as source, VideoWriter(partial, output) as writer:
        for frame in source.read():
            writer.write(_scaled(frame, width, height))
    os.replace(partial, path)


def _fitted(width: int, height: int, side: int) -> tuple[int, int]:
    """Even sizes with the longer side at most `side`."""
    scale = min(1.0, side / max(width, height))
    return max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)


def _scaled(frame: YuvFrame, width: int, height: int) -> YuvFrame:
    chroma = (width // 2, height // 2)
    return YuvFrame(_resized(frame.y, (width, height)), _resized(frame.u, chroma), _resized(frame.v, chroma))


def _resized(plane: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), np.uint8)
