"""How long jobs with a living photo take, drawn by the device and by CPU threads, and whether both agree.

    python -m training.living_speed PHOTO [--seconds 10] [--device cuda] [--rounds 3]

The whole job, file to file, the photo known; living and still; medians. Then all frames of the living one are
drawn both ways and compared, plane by plane.
"""

import argparse
import copy
import dataclasses
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
import soundfile
import torch

from heygem.assets.catalog import DEFAULT_SPEECHES
from heygem.engines.base import LipSyncOptions, LipSyncRequest, Living, SilentContext
from heygem.engines.factory import build_engines, drawing_threads
from heygem.engines.mesh.device.drawer import DeviceDrawer
from heygem.engines.mesh.drawer import FrameDrawer, ThreadDrawer
from heygem.engines.mesh.engine import MeshEngine
from heygem.media.audio import decode_speech
from heygem.media.frames import FrameSource
from heygem.media.probe import probe_video
from heygem.media.types import YuvFrame
from heygem.settings import Settings


def drawn_by(engine: MeshEngine, drawer: FrameDrawer) -> MeshEngine:
    """The same engine with another drawer."""
    renderer = copy.copy(engine.renderer)
    renderer.drawer = drawer
    return dataclasses.replace(engine, renderer=renderer)


def job_seconds(engine: MeshEngine, request: LipSyncRequest) -> float:
    started = time.perf_counter()
    engine.generate(request, SilentContext())
    return time.perf_counter() - started


def living_frames(engine: MeshEngine, photo: Path, speech: Path) -> Iterator[YuvFrame]:
    """What a job draws, before any encoding."""
    info = probe_video(photo)
    with engine.library.lease(photo, None, SilentContext()) as prepared, FrameSource(info) as source:
        options = LipSyncOptions(living="on")
        plan = engine.plan(decode_speech(speech), info, prepared, options, SilentContext())
        assert plan.living is not None
        (still,) = (frame.copy() for frame in source.read_schedule([0]))
        yield from engine.renderer.draw(plan.living.blinking([still] * len(plan)), plan)


def largest_difference(engines: list[MeshEngine], photo: Path, speech: Path) -> list[int]:
    """Of luma and both chroma planes, in levels, over all frames that two engines draw."""
    most = [0, 0, 0]
    for one, other in zip(*(living_frames(engine, photo, speech) for engine in engines), strict=True):
        for number, planes in enumerate(zip(one.planes, other.planes, strict=True)):
            first, second = (plane.astype(np.int16) for plane in planes)
            most[number] = max(most[number], int(np.abs(first - second).max()))
    return most


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photo", type=Path)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    with TemporaryDirectory(prefix="heygem-living-") as name:
        folder = Path(name)
        speech = decode_speech(DEFAULT_SPEECHES[0].audio_path)
        sound = folder / "speech.wav"
        soundfile.write(sound, np.resize(speech.samples, round(asked.seconds * 16000)), 16000)
        settings = Settings.from_args(["--device", asked.device], {"HEYGEM_CACHE_DIR": str(folder / "cache")})
        engine = build_engines(settings, lambda _: None).engines["mesh"]
        assert isinstance(engine, MeshEngine)
        mesh = engine.renderer.mesh
        device = torch.device(asked.device)
        by_threads = drawn_by(engine, ThreadDrawer(mesh, drawing_threads(False)))
        engines = {"device": drawn_by(engine, DeviceDrawer(mesh, device)), "threads": by_threads}
        ways: tuple[Living, ...] = ("on", "off")
        for living in ways:
            request = LipSyncRequest(sound, asked.photo, folder / "out.mp4", LipSyncOptions(living=living))
            for title, one in engines.items():
                job_seconds(one, request)
                seconds = median(job_seconds(one, request) for _ in range(asked.rounds))
                print(f"{asked.seconds:g} s, living {living}, drawn by {title}: {seconds:.2f} s")
        print("largest difference, y, u, v:", largest_difference(list(engines.values()), asked.photo, sound))


if __name__ == "__main__":
    main()
