"""A whole job on a known template at 1080p against plainly transcoding the same frames."""

from collections.abc import Iterator
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

from heygem.bench.inputs import cut_speech, cut_template
from heygem.bench.jobs import JobRun, run_job, started_studio
from heygem.bench.report import Figure
from heygem.engines.base import LipSyncOptions
from heygem.jobs.engine_set import EngineBuilder
from heygem.media.frames import FrameSource
from heygem.media.probe import probe_video
from heygem.media.threads import FrameSink, prefetched
from heygem.media.types import OutputVideo
from heygem.media.writer import VideoWriter
from heygem.settings import Settings

SECONDS = 10.0
HEIGHT = 1080
ROUNDS = 5
FRAMES_AHEAD = 8


def measure_render(
    settings: Settings,
    build_engines: EngineBuilder | None,
    folder: Path,
    seconds: float = SECONDS,
    height: int = HEIGHT,
) -> list[Figure]:
    """Job and transcode take turns, so that a busy machine slows both."""
    template = cut_template(folder, 0.0, seconds, height)
    speeches = [cut_speech(folder, float(start), seconds) for start in range(1 + ROUNDS)]
    jobs, transcodes = [], []
    with started_studio(settings, build_engines) as studio:
        run_job(studio, speeches[0], template)  # from here on the template is known
        for speech in speeches[1:]:
            jobs.append(run_job(studio, speech, template))
            transcodes.append(transcode(template, speech, folder / "transcode.mp4"))
    return render_figures(jobs, transcodes)


def transcode(template: Path, audio: Path, target: Path) -> JobRun:
    """Decode every frame and encode it again, in the threads a job has for that, with nothing done to it."""
    wall, cpu = perf_counter(), process_time()
    info = probe_video(template)
    crf = LipSyncOptions().quality_crf
    output = OutputVideo(info.width, info.height, info.fps, info.frame_count, info.colour, crf=crf)
    with (
        FrameSource(info) as source,
        VideoWriter(target, output, audio_path=audio) as writer,
        FrameSink(writer.write, FRAMES_AHEAD) as sink,
        prefetched(source.read(), FRAMES_AHEAD) as frames,
    ):
        for frame in frames:
            sink.put(frame)
    return JobRun(perf_counter() - wall, process_time() - cpu, info.frame_count, {})


def render_figures(jobs: list[JobRun], transcodes: list[JobRun]) -> list[Figure]:
    """Medians; those of comparisons over the rounds, whose two halves met the same machine."""
    frames = jobs[0].frame_count
    rounds = list(zip(jobs, transcodes, strict=True))
    over_transcode = median(job.wall_seconds / plain.wall_seconds for job, plain in rounds)
    cpu_beyond = median(job.cpu_seconds - plain.cpu_seconds for job, plain in rounds)
    job_seconds, plain_seconds = (median(run.wall_seconds for run in runs) for runs in (jobs, transcodes))
    note = f"{frames} frames, template known, median of {len(rounds)}"
    title = "CPU of the job beyond the transcode"
    return [
        *_stage_figures(jobs, frames),
        Figure("render.job", "whole job", job_seconds, "s", note),
        Figure("render.transcode", "plain transcode of the same frames", plain_seconds, "s"),
        Figure("render.over_transcode", "whole job / plain transcode", over_transcode, "x"),
        Figure("render.cpu_beyond_transcode", title, 1000 * cpu_beyond / frames, "ms/frame"),
    ]


def _stage_figures(jobs: list[JobRun], frames: int) -> Iterator[Figure]:
    for stage in jobs[0].stage_seconds:
        seconds = median(job.stage_seconds[stage] for job in jobs)
        if seconds > 0:
            yield Figure(f"render.fps_{stage}", f"frames per second, {stage}", frames / seconds, "fps")
