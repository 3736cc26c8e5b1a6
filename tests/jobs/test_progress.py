"""What the engine's reports do."""

import logging
import time
from pathlib import Path

import pytest

from heygem.errors import JobCanceledError
from heygem.jobs.database import Database
from heygem.jobs.job import Job, JobSpec
from heygem.jobs.progress import JobWork, Work
from heygem.jobs.store import JobStore


@pytest.fixture
def store(tmp_path: Path) -> JobStore:
    return JobStore(Database(tmp_path / "jobs.db"))


@pytest.fixture
def job(store: JobStore) -> Job:
    store.submit(JobSpec(Path("a"), Path("t")))
    job = store.claim()
    assert job is not None
    return job


def nothing() -> None:
    return


def test_progress_is_written_at_most_once_a_second(store: JobStore, job: Job) -> None:
    work = JobWork(job.id, store, nothing)
    for frame in range(1, 101):
        work.report("render", frame, 100)
    assert store.get(job.id).done == 1
    time.sleep(1.05)
    work.report("finish", 1, 3)
    assert (store.get(job.id).stage, store.get(job.id).done, store.get(job.id).total) == ("finish", 1, 3)


def test_a_canceled_job_learns_it_at_the_next_writing(store: JobStore, job: Job) -> None:
    work = JobWork(job.id, store, nothing)
    work.report("audio", 0, 1)
    store.cancel(job.id)
    with pytest.raises(JobCanceledError):
        work.write()


def test_only_moving_on_renews_the_beat() -> None:
    work = Work(nothing)
    work.report("render", 1, 9)
    first = work.beat
    work.report("render", 1, 9)
    assert work.beat is first
    work.report("render", 2, 9)
    assert work.beat.at_seconds >= first.at_seconds
    assert (work.beat.stage, work.beat.done, work.beat.total) == ("render", 2, 9)
    work.report("finish", 2, 9)
    assert work.beat.stage == "finish"


def test_abandoned_work_ends_at_its_next_report() -> None:
    work = Work(nothing)
    work.abandon()
    with pytest.raises(JobCanceledError):
        work.report("render", 1, 9)


def test_a_database_that_cannot_be_written_does_not_stop_the_work(
    store: JobStore, job: Job, caplog: pytest.LogCaptureFixture
) -> None:
    store._database.rows("PRAGMA query_only = ON")
    work = JobWork(job.id, store, nothing)
    with caplog.at_level(logging.WARNING):
        work.report("render", 1, 9)
    assert "could not be written" in caplog.text
