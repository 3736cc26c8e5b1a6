"""New inputs for every measurement, cut from the presenters and the speech that come with HeyGem."""

from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from heygem.assets.catalog import FOLDER
from heygem.media.frames import FrameSource
from heygem.media.probe import probe_video
from heygem.media.types import OutputVideo, YuvFrame
from heygem.media.writer import VideoWriter

PRESENTER = FOLDER / "anna.mp4"
SPEECH = FOLDER / "speech_en_female.flac"
CUT_CRF = 14  # the cut stands for a camera's file: hardly any loss


def cut_speech(folder: Path, start_seconds: float, seconds: float) -> Path:
    """A wav file: `seconds` of speech from `start_seconds` on; the recording starts anew where it ends."""
    import soundfile

    path = folder / f"speech_{start_seconds:g}_{seconds:g}.wav"
    samples, rate_hz = soundfile.read(SPEECH, dtype="int16")
    rolled = np.roll(samples, -round(start_seconds * rate_hz))
    soundfile.write(path, np.resize(rolled, round(seconds * rate_hz)), rate_hz)
    return path


def cut_template(folder: Path, start_seconds: float, seconds: float, height: int = 720) -> Path:
    """A silent clip of the presenter; each start gives other content. Made once per folder."""
    path = folder / f"template_{start_seconds:g}_{seconds:g}_{height}.mp4"
    if path.exists():
        return path
    info = probe_video(PRESENTER)
    width = round(info.width * height / info.height / 2) * 2
    first, count = round(start_seconds * info.fps), round(seconds * info.fps)
    output = OutputVideo(width, height, info.fps, count, info.colour, crf=CUT_CRF)
    with FrameSource(info) as source, VideoWriter(path, output, audio_path=None) as writer:
        for frame in islice(source.read(first), count):
            writer.write(_scaled(frame, width, height))
    return path


def _scaled(frame: YuvFrame, width: int, height: int) -> YuvFrame:
    """The frame at another size; each plane on its own."""
    if (frame.width, frame.height) == (width, height):
        return frame
    chroma = (width // 2, height // 2)
    return YuvFrame(_resized(frame.y, (width, height)), _resized(frame.u, chroma), _resized(frame.v, chroma))


def _resized(plane: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_CUBIC), dtype=np.uint8)
