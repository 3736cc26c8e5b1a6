"""What is swept, and what is left alone."""

import os
from dataclasses import replace
from pathlib import Path
from threading import Lock, Thread

import pytest

from heygem.errors import HeyGemError
from heygem.jobs.database import Database
from heygem.jobs.job import Job, JobSpec, JobState
from heygem.jobs.outputs import partial_path
from heygem.jobs.retention import DAY_SECONDS, SWEEP_SECONDS, Retention
from heygem.jobs.store import JobStore
from heygem.jobs.uploads import UploadStore
from heygem.settings import Settings


class House:
    """A store, its folders and a clock, as `Retention` sees them."""

    def __init__(self, folder: Path, retention_days: float = 7.0) -> None:
        self.now = 100 * DAY_SECONDS
        self.settings = Settings(
            data_dir=folder / "data",
            cache_dir=folder / "cache",
            model_cache_dir=folder / "models",
            output_dir=folder / "outputs",
            retention_days=retention_days,
        )
        self.settings.output_dir.mkdir()
        self.store = JobStore(Database(self.settings.jobs_path), lambda: self.now)
        self.uploads = UploadStore(self.settings.uploads_dir)
        self.uploads_lock = Lock()
        self.retention = Retention(
            self.settings, self.store, self.uploads, self.uploads_lock, lambda: self.now
        )

    def upload(self, name: str) -> Path:
        path = self.uploads.folder / name
        path.write_text(name)
        return path

    def running_job(self, name: str = "x") -> Job:
        self.store.submit(JobSpec(self.upload(f"{name}.wav"), self.upload(f"{name}.mp4")))
        job = self.store.claim()
        assert job is not None
        return job

    def made_job(self, name: str = "x") -> Job:
        job = self.running_job(name)
        output = self.settings.output_dir / f"{name}.mp4"
        output.write_text("video")
        return self.store.finish(job.id, output, "", {})

    def left(self) -> set[str]:
        return {path.name for path in self.settings.output_dir.iterdir()}


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_results_older_than_the_setting_go_unless_pinned(house: House) -> None:
    old, pinned = house.made_job("old"), house.made_job("pinned")
    house.store.pin(pinned.id, True)
    house.now += 6 * DAY_SECONDS
    house.made_job("recent")
    house.now += 1.01 * DAY_SECONDS
    house.retention.sweep()
    assert house.left() == {"pinned.mp4", "recent.mp4"}
    assert house.store.get(old.id).output_path is None
    assert house.store.get(old.id).state is JobState.SUCCEEDED


def test_zero_days_keep_for_ever(tmp_path: Path) -> None:
    house = House(tmp_path, retention_days=0)
    house.made_job("old")
    house.now += 1000 * DAY_SECONDS
    house.retention.sweep()
    assert house.left() == {"old.mp4"}
    assert {path.name for path in house.uploads.folder.iterdir()} == {"old.wav", "old.mp4"}


def test_files_of_others_in_the_output_folder_are_left_alone(house: House) -> None:
    stranger = house.settings.output_dir / "20200101-000000_holiday.mp4"
    stranger.write_text("not ours")
    os.utime(stranger, (0, 0))
    house.retention.sweep()
    assert house.left() == {stranger.name}


def test_partial_files_go_when_no_job_will_finish_them(house: House) -> None:
    running, failed = house.running_job("a"), house.running_job("b")
    house.store.fail(failed.id, HeyGemError("Odd."))
    waiting = house.store.requeue(house.running_job("c").id)
    for job in (running, failed, waiting):
        partial_path(house.settings.output_dir, job.id).write_text("…")
    house.retention.sweep()
    assert house.left() == {partial_path(Path(), job.id).name for job in (running, waiting)}


def test_partial_files_of_another_data_folder_go_after_a_day(house: House) -> None:
    for name, age_days in (("young", 0.9), ("old", 1.1)):
        path = partial_path(house.settings.output_dir, name)
        path.write_text("…")
        os.utime(path, (house.now - age_days * DAY_SECONDS,) * 2)
    house.retention.sweep()
    assert house.left() == {".young.part.mp4"}


def test_inputs_stay_as_long_as_their_job_and_its_result(house: House) -> None:
    house.made_job("done")
    house.running_job("running")
    house.upload("never-submitted.wav")
    house.retention.sweep()
    kept = {"done.wav", "done.mp4", "running.wav", "running.mp4"}
    assert {path.name for path in house.uploads.folder.iterdir()} == kept
    house.now += 8 * DAY_SECONDS
    house.retention.sweep()
    assert {path.name for path in house.uploads.folder.iterdir()} == {"running.wav", "running.mp4"}


def test_an_input_that_is_being_submitted_is_not_swept(house: House) -> None:
    sweep = Thread(target=house.retention.sweep)
    with house.uploads_lock:
        for name in ("a.wav", "t.mp4"):
            house.upload(name)
        sweep.start()
        sweep.join(timeout=0.2)
        house.store.submit(JobSpec(house.uploads.folder / "a.wav", house.uploads.folder / "t.mp4"))
    sweep.join()
    assert {path.name for path in house.uploads.folder.iterdir()} == {"a.wav", "t.mp4"}


def test_clearing_leaves_what_unfinished_jobs_need(house: House) -> None:
    house.made_job("done")
    house.running_job("running")
    house.retention.remove_unneeded()
    assert {path.name for path in house.uploads.folder.iterdir()} == {"running.wav", "running.mp4"}
    assert house.left() == {"done.mp4"}


def test_it_sweeps_at_the_start_and_then_hourly(house: House) -> None:
    junk = house.upload("junk")
    house.retention.sweep_if_due()
    assert not junk.exists()
    house.upload("junk")
    house.now += SWEEP_SECONDS - 1
    house.retention.sweep_if_due()
    assert junk.exists()
    house.now += 1
    house.retention.sweep_if_due()
    assert not junk.exists()


def test_a_result_somebody_removed_is_no_trouble(house: House) -> None:
    job = house.made_job()
    assert job.output_path is not None
    job.output_path.unlink()
    house.now += 8 * DAY_SECONDS
    house.retention.sweep()
    assert replace(job, output_path=None) == house.store.get(job.id)
