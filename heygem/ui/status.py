"""What the page says about the engine, the machine and a job. Pure functions, no HTML."""

from dataclasses import dataclass
from typing import Literal

from heygem.engines.base import STAGES
from heygem.engines.status import EngineState, EngineStatus
from heygem.hardware.gpu import GpuTelemetry, Reading, ReadingState
from heygem.jobs.errands import ErrandKind
from heygem.jobs.job import Job, JobState
from heygem.studio import StudioStatus
from heygem.ui.texts import Language, error_sentence, text

Tone = Literal["wait", "good", "busy", "bad", "idle"]

# Shares of a usual job's time, so that the one bar moves evenly; a prepared template jumps over its share.
STAGE_SHARES = {"audio": 0.05, "template": 0.25, "motion": 0.05, "render": 0.6, "finish": 0.05}

STATE_TONES: dict[JobState, Tone] = {
    JobState.PENDING: "wait",
    JobState.RUNNING: "busy",
    JobState.SUCCEEDED: "good",
    JobState.FAILED: "bad",
    JobState.CANCELED: "idle",
}


@dataclass(frozen=True, slots=True)
class Sentence:
    """A headline with what there is to add. `fraction` (0..1) is a bar, None is none."""

    tone: Tone
    headline: str
    detail: str = ""
    fraction: float | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    """A small labelled value; `fraction` (0..1) of something is used up."""

    label: str
    value: str
    fraction: float | None = None


def banner(
    engine: EngineStatus, now_seconds: float, language: Language, errand: ErrandKind | None = None
) -> Sentence:
    """What the engine does. `now_seconds` is of the monotonic clock."""
    if engine.state is EngineState.INITIALIZING:
        return _initializing(engine, now_seconds, language)
    if engine.state is EngineState.READY:
        detail = text(language, f"ready_{errand}") if errand else _ready_detail(engine, language)
        return Sentence("good", text(language, "ready"), detail)
    if engine.state is EngineState.BUSY:
        return Sentence("busy", text(language, "busy"), text(language, "busy_detail"))
    if engine.state is EngineState.FAILED:
        problem = error_sentence(language, engine.problem_code, engine.problem)
        detail = text(language, "failed_detail", problem=problem)
        return Sentence("bad", text(language, "failed"), detail)
    return Sentence("wait", text(language, engine.state.value), text(language, "stopping_detail"))


def _initializing(engine: EngineStatus, now_seconds: float, language: Language) -> Sentence:
    total = len(engine.models)
    headline = text(language, "initializing_first")
    if total:
        headline = text(language, "initializing", ready=engine.ready_models, total=total)
    seconds = round(now_seconds - engine.started_at_seconds) if engine.started_at_seconds else 0
    detail = text(language, "initializing_detail", step=step_words(engine, language), seconds=seconds)
    return Sentence("wait", headline, detail, engine.ready_models / total if total else 0.0)


def step_words(engine: EngineStatus, language: Language) -> str:
    """What exactly it does while initializing."""
    for model in engine.models:
        if model.name == engine.step:
            return text(language, f"step_{model.state.value}", title=model.title)
    known = engine.step in ("importing", "rehearsal")
    return text(language, f"step_{engine.step if known else 'waiting'}")


def _ready_detail(engine: EngineStatus, language: Language) -> str:
    if not engine.preload:
        return text(language, "ready_lazy_detail")
    return text(
        language, "ready_detail", total=len(engine.models), seconds=f"{engine.ready_seconds or 0:.1f}"
    )


def figures(status: StudioStatus, language: Language) -> tuple[Figure, ...]:
    """Device, its free memory, and the queue."""
    gpu = None if status.engine.device == "cpu" else status.gpu
    return (_device(gpu, language), _memory(status, gpu, language), _queue(status, language))


def _device(gpu: GpuTelemetry | None, language: Language) -> Figure:
    label = text(language, "device")
    return Figure(label, "CPU") if gpu is None else Figure(label, gpu.name or text(language, "unknown"))


def _queue(status: StudioStatus, language: Language) -> Figure:
    return Figure(text(language, "queue"), str(status.queue_length))


