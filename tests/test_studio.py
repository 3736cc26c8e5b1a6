"""The studio as programs use it."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from heygem.engines.base import LipSyncOptions, Stage
from heygem.engines.fake import FakeEngines
from heygem.engines.status import EngineState
from heygem.errors import (
    FolderBusyError,
    JobError,
    JobNotFoundError,
    MediaError,
    QueueFullError,
    SettingsError,
)
from heygem.hardware.device import Device
from heygem.hardware.fake import FakeGpu, FakeNvml
from heygem.hardware.memory import folder_bytes
from heygem.jobs.job import JobSpec, JobState
from heygem.jobs.outputs import partial_path
from heygem.jobs.retention import DAY_SECONDS
from heygem.library.shelf import title_of
from heygem.models.status import ModelStatus
from heygem.settings import Settings
from heygem.studio import Studio
from tests.tiny_media import write_clip, write_speech

WAIT_SECONDS = 20.0
MakeStudio = Callable[..., Studio]


def settings_in(folder: Path, *flags: str) -> Settings:
    """Settings as the command line makes them, with every folder below `folder`."""
    argv = [f"--output-dir={folder / 'outputs'}", f"--data-dir={folder / 'data'}", "--device=cpu", *flags]
    environ = {"HEYGEM_CACHE_DIR": str(folder / "cache")}
    return replace(Settings.from_args(argv, environ), free_disk_reserve_bytes=0)


@pytest.fixture
def make(tmp_path: Path) -> Iterator[MakeStudio]:
    """Makes studios, starts them, and stops them at the end."""
    studios: list[Studio] = []

    def make(settings: Settings | None = None, *, nvml: FakeNvml | None = None, **fake: object) -> Studio:
        settings = settings or settings_in(tmp_path, "--no-preload")
        studio = Studio(settings, partial(FakeEngines, **fake), nvml=nvml or FakeNvml())
        studios.append(studio)
        studio.start(wait_for_page=False)
        return studio

    yield make
    for studio in studios:
        studio.stop()


@pytest.fixture
def spec(tmp_path: Path) -> JobSpec:
    return JobSpec(write_speech(tmp_path / "新闻 'one'.wav", 0.4), write_clip(tmp_path / "安娜.mp4"))


def test_an_order_becomes_a_video(make: MakeStudio, spec: JobSpec) -> None:
    studio = make()
    job = studio.wait_job(studio.submit(spec).id, WAIT_SECONDS)
    assert job.state is JobState.SUCCEEDED
    assert job.output_path is not None
    assert job.output_path.parent == studio.settings.output_dir
    assert "_安娜_新闻-one_" in job.output_path.name
    assert job.spec.title == "安娜 · 新闻 'one'"


def test_inputs_may_vanish_once_they_are_submitted(make: MakeStudio, spec: JobSpec) -> None:
    studio = make()
    job = studio.submit(spec)
    spec.audio_path.unlink()
    spec.template_path.unlink()
    assert studio.wait_job(job.id, WAIT_SECONDS).state is JobState.SUCCEEDED


def test_bundled_templates_are_used_where_they_lie(make: MakeStudio, spec: JobSpec) -> None:
    studio = make()
    template = studio.library.all()[0]
    job = studio.submit(replace(spec, template_path=template.path))
    assert job.spec.template_path == template.path


def test_the_library_begins_with_what_came_with_heygem(make: MakeStudio) -> None:
    library = make().library
    assert {"anna", "marcus"} <= {template.id for template in library.all()}
    for template in library.all():
        assert template.is_default
        assert template.path.is_file()
        assert library.still(template).read_bytes()[:2] == b"\xff\xd8"  # JPEG
        assert title_of(template, "en")
        assert title_of(template, "zh")


def test_bad_orders_are_refused_at_once(make: MakeStudio, spec: JobSpec, tmp_path: Path) -> None:
    studio = make()
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(MediaError):
        studio.submit(replace(spec, template_path=tmp_path / "text.mp4"))
    with pytest.raises(SettingsError):
        studio.submit(replace(spec, options=LipSyncOptions(expressiveness=9)))
    assert studio.jobs.list_jobs() == ()
    assert list(studio.settings.uploads_dir.iterdir()) == []


def test_too_many_jobs_are_refused(make: MakeStudio, spec: JobSpec, tmp_path: Path) -> None:
    studio = make(replace(settings_in(tmp_path), max_pending_jobs=1), seconds_per_model=0.3)
    studio.submit(spec, idempotency_key="k")
    with pytest.raises(QueueFullError):
        studio.submit(spec)
    assert studio.submit(spec, idempotency_key="k").idempotency_key == "k"  # that one is in line already


def test_equal_orders_are_made_twice_and_a_key_only_once(make: MakeStudio, spec: JobSpec) -> None:
    studio = make()
    ids = {studio.submit(spec).id, studio.submit(spec).id}
    ids |= {studio.submit(spec, idempotency_key="k").id, studio.submit(spec, idempotency_key="k").id}
    assert len(ids) == 3
    outputs = {studio.wait_job(job_id, WAIT_SECONDS).output_path for job_id in ids}
    assert len(outputs) == 3


def test_cancel_and_delete(make: MakeStudio, spec: JobSpec) -> None:
    studio = make(seconds_per_frame=0.15)
    running, waiting = studio.submit(spec), studio.submit(spec)
    assert studio.cancel(waiting.id).state is JobState.CANCELED
    while studio.jobs.get(running.id).state is JobState.PENDING:
        time.sleep(0.01)
    with pytest.raises(JobError, match="cancel it first"):
        studio.delete([running.id])
    studio.cancel(running.id)
    asked_at = time.monotonic()
    assert studio.wait_job(running.id, WAIT_SECONDS).state is JobState.CANCELED
    assert time.monotonic() - asked_at < 2
    with pytest.raises(JobNotFoundError):
        studio.cancel("unknown")


def test_deleting_a_job_removes_its_video(make: MakeStudio, spec: JobSpec) -> None:
    studio = make()
    job = studio.wait_job(studio.submit(spec).id, WAIT_SECONDS)
    assert job.output_path is not None
    studio.delete([job.id])
    assert not job.output_path.exists()
    with pytest.raises(JobNotFoundError):
        studio.jobs.get(job.id)


# --- flags ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flags", "field", "value"),
    [
        (["--device=cuda:1"], "device", "cuda:1"),
        (["--precision=bf16"], "precision", "bf16"),
        (["--high-performance"], "high_performance", True),
        (["--model-cache-dir=/weights"], "model_cache_dir", Path("/weights")),
        (["--no-preload"], "preload", False),
        ([], "preload", True),
    ],
)
def test_flags_reach_the_engines(tmp_path: Path, flags: list[str], field: str, value: object) -> None:
    seen: list[Settings] = []

    def build(settings: Settings, on_models: Callable[[tuple[ModelStatus, ...]], None]) -> FakeEngines:
        seen.append(settings)
        return FakeEngines(settings, on_models)

    studio = Studio(settings_in(tmp_path, *flags), build, nvml=FakeNvml())
    studio.start(wait_for_page=False)
    studio.wait_ready(WAIT_SECONDS)
    studio.stop()
    assert [getattr(settings, field) for settings in seen] == [value]


def test_preload_decides_whether_models_are_loaded_at_start(make: MakeStudio, tmp_path: Path) -> None:
    eager, lazy = make(settings_in(tmp_path / "e")), make(settings_in(tmp_path / "l", "--no-preload"))
    assert eager.wait_ready(WAIT_SECONDS).ready_models == 2
    assert lazy.wait_ready(WAIT_SECONDS).ready_models == 0


def test_output_dir_and_data_dir_take_the_files(make: MakeStudio, spec: JobSpec, tmp_path: Path) -> None:
    flags = (f"--output-dir={tmp_path / 'videos'}", f"--data-dir={tmp_path / 'state'}")
    studio = make(settings_in(tmp_path, *flags))
    studio.wait_job(studio.submit(spec).id, WAIT_SECONDS)
    assert len(list((tmp_path / "videos").glob("*.mp4"))) == 1
    assert (tmp_path / "state" / "jobs.db").is_file()
    assert len(list((tmp_path / "state" / "uploads").iterdir())) == 2
    assert not (tmp_path / "outputs").exists()
    assert not (tmp_path / "data").exists()


def test_retention_days_decide_what_is_swept(tmp_path: Path, spec: JobSpec) -> None:
    for days, is_left in (("1", False), ("3", True)):
        settings = settings_in(tmp_path / days, f"--retention-days={days}")
        now = [time.time()]
        studio = Studio(settings, FakeEngines, clock=lambda now=now: now[0], nvml=FakeNvml())
        studio.start(wait_for_page=False)
        job = studio.wait_job(studio.submit(spec).id, WAIT_SECONDS)
        now[0] += 2 * 24 * 3600
        deadline = time.monotonic() + 3
        while studio.jobs.get(job.id).output_path is not None and time.monotonic() < deadline:
            time.sleep(0.05)
        studio.stop()
        assert job.output_path is not None
        assert job.output_path.exists() is is_left


# --- status --------------------------------------------------------------------------------------


def test_status_tells_the_machine(make: MakeStudio, tmp_path: Path, spec: JobSpec) -> None:
    gpu = FakeGpu(name="NVIDIA H200", temperature_celsius=90)
    studio = make(settings_in(tmp_path, "--device=auto"), nvml=FakeNvml([gpu]), seconds_per_model=0.3)
    studio.submit(spec)
    status = studio.status()
    assert status.gpu is not None
    assert status.gpu.name == "NVIDIA H200"
    assert status.engine.state is EngineState.INITIALIZING
    assert status.queue_length == 1
    assert 0 < status.free_ram_bytes < status.total_ram_bytes
    assert status.disk_free_bytes > 0
    assert "gpu_hot" in status.warnings


def test_the_cpu_has_no_gpu_telemetry_and_a_fallback_is_told(make: MakeStudio, tmp_path: Path) -> None:
    nvml = FakeNvml([FakeGpu()])
    assert make(settings_in(tmp_path / "cpu"), nvml=nvml).status().gpu is None
    fallback = make(settings_in(tmp_path / "auto", "--device=auto"), device=Device("cpu", note="No GPU."))
    fallback.wait_ready(WAIT_SECONDS)
    assert "cpu_fallback" in fallback.status().warnings


def test_the_device_flag_chooses_the_gpu_that_is_watched(make: MakeStudio, tmp_path: Path) -> None:
    nvml = FakeNvml([FakeGpu(name="First"), FakeGpu(name="Second")])
    gpu = make(settings_in(tmp_path, "--device=cuda:1"), nvml=nvml).telemetry()
    assert gpu is not None
    assert gpu.name == "Second"


def test_a_full_disk_is_told(make: MakeStudio, tmp_path: Path, spec: JobSpec) -> None:
    studio = make(replace(settings_in(tmp_path), free_disk_reserve_bytes=2**60))
    job = studio.submit(spec)
    deadline = time.monotonic() + WAIT_SECONDS
    while "queue_paused" not in studio.status().warnings:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert "disk_low" in studio.status().warnings
    assert studio.jobs.get(job.id).state is JobState.PENDING


def test_status_does_not_wait_for_the_engine(make: MakeStudio, spec: JobSpec) -> None:
    def block(stage: Stage) -> None:
        time.sleep(1.0 if stage == "motion" else 0.0)

    studio = make(on_stage=block)
    job = studio.submit(spec)
    while studio.jobs.get(job.id).state is JobState.PENDING:
        time.sleep(0.01)
    studio.status()
    began = time.monotonic()
    for _ in range(50):
        assert studio.status().engine.state is EngineState.BUSY
    assert time.monotonic() - began < 0.5


# --- clear cache ---------------------------------------------------------------------------------


def test_clearing_frees_what_it_said_and_measures_it(make: MakeStudio, spec: JobSpec, tmp_path: Path) -> None:
    studio = make()
    job = studio.wait_job(studio.submit(spec).id, WAIT_SECONDS)
    for path in (spec.audio_path, spec.template_path):
        path.unlink()  # the kept link is the last one now
    partial_file = partial_path(studio.settings.output_dir, "0" * 32)  # another data folder's, left long ago
    partial_file.write_bytes(b"x" * 5000)
    two_days_ago = time.time() - 2 * DAY_SECONDS
    os.utime(partial_file, (two_days_ago, two_days_ago))

    preview = studio.clear_cache_preview()
    assert preview.partial_bytes == 5000
    assert preview.template_cache_bytes == folder_bytes(studio.settings.templates_dir) > 0
    assert preview.upload_bytes == folder_bytes(studio.settings.uploads_dir) > 0

    report = studio.clear_cache()
    assert report.engine_cleared
    assert report.freed_disk_bytes == preview.total_bytes
    assert report.after.disk_bytes == 0
    assert report.freed_vram_bytes is None
    assert job.output_path is not None
    assert job.output_path.exists()
    assert studio.clear_cache_preview().total_bytes == 0


def test_clearing_leaves_what_waiting_jobs_need(make: MakeStudio, spec: JobSpec, tmp_path: Path) -> None:
    studio = make(settings_in(tmp_path), seconds_per_model=0.4)
    job = studio.submit(spec)
    spec.audio_path.unlink()
    spec.template_path.unlink()
    report = studio.clear_cache()
    assert not report.engine_cleared  # it is still loading
    assert report.freed_disk_bytes == 0
    assert studio.wait_job(job.id, WAIT_SECONDS).state is JobState.SUCCEEDED


def test_freed_vram_is_measured(make: MakeStudio, tmp_path: Path) -> None:
    gpu = FakeGpu(free_vram_bytes=1000, total_vram_bytes=5000)

    class Engines(FakeEngines):
        def clear_caches(self) -> None:
            super().clear_caches()
            gpu.free_vram_bytes += 700

    studio = Studio(settings_in(tmp_path, "--device=cuda"), Engines, nvml=FakeNvml([gpu]))
    studio.start(wait_for_page=False)
    studio.wait_ready(WAIT_SECONDS)
    report = studio.clear_cache()
    studio.stop()
    assert (report.before.used_vram_bytes, report.freed_vram_bytes) == (4000, 700)


# --- one process and many ------------------------------------------------------------------------


def test_two_studios_live_in_one_process(make: MakeStudio, spec: JobSpec, tmp_path: Path) -> None:
    studios = [make(settings_in(tmp_path / name)) for name in ("one", "two")]
    jobs = [studio.submit(spec) for studio in studios]
    for studio, job in zip(studios, jobs, strict=True):
        assert studio.wait_job(job.id, WAIT_SECONDS).state is JobState.SUCCEEDED
        assert len(studio.jobs.list_jobs()) == 1


def test_a_data_folder_has_one_studio_at_a_time(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, "--port=7999")
    first = Studio(settings, FakeEngines)
    with pytest.raises(FolderBusyError, match=":7999"):
        Studio(settings, FakeEngines)
    first.stop()
    Studio(settings, FakeEngines).stop()


def test_a_stopped_studio_leaves_its_job_to_the_next(make: MakeStudio, spec: JobSpec, tmp_path: Path) -> None:
    first = make(settings_in(tmp_path), seconds_per_frame=0.1)
    job = first.submit(spec)
    while first.jobs.get(job.id).state is JobState.PENDING:
        time.sleep(0.01)
    first.stop()
    first.stop()  # once more does no harm
    second = make(settings_in(tmp_path))
    assert second.wait_job(job.id, WAIT_SECONDS).state is JobState.SUCCEEDED


def test_nobody_waits_for_a_job_that_nothing_serves(tmp_path: Path, spec: JobSpec) -> None:
    def build(*arguments: object) -> FakeEngines:
        raise OSError("odd")

    studio = Studio(settings_in(tmp_path), build)
    studio.start(wait_for_page=False)
    job = studio.submit(spec)
    assert studio.wait_job(job.id, WAIT_SECONDS).state is JobState.PENDING
    studio.stop()


def test_importing_the_studio_imports_no_torch() -> None:
    program = "import sys, heygem.studio; sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], timeout=60).returncode == 0
