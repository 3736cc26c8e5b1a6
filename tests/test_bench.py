"""The benchmark measures what it says, with engines that need no weights."""

import json
import mmap
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from threading import Event, Thread
from time import perf_counter, thread_time

import numpy as np
import pytest

from heygem.bench.inputs import cut_speech, cut_template
from heygem.bench.jobs import JobRun, measure_jobs
from heygem.bench.launch import wait_until
from heygem.bench.losing import LosingEngine
from heygem.bench.process import in_fresh_process
from heygem.bench.render import measure_render, render_figures, transcode
from heygem.bench.report import BenchError, Figure, show_report, show_value, verdict
from heygem.bench.residency import measure_residency
from heygem.bench.run import run_bench
from heygem.bench.steps import StepClock, measure_steps
from heygem.bench.template import measure_template
from heygem.bench.watch import OpenWatch, PeakMemory
from heygem.engines.base import LipSyncRequest, Stage
from heygem.engines.fake import FakeEngines
from heygem.errors import DeviceLostError
from heygem.hardware.device import Device
from heygem.hardware.gpu import GpuTelemetry, Reading, ReadingState
from heygem.media.check import check_video
from heygem.media.probe import probe_audio, probe_video
from heygem.models.status import ModelStatus
from heygem.settings import Settings
from tests.recorder import Recorder

OnModels = Callable[[tuple[ModelStatus, ...]], None]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    models = tmp_path / "bundled"
    models.mkdir()
    (models / "weights.bin").write_bytes(bytes(1000))
    return replace(Settings.from_args(["--device", "cpu"], os.environ), models_dir=models)


class EnginesThatReadWeights(FakeEngines):
    """What must not be: each job opens a weight file again."""

    def __init__(self, settings: Settings, on_models: OnModels) -> None:
        def read(stage: Stage) -> None:
            if stage == "motion":
                (settings.models_dir / "weights.bin").read_bytes()

        super().__init__(settings, on_models, on_stage=read)


class EnginesThatFail(FakeEngines):
    """Every job fails."""

    def __init__(self, settings: Settings, on_models: OnModels) -> None:
        def fail(stage: Stage) -> None:
            raise BenchError("This engine makes nothing.")

        super().__init__(settings, on_models, on_stage=fail)


def value_of(figures: list[Figure], key: str) -> float:
    (value,) = [figure.value for figure in figures if figure.key == key]
    assert value is not None
    return value


@pytest.mark.parametrize(
    ("key", "value", "device", "expected"),
    [
        ("launch.ready", 19.9, "cpu", "met"),
        ("launch.ready", 20.1, "cpu", "MISSED"),
        ("jobs.first_over_median", 1.08, "cpu", "met"),
        ("jobs.first_over_median", 1.08, "cuda", "MISSED"),
        ("residency.saved", 81.0, "cuda", "met"),
        ("residency.saved", 79.0, "cuda", "MISSED"),
        ("residency.saved", 10.0, "cpu", "reported"),
        ("jobs.weight_bytes_opened", 1.0, "cpu", "MISSED"),
        ("jobs.median", 5.0, "cpu", "reported"),
        ("launch.page", None, "cpu", "not measured"),
    ],
)
def test_verdicts(key: str, value: float | None, device: str, expected: str) -> None:
    assert verdict(Figure(key, key, value, "s"), "cuda" if device == "cuda" else "cpu") == expected


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [(None, "s", "-"), (0.01234, "s", "0.0123 s"), (12.345, "x", "12.3 x"), (1234.5, "", "1234")]
    + [(0.0, "", "0"), (2_500_000, "bytes", "2.5 MB"), (-0.5, "ms", "-0.500 ms")],
)
def test_values_show_three_digits(value: float | None, unit: str, shown: str) -> None:
    assert show_value(value, unit) == shown


def test_the_table_names_bar_and_verdict() -> None:
    shown = show_report([Figure("launch.ready", "launch to READY", 25.0, "s", "a note")], "cpu")
    assert " ".join(shown.splitlines()[-1].split()) == "launch to READY 25.0 s <= 20.0 s MISSED a note"


