"""The real engine says of colours as little as its template."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import soundfile

from heygem.assets.catalog import DEFAULT_TEMPLATES
from heygem.engines.base import LipSyncRequest
from heygem.engines.factory import build_engines
from heygem.media.frames import FrameSource
from heygem.media.probe import probe_video
from heygem.media.types import OutputVideo
from heygem.media.writer import VideoWriter
from heygem.settings import Settings
from tests.media.clips import codes_of
from tests.recorder import Recorder

IDLE = next(template.video_path for template in DEFAULT_TEMPLATES if template.name == "anna_idle")


def silent_clip(path: Path) -> Path:
    """Four frames of a presenter in a file that states no colours."""
    info = probe_video(IDLE)
    colour = replace(info.colour, unsaid=frozenset(info.colour.codes))
    with (
        FrameSource(info) as source,
        VideoWriter(path, OutputVideo(info.width, info.height, info.fps, 4, colour)) as writer,
    ):
        for frame in source.read_schedule(range(4)):
            writer.write(frame)
    return path


def test_a_clip_that_states_no_colours_gets_a_video_that_states_none(tmp_path: Path) -> None:
    clip, speech, made = silent_clip(tmp_path / "clip.mp4"), tmp_path / "noise.wav", tmp_path / "made.mp4"
    soundfile.write(speech, np.random.default_rng(0).normal(0, 0.1, 8000), 16000)
    settings = Settings.from_args(["--device", "cpu"], {"HEYGEM_CACHE_DIR": str(tmp_path / "cache")})
    build_engines(settings, lambda _: None).engines["mesh"].generate(
        LipSyncRequest(speech, clip, made), Recorder()
    )
    assert codes_of(made) == codes_of(clip) == (2, 2, 2)
    assert probe_video(made).colour == probe_video(clip).colour
