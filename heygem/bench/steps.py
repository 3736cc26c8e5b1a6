"""CPU time of a job by step, each step run alone over the same frames: where the milliseconds go."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from cProfile import Profile
from pathlib import Path
from pstats import Stats
from time import process_time, thread_time
from types import FunctionType
from typing import TYPE_CHECKING

from heygem.bench.inputs import cut_speech, cut_template
from heygem.bench.render import HEIGHT, SECONDS
from heygem.bench.report import BenchError, Figure
from heygem.engines.base import LipSyncOptions, SilentContext
from heygem.jobs.engine_set import EngineBuilder
from heygem.media.audio import decode_speech
from heygem.media.frames import FrameSource
from heygem.media.probe import probe_video
from heygem.media.types import OutputVideo, VideoInfo, YuvFrame
from heygem.media.writer import VideoWriter
from heygem.settings import Settings

if TYPE_CHECKING:  # torch is imported in the process that measures
    from heygem.engines.mesh.engine import MeshEngine
    from heygem.engines.mesh.render import RenderPlan

FRAMES_HELD = 64  # decoded once, then drawn into and encoded again and again


class StepClock:
    """CPU seconds of all threads of the process, by step."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        start = process_time()
        yield
        self.seconds[name] = process_time() - start


def measure_steps(
    settings: Settings,
    build_engines: EngineBuilder | None,
    folder: Path,
    seconds: float = SECONDS,
    height: int = HEIGHT,
) -> list[Figure]:
    """One step after the other, so that none waits for another: what a job adds to their sum is contention.

    Raises:
        BenchError: it is not the mesh engine.
    """
    engine = _mesh_engine(settings, build_engines)
    template, speech = cut_template(folder, 0.0, seconds, height), cut_speech(folder, 0.0, seconds)
    info, clock = probe_video(template), StepClock()
    plan = _planned(engine, template, speech, clock)
    with FrameSource(info) as source, clock.step("decode"):
        for _ in source.read_schedule(plan.schedule.tolist()):
            pass
    frames = _looped(info, plan)
    with clock.step("draw"):
        for _ in engine.renderer.draw(frames, plan):
            pass
    with clock.step("encode"):
        _encode(frames, info, speech, folder / "steps.mp4")
    parts = _drawing_seconds(engine, frames, plan)
    return [
        *_figures("", clock.seconds, len(plan), "all threads of the process"),
        *_figures("draw, ", parts, len(plan), "of the thread that draws"),
    ]


def _mesh_engine(settings: Settings, build_engines: EngineBuilder | None) -> "MeshEngine":
    from heygem.engines import factory
    from heygem.engines.mesh.engine import MeshEngine

    engines = (build_engines or factory.build_engines)(settings, lambda _: None)
    engine = engines.engines.get("mesh")
    if not isinstance(engine, MeshEngine):
        raise BenchError("Only the mesh engine can be measured step by step.")
    engines.preload()
    return engine


def _planned(engine: "MeshEngine", template: Path, speech: Path, clock: StepClock) -> "RenderPlan":
    """Prepare the template, which does not count, and plan the job, which does."""
    info, options, context = probe_video(template), LipSyncOptions(), SilentContext()
    with engine.library.lease(template, None, context) as prepared:
        with clock.step("listen"):
            waveform = decode_speech(speech)
        with clock.step("motion"):
            plan = engine.plan(waveform, info, prepared, options, context)
        with clock.step("targets"):
            for _ in engine.renderer.drawings(plan):
                pass
    return plan


def _looped(info: VideoInfo, plan: "RenderPlan") -> list[YuvFrame]:
    """As many frames as the plan has, of a few that are held in memory."""
    with FrameSource(info) as source:
        held = [frame.copy() for frame in source.read_schedule(plan.schedule[:FRAMES_HELD].tolist())]
    return [held[number % len(held)] for number in range(len(plan))]


def _encode(frames: Sequence[YuvFrame], info: VideoInfo, speech: Path, path: Path) -> None:
    crf = LipSyncOptions().quality_crf
    output = OutputVideo(info.width, info.height, info.fps, len(frames), info.colour, crf=crf)
    with VideoWriter(path, output, audio_path=speech) as writer:
        for frame in frames:
            writer.write(frame)


def _drawing_seconds(
    engine: "MeshEngine", frames: Sequence[YuvFrame], plan: "RenderPlan"
) -> dict[str, float]:
    """CPU seconds in the parts of drawing, with what they call; a profiler tells them apart."""
    from heygem.engines.mesh import composer, raster
    from heygem.engines.mesh.device import composer as device_composer
    from heygem.engines.mesh.device import pictures, windows, wire
    from heygem.engines.mesh.device import raster as device_raster
    from heygem.engines.mesh.drawer import ThreadDrawer

    parts = {
        "raster": [raster.cover, raster.Coverage.fill, device_raster.cover, device_raster.CoverageBatch.fill],
        "warp": [composer.warp_skin, pictures.warp_skin],
        "mouths": [composer.lay_mouths, device_composer.lay_mouths],
        "copies": [windows.cut_windows, YuvFrame.copy],
        "transfers": [wire.Wire.up, wire.Wire.down, wire.Arriving.arrays],
    }
    drawer = engine.renderer.drawer
    drawings = list(engine.renderer.drawings(plan))
    profile = Profile(thread_time)
    with profile:
        if isinstance(drawer, ThreadDrawer):  # a profiler sees one thread
            for frame, drawing in zip(frames, drawings, strict=True):
                drawer.draw_one(frame, drawing)
        else:
            for _ in drawer.draw(frames, drawings, plan.bank.patches):
                pass
    return {name: _cumulative_seconds(profile, functions) for name, functions in parts.items()}


def _cumulative_seconds(profile: Profile, functions: Iterable[object]) -> float:
    codes = [function.__code__ for function in functions if isinstance(function, FunctionType)]
    found: dict[tuple[str, int, str], tuple[int, int, float, float, object]] = Stats(profile).stats  # type: ignore[attr-defined]
    keys = [(code.co_filename, code.co_firstlineno, code.co_name) for code in codes]
    return sum(found[key][3] for key in keys if key in found)


def _figures(kind: str, seconds: dict[str, float], frames: int, note: str) -> Iterator[Figure]:
    for name, spent in seconds.items():
        key = f"steps.{kind.replace(', ', '_')}{name}"
        yield Figure(key, f"CPU of {kind}{name}", 1000 * spent / frames, "ms/frame", note)