def test_cuts_are_new_and_as_long_as_asked(tmp_path: Path) -> None:
    speeches = [cut_speech(tmp_path, start, 13.0) for start in (0.0, 1.5)]
    templates = [cut_template(tmp_path, start, 0.4, height=180) for start in (0.0, 0.2)]
    assert [probe_audio(path).duration_seconds for path in speeches] == [13.0, 13.0]
    assert [probe_video(path).frame_count for path in templates] == [10, 10]
    assert (probe_video(templates[0]).width, probe_video(templates[0]).height) == (320, 180)
    assert len({path.read_bytes() for path in (*speeches, *templates)}) == 4


def test_the_watch_sees_what_python_hooks_do_not(tmp_path: Path) -> None:
    """Weights are mapped by compiled code, or read by another program; in subfolders too."""
    (tmp_path / "model").mkdir()
    weights, also, other = (tmp_path / name for name in ("model/weights.bin", "also.bin", "other.bin"))
    for path in (weights, also, other):
        path.write_bytes(bytes(mmap.PAGESIZE))
    with OpenWatch([tmp_path, tmp_path / "not there"]) as watch:
        assert watch.opened_files() == set()
        np.memmap(weights, np.uint8, "r")
        subprocess.run(["cat", str(also)], stdout=subprocess.DEVNULL, check=True)
        list(tmp_path.iterdir())
        assert watch.opened_files() == {weights, also}


def test_peak_memory_sees_a_short_peak() -> None:
    vram_bytes = iter([1 << 30, 5 << 30])
    unknown: Reading[int] = Reading(None, ReadingState.UNKNOWN)

    def telemetry() -> GpuTelemetry:
        free = Reading((8 << 30) - next(vram_bytes, 2 << 30))
        return GpuTelemetry("fake", Reading(8 << 30), free, unknown, unknown, Reading(None))

    with PeakMemory(telemetry) as peak:
        before = peak.ram_bytes
        with mmap.mmap(-1, 64 << 20) as block:  # pages of its own: the allocator may have free ones to give
            block.write(b"x" * (64 << 20))
            deadline = perf_counter() + 10
            while peak.vram_bytes != 5 << 30 and perf_counter() < deadline:
                pass
    assert peak.vram_bytes == 5 << 30
    assert peak.ram_bytes >= before + (32 << 20)


def test_unknown_vram_is_not_zero() -> None:
    with PeakMemory(lambda: None) as peak:
        pass
    assert peak.vram_bytes is None


def test_a_fresh_process_is_another_one() -> None:
    assert in_fresh_process(os.getpid) != os.getpid()
    with pytest.raises(BenchError, match="_exit died"):
        in_fresh_process(os._exit, 3)


def test_jobs_that_leave_weights_alone(settings: Settings, tmp_path: Path) -> None:
    figures = measure_jobs(settings, FakeEngines, tmp_path, later_jobs=2)
    assert value_of(figures, "jobs.weight_bytes_opened") == 0
    assert value_of(figures, "jobs.first") > 0
    ratio = value_of(figures, "jobs.first") / value_of(figures, "jobs.median")
    assert value_of(figures, "jobs.first_over_median") == pytest.approx(ratio)
    assert {figure.key for figure in figures} >= {"models.motion", "models.speech-encoder", "jobs.peak_vram"}


def test_jobs_that_read_weights_are_caught(settings: Settings, tmp_path: Path) -> None:
    figures = measure_jobs(settings, EnginesThatReadWeights, tmp_path, later_jobs=2)
    assert value_of(figures, "jobs.weight_bytes_opened") == 1000


def test_a_failed_job_is_no_measurement(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="makes nothing"):
        measure_jobs(settings, EnginesThatFail, tmp_path, later_jobs=1)


def test_residency_compares_two_processes(settings: Settings, tmp_path: Path) -> None:
    figures = measure_residency(settings, FakeEngines, tmp_path, rounds=1)
    resident, loading = value_of(figures, "residency.resident"), value_of(figures, "residency.loading")
    assert value_of(figures, "residency.saved") == pytest.approx(100 * (1 - resident / loading))


