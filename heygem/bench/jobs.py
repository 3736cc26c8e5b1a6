"""Jobs on a ready engine: is the first as fast as the next, does any read weights, how much memory?"""

import random
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, process_time

from heygem.bench.inputs import cut_speech, cut_template
from heygem.bench.report import BenchError, Figure
from heygem.bench.watch import OpenWatch, PeakMemory, used_vram_bytes
from heygem.console import byte_size
from heygem.engines.status import EngineState
from heygem.hardware.memory import process_ram_bytes
from heygem.jobs.engine_set import EngineBuilder
from heygem.jobs.job import JobSpec, JobState
from heygem.media.probe import probe_video
from heygem.models.status import ModelStatus
from heygem.private_studio import private_studio
from heygem.settings import Settings
from heygem.studio import Studio

LATER_JOBS = 10
SPEECH_SECONDS = 4.0
TEMPLATE_SECONDS = 2.0
CUT_STEP_SECONDS = 0.08  # between the starts of two cuts: other files, but as much work in each


@dataclass(frozen=True, slots=True)
class JobRun:
    """One job, from submission to the published file."""

    wall_seconds: float
    cpu_seconds: float  # of all threads of the process
    frame_count: int
    stage_seconds: Mapping[str, float]


@contextmanager
def started_studio(settings: Settings, build_engines: EngineBuilder | None) -> Iterator[Studio]:
    """A studio with empty caches whose engine is READY.

    Raises:
        BenchError: it does not come up.
    """
    with TemporaryDirectory(prefix="heygem-bench-") as folder:
        own = replace(settings, cache_dir=Path(folder))
        with private_studio(own, build_engines) as studio:
            studio.start(wait_for_page=False)
            status = studio.wait_ready()
            if status.state is not EngineState.READY:
                raise BenchError(f"The engine does not come up: {status.problem}")
            yield studio


def run_job(studio: Studio, audio: Path, template: Path) -> JobRun:
    """Submit a job and wait for it.

    Raises:
        BenchError: it fails.
    """
    wall, cpu = perf_counter(), process_time()
    job = studio.submit(JobSpec(audio, template))
    job = studio.wait_job(job.id)
    wall, cpu = perf_counter() - wall, process_time() - cpu
    if job.state is not JobState.SUCCEEDED or job.output_path is None:
        raise BenchError(f"A job failed: {job.error_message}")
    return JobRun(wall, cpu, probe_video(job.output_path).frame_count, job.timings)


def measure_jobs(
    settings: Settings, build_engines: EngineBuilder | None, folder: Path, later_jobs: int = LATER_JOBS
) -> list[Figure]:
    """The first job against the next ones, all with new inputs; weights opened; memory."""
    inputs = [
        (
            cut_speech(folder, CUT_STEP_SECONDS * index, SPEECH_SECONDS),
            cut_template(folder, CUT_STEP_SECONDS * index, TEMPLATE_SECONDS),
        )
        for index in range(1 + later_jobs)
    ]
    random.shuffle(inputs)  # no cut is first at every launch: one may happen to be more work than the others
    own = replace(settings, models_dir=folder / "models")  # a copy: nobody else opens these files
    shutil.copytree(settings.models_dir, own.models_dir)
    with started_studio(own, build_engines) as studio:
        idle_ram_bytes, idle_vram_bytes = process_ram_bytes(), used_vram_bytes(studio.telemetry())
        with (
            OpenWatch([own.models_dir, own.model_cache_dir]) as watch,
            PeakMemory(studio.telemetry) as peak,
        ):
            first, *later = [run_job(studio, audio, template) for audio, template in inputs]
            opened = watch.opened_files()
        models = studio.status().engine.models
    return [
        *_model_figures(models),
        *_pace_figures(first, later),
        _opened_figure(opened),
        Figure("jobs.idle_ram", "RAM when ready", idle_ram_bytes, "bytes"),
        Figure(
            "jobs.peak_ram",
            "peak RAM of short 720p jobs above idle",
            peak.ram_bytes - idle_ram_bytes,
            "bytes",
        ),
        _vram_figure(idle_vram_bytes, peak.vram_bytes),
    ]


def _model_figures(models: tuple[ModelStatus, ...]) -> Iterator[Figure]:
    for model in models:
        others = f"verify {model.verify_seconds:.2f} s, warm {model.warm_seconds:.2f} s"
        note = f"{byte_size(model.bytes_resident)}; {others}"
        yield Figure(f"models.{model.name}", f"load {model.name}", model.load_seconds, "s", note)


def _pace_figures(first: JobRun, later: list[JobRun]) -> list[Figure]:
    seconds = [job.wall_seconds for job in later]
    usual_seconds = median(seconds)
    spread = (
        f"those over their median: {min(seconds) / usual_seconds:.2f} to {max(seconds) / usual_seconds:.2f}"
    )
    note = f"speech of {SPEECH_SECONDS:g} s on a new template of {TEMPLATE_SECONDS:g} s"
    return [
        Figure("jobs.first", "first job", first.wall_seconds, "s", note),
        Figure("jobs.median", f"median of the next {len(later)}, new inputs each", usual_seconds, "s"),
        Figure(
            "jobs.first_over_median",
            "first job / median of the next",
            first.wall_seconds / usual_seconds,
            "x",
            spread,
        ),
    ]


def _opened_figure(opened: set[Path]) -> Figure:
    """A file that was opened counts whole: a mapped one is read without a `read`."""
    opened_bytes = sum(path.stat().st_size for path in opened)
    note = f"{len(opened)} files, such as {min(opened)}" if opened else "no file opened"
    return Figure("jobs.weight_bytes_opened", "weight bytes read after READY", opened_bytes, "bytes", note)


def _vram_figure(idle_bytes: int | None, peak_bytes: int | None) -> Figure:
    title = "peak VRAM in use during jobs"
    if peak_bytes is None or idle_bytes is None:
        return Figure("jobs.peak_vram", title, None, "bytes", "no GPU that tells")
    return Figure("jobs.peak_vram", title, peak_bytes, "bytes", f"{byte_size(idle_bytes)} when ready")