def _memory(status: StudioStatus, gpu: GpuTelemetry | None, language: Language) -> Figure:
    if gpu is None:
        free, total = status.free_ram_bytes, status.total_ram_bytes
        value = text(language, "of_total", free=format_bytes(free), total=format_bytes(total))
        return Figure(text(language, "ram"), value, 1 - free / total if total else None)
    free_words, total_words = (
        reading_words(reading, language) for reading in (gpu.free_vram_bytes, gpu.total_vram_bytes)
    )
    value = text(language, "of_total", free=free_words, total=total_words)
    used = None
    if gpu.free_vram_bytes.value is not None and gpu.total_vram_bytes.value:
        used = 1 - gpu.free_vram_bytes.value / gpu.total_vram_bytes.value
    return Figure(text(language, "vram"), value, used)


def reading_words(reading: Reading[int], language: Language) -> str:
    """A byte count, or why there is none; never a false 0."""
    if reading.value is not None:
        return format_bytes(reading.value)
    return text(language, "unsupported" if reading.state is ReadingState.UNSUPPORTED else "unknown")


def job_sentence(
    job: Job, place: int, engine: EngineState, now_seconds: float, language: Language
) -> Sentence:
    """Where a job is.

    Args:
        place: in line, 1 for the job that is next.
        now_seconds: since the epoch.
    """
    tone = STATE_TONES[job.state]
    if job.state is JobState.PENDING:
        key = "job_pending_initializing" if engine is EngineState.INITIALIZING else "job_pending_detail"
        headline = text(language, "job_pending", place=place)
        return Sentence(tone, headline, text(language, key), 0.0)
    if job.state is JobState.RUNNING:
        key = "job_canceling" if job.cancel_requested else f"stage_{job.stage}"
        return Sentence(
            tone, text(language, key), progress_words(job, now_seconds, language), job_fraction(job)
        )
    if job.state is JobState.FAILED:
        reason = error_sentence(language, job.error_code, job.error_message)
        return Sentence(tone, text(language, "job_failed"), reason)
    if job.state is JobState.CANCELED:
        return Sentence(tone, text(language, "job_canceled"), text(language, "job_canceled_detail"))
    if job.output_path is None:
        return Sentence("idle", text(language, "job_succeeded"), text(language, "job_expired"))
    duration = format_duration((job.finished_at or 0.0) - (job.started_at or 0.0), language)
    return Sentence(
        tone, text(language, "job_succeeded"), text(language, "job_succeeded_detail", duration=duration), 1.0
    )


def job_fraction(job: Job) -> float:
    """How much of a running job is done, 0..1; it never runs back within an attempt."""
    if job.stage not in STAGE_SHARES:
        return 0.0
    earlier = sum(STAGE_SHARES[stage] for stage in STAGES[: STAGES.index(job.stage)])
    within = min(job.done / job.total, 1.0) if job.total else 0.0
    return earlier + STAGE_SHARES[job.stage] * within


def progress_words(job: Job, now_seconds: float, language: Language) -> str:
    """Frames, speed and the rest of the stage's time, as far as they are known."""
    words = []
    if job.attempt > 1:
        words.append(text(language, "job_again", attempt=job.attempt))
    if job.total > 1:
        key = "progress_frames" if job.stage in ("template", "render") else "progress_count"
        words.append(text(language, key, done=job.done, total=job.total))
    speed = stage_speed(job, now_seconds)
    if speed and job.stage == "render":
        words.append(text(language, "progress_speed", speed=f"{speed:.1f}"))
    if speed and job.total > job.done:
        left = format_duration((job.total - job.done) / speed, language)
        words.append(text(language, "progress_eta", duration=left))
    return " · ".join(words)


def stage_speed(job: Job, now_seconds: float) -> float | None:
    """Units of the running stage per second; None while it is too young to tell."""
    elapsed = now_seconds - job.stage_started_at if job.stage_started_at is not None else 0.0
    return job.done / elapsed if elapsed >= 1.0 and job.done else None


def format_bytes(count: int) -> str:
    """1500 -> "1.5 KB"; three digits at most."""
    size, units = float(count), ["B", "KB", "MB", "GB", "TB"]
    while size >= 999.5 and len(units) > 1:
        size /= 1000
        units.pop(0)
    return f"{size:.0f} {units[0]}" if units[0] == "B" or size >= 99.95 else f"{size:.1f} {units[0]}"


def format_duration(seconds: float, language: Language) -> str:
    """90 -> "1 min 30 s"."""
    whole = max(0, round(seconds))
    if whole < 60:
        return text(language, "seconds", seconds=whole)
    return text(language, "minutes", minutes=whole // 60, seconds=whole % 60)