def test_render_measures_jobs_and_transcodes(settings: Settings, tmp_path: Path) -> None:
    figures = measure_render(settings, FakeEngines, tmp_path, seconds=1.0, height=180)
    keys = ("render.job", "render.transcode", "render.over_transcode", "render.fps_render")
    assert all(value_of(figures, key) > 0 for key in keys)


def test_render_compares_what_ran_at_the_same_time() -> None:
    """The machine was three times as slow in the second round; the ratio is that of the other two."""
    jobs = [JobRun(wall, wall, 100, {"render": wall}) for wall in (3.0, 9.0, 3.0)]
    plain = [JobRun(wall, cpu, 100, {}) for wall, cpu in ((2.0, 1.0), (6.0, 3.0), (1.0, 0.5))]
    figures = render_figures(jobs, plain)
    assert value_of(figures, "render.over_transcode") == 1.5
    assert value_of(figures, "render.cpu_beyond_transcode") == pytest.approx(25.0)
    assert value_of(figures, "render.fps_render") == pytest.approx(100 / 3)


def test_the_transcode_has_every_frame_and_the_sound(tmp_path: Path) -> None:
    template, speech = cut_template(tmp_path, 0.0, 1.0, height=180), cut_speech(tmp_path, 0.0, 1.0)
    assert transcode(template, speech, tmp_path / "out.mp4").frame_count == 25
    check_video(tmp_path / "out.mp4", 25, Fraction(25), with_audio=True)


def test_a_template_is_prepared_once(settings: Settings, tmp_path: Path) -> None:
    figures = measure_template(settings, FakeEngines, tmp_path, seconds=1.0, height=180)
    assert value_of(figures, "new.detected_again") == 0
    assert value_of(figures, "new.prepare_over_length") == pytest.approx(value_of(figures, "new.prepare"))


def test_the_whole_run_writes_what_it_found(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report_path = tmp_path / "bench.json"
    assert run_bench(settings, FakeEngines, only=["new"], json_path=report_path) == 0
    assert "prepare a new template" in capsys.readouterr().out
    report = json.loads(report_path.read_text())
    assert report["device"]
    assert {figure["key"] for figure in report["figures"]} == {
        "new.prepare",
        "new.prepare_over_length",
        "new.second_use",
        "new.detected_again",
    }


def test_a_part_that_fails_is_named_and_the_exit_code_says_so(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_bench(settings, EnginesThatFail, only=["new"]) == 1
    assert "not measured" in capsys.readouterr().out


def test_a_program_that_dies_is_not_waited_for() -> None:
    with (
        subprocess.Popen([sys.executable, "-c", "raise SystemExit(7)"]) as process,
        pytest.raises(BenchError, match="ended with code 7"),
    ):
        wait_until(process, "http://127.0.0.1:9/", perf_counter())


def test_steps_are_those_of_the_mesh_engine(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="mesh engine"):
        measure_steps(settings, FakeEngines, tmp_path, seconds=0.2, height=64)


def test_a_step_counts_the_work_of_other_threads_and_no_waiting() -> None:
    clock = StepClock()

    def work() -> None:
        until = thread_time() + 0.05
        while thread_time() < until:
            pass

    with clock.step("busy"):
        threads = [Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    with clock.step("idle"):
        Event().wait(0.1)
    assert clock.seconds["busy"] >= 0.1
    assert clock.seconds["idle"] < 0.05


def test_the_trial_of_recovery_loses_the_device_while_frames_are_drawn(
    settings: Settings, tmp_path: Path
) -> None:
    speech, clip = cut_speech(tmp_path, 0, 1.0), cut_template(tmp_path, 0, 1.0)
    engine = FakeEngines(replace(settings, cache_dir=tmp_path / "cache"), lambda models: None).engine
    fault_file, recorder = tmp_path / "fault", Recorder()
    losing = LosingEngine(engine, Device("cpu"), fault_file)
    with pytest.raises(DeviceLostError):
        losing.generate(LipSyncRequest(speech, clip, tmp_path / "made.mp4"), recorder)
    assert fault_file.exists()
    assert recorder.seen[-1][:2] == ("render", 1), "it was lost before anything was drawn, or long after"
