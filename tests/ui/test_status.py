"""What the page says in each situation."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heygem.engines.base import STAGES
from heygem.engines.status import EngineState, EngineStatus
from heygem.hardware.gpu import GpuTelemetry, Reading, ReadingState
from heygem.jobs.job import Job, JobSpec, JobState
from heygem.models.status import ModelState, ModelStatus
from heygem.studio import StudioStatus
from heygem.ui.status import (
    banner,
    figures,
    format_bytes,
    format_duration,
    job_fraction,
    job_sentence,
)

GB = 10**9
MODELS = (
    ModelStatus("speech-encoder", "Speech encoder", required=True, state=ModelState.READY),
    ModelStatus("motion", "Motion", required=True, state=ModelState.WARMING),
)
JOB = Job("a" * 32, JobSpec(Path("a.wav"), Path("t.mp4")), JobState.PENDING, created_at=100.0)
RUNNING = replace(
    JOB, state=JobState.RUNNING, started_at=100.0, attempt=1, stage="render", stage_started_at=110.0
)


def studio_status(gpu: GpuTelemetry | None = None, device: str = "") -> StudioStatus:
    return StudioStatus(
        engine=EngineStatus(device=device),
        gpu=gpu,
        free_ram_bytes=6 * GB,
        total_ram_bytes=8 * GB,
        queue_length=3,
        disk_free_bytes=100 * GB,
        errand=None,
        warnings=(),
    )


def gpu_with(free: Reading[int], total: Reading[int]) -> GpuTelemetry:
    unknown: Reading[int] = Reading(None, ReadingState.UNKNOWN)
    return GpuTelemetry("NVIDIA H200", total, free, unknown, unknown, Reading(None, ReadingState.UNKNOWN))


def test_initializing_names_the_model_and_the_seconds() -> None:
    engine = EngineStatus(step="motion", models=MODELS, started_at_seconds=50.0)
    said = banner(engine, 57.2, "en")
    assert (said.tone, said.headline, said.fraction) == ("wait", "Initializing: 1 of 2 models ready", 0.5)
    assert said.detail.startswith("Motion: warming up, 7 s.")
    assert banner(engine, 57.2, "zh").headline == "正在初始化：已就绪 1/2 个模型"


@pytest.mark.parametrize(
    ("step", "words"),
    [("waiting", "Starting"), ("importing", "Loading the program"), ("rehearsal", "Rehearsing")],
)
def test_initializing_before_and_after_the_models(step: str, words: str) -> None:
    assert banner(EngineStatus(step=step), 3.0, "en").detail.startswith(words)


def test_a_clock_that_has_not_started_shows_no_time() -> None:
    assert ", 0 s." in banner(EngineStatus(), 123456.0, "en").detail


def test_ready_busy_failed_and_stopping() -> None:
    ready = EngineStatus(EngineState.READY, models=MODELS, ready_seconds=12.34)
    assert "12.3 s" in banner(ready, 0, "en").detail
    assert "first use" in banner(replace(ready, preload=False), 0, "en").detail
    assert banner(ready, 0, "en", "prepare").detail == "Preparing a template ahead; jobs go first."
    assert banner(ready, 0, "zh", "check").detail == "正在检查已完成的视频。"
    assert banner(EngineStatus(EngineState.BUSY), 0, "en", "prepare").tone == "busy"
    engine = EngineStatus(
        EngineState.FAILED, problem="m.bin is damaged: restore it.", problem_code="weights_corrupt"
    )
    failed = banner(engine, 0, "en")
    assert failed.tone == "bad" and failed.detail.startswith("m.bin is damaged: restore it.")
    assert banner(engine, 0, "zh").detail.startswith("模型文件已损坏")
    assert banner(EngineStatus(EngineState.DRAINING), 0, "en").headline == "Shutting down"
    assert banner(EngineStatus(EngineState.STOPPED), 0, "zh").headline == "已停止"


def test_figures_without_a_gpu() -> None:
    device, memory, queue = figures(studio_status(), "en")
    assert (device.value, queue.value) == ("CPU", "3")
    assert (memory.label, memory.value, memory.fraction) == ("RAM free", "6.0 GB of 8.0 GB", 0.25)


def test_figures_of_a_gpu() -> None:
    gpu = gpu_with(Reading(30 * GB), Reading(120 * GB))
    device, memory, _ = figures(studio_status(gpu, "cuda:0"), "en")
    assert (device.value, memory.value, memory.fraction) == ("NVIDIA H200", "30.0 GB of 120 GB", 0.75)
    assert figures(studio_status(gpu, "cpu"), "en")[0].value == "CPU", "the GPU is there but not used"


def test_what_a_gpu_does_not_tell_is_never_a_zero() -> None:
    gpu = gpu_with(Reading(None, ReadingState.UNKNOWN), Reading(None, ReadingState.UNSUPPORTED))
    memory = figures(studio_status(gpu), "en")[1]
    assert (memory.value, memory.fraction) == ("unknown of not reported", None)


def test_a_waiting_job_says_its_place_and_what_it_waits_for() -> None:
    said = job_sentence(JOB, 2, EngineState.INITIALIZING, 0, "en")
    assert said.headline == "In line, number 2"
    assert "models are ready" in said.detail
    assert "turn" in job_sentence(JOB, 2, EngineState.BUSY, 0, "en").detail


def test_a_running_job_says_frames_speed_and_what_is_left() -> None:
    job = replace(RUNNING, done=50, total=250)
    said = job_sentence(job, 0, EngineState.BUSY, 112.0, "en")
    assert said.headline == "Painting frames"
    assert said.detail == "frame 50 of 250 · 25.0 frames/s · about 8 s left"
    assert job_sentence(replace(job, attempt=2), 0, EngineState.BUSY, 112.0, "en").detail.startswith(
        "Continued"
    )
    assert (
        job_sentence(replace(job, cancel_requested=True), 0, EngineState.BUSY, 112.0, "en").headline
        == "Canceling"
    )


def test_a_stage_too_young_to_tell_promises_nothing() -> None:
    assert (
        job_sentence(replace(RUNNING, done=1, total=250), 0, EngineState.BUSY, 110.2, "en").detail
        == "frame 1 of 250"
    )


def test_how_jobs_end() -> None:
    done = replace(RUNNING, state=JobState.SUCCEEDED, finished_at=190.0, output_path=Path("o.mp4"))
    assert job_sentence(done, 0, EngineState.READY, 0, "en").detail == "Made in 1 min 30 s."
    assert "removed" in job_sentence(replace(done, output_path=None), 0, EngineState.READY, 0, "en").detail
    failed = replace(
        RUNNING, state=JobState.FAILED, error_code="face_none", error_message="No face: use another."
    )
    assert job_sentence(failed, 0, EngineState.READY, 0, "en").detail == "No face: use another."
    assert "人脸" in job_sentence(failed, 0, EngineState.READY, 0, "zh").detail
    assert job_sentence(replace(JOB, state=JobState.CANCELED), 0, EngineState.READY, 0, "en").tone == "idle"


@given(st.lists(st.integers(0, 50), min_size=5, max_size=5), st.data())
def test_progress_never_runs_back(totals: list[int], data: st.DataObject) -> None:
    fractions = [0.0]
    for stage, total in zip(STAGES, totals, strict=True):
        steps = sorted(data.draw(st.lists(st.integers(0, total), max_size=5)))
        fractions += [job_fraction(replace(RUNNING, stage=stage, done=done, total=total)) for done in steps]
    assert fractions == sorted(fractions)
    assert fractions[-1] <= 1.0 + 1e-9


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 KB"),
        (1536, "1.5 KB"),
        (300 * 10**6, "300 MB"),
        (5 * 10**12, "5.0 TB"),
    ],
)
def test_bytes(count: int, words: str) -> None:
    assert format_bytes(count) == words


@given(st.integers(0, 10**15))
def test_bytes_are_short(count: int) -> None:
    assert len(format_bytes(count)) <= 7


def test_durations() -> None:
    assert [format_duration(seconds, "en") for seconds in (-1, 9.6, 90)] == ["0 s", "10 s", "1 min 30 s"]
    assert format_duration(90, "zh") == "1 分 30 秒"
