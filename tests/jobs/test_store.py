"""The table of jobs: what each method does, and that nothing but its arrows changes a job's state."""

import sqlite3
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from threading import Thread

import pytest

from heygem.engines.base import LipSyncOptions
from heygem.errors import (
    DeviceMemoryError,
    HeyGemError,
    JobError,
    JobNotFoundError,
    NoFaceError,
    StorageError,
)
from heygem.jobs.database import Database
from heygem.jobs.job import Job, JobSpec, JobState
from heygem.jobs.store import DEATH_LIMIT, JobStore

SPEC = JobSpec(Path("/in/语音.wav"), Path("/in/a 'b'.mp4"), options=LipSyncOptions(fps=Fraction(30000, 1001)))


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


@pytest.fixture
def store(tmp_path: Path) -> Iterator[JobStore]:
    store = JobStore(Database(tmp_path / "data" / "jobs.db"), Clock())
    yield store
    store.close()


def running(store: JobStore) -> Job:
    store.submit(SPEC)
    job = store.claim()
    assert job is not None
    return job


def test_a_job_comes_back_as_it_went(store: JobStore) -> None:
    job = store.submit(SPEC, priority=3, idempotency_key="k")
    assert store.get(job.id) == job
    assert (job.spec, job.state, job.priority, job.idempotency_key) == (SPEC, JobState.PENDING, 3, "k")


def test_a_known_key_gives_its_job_and_no_key_gives_a_new_one(store: JobStore) -> None:
    first = store.submit(SPEC, idempotency_key="k")
    assert store.submit(JobSpec(Path("/other"), Path("/other")), idempotency_key="k") == first
    assert store.submit(SPEC).id != store.submit(SPEC).id
    assert store.find_by_key("unknown") is None


def test_jobs_are_claimed_by_priority_and_then_in_order(store: JobStore) -> None:
    ids = [store.submit(SPEC, priority=priority).id for priority in (0, 5, 0, 5, -1)]
    claimed = [job.id for job in iter(store.claim, None)]
    assert claimed == [ids[1], ids[3], ids[0], ids[2], ids[4]]


def test_two_claims_at_once_get_two_jobs(store: JobStore) -> None:
    for _ in range(40):
        store.submit(SPEC)
    claimed: list[str] = []

    def take() -> None:
        claimed.extend(job.id for job in iter(store.claim, None))

    threads = [Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(claimed) == len(set(claimed)) == 40


def test_a_heartbeat_tells_how_far_and_when_the_stage_began(store: JobStore) -> None:
    job = running(store)
    assert store.heartbeat(job.id, "render", 1, 10) is False
    first = store.get(job.id)
    store.heartbeat(job.id, "render", 7, 10)
    later = store.get(job.id)
    assert (later.stage, later.done, later.total) == ("render", 7, 10)
    assert later.stage_started_at == first.stage_started_at
    store.heartbeat(job.id, "finish", 0, 1)
    assert (store.get(job.id).stage_started_at or 0) > (first.stage_started_at or 0)


def test_a_result_is_remembered(store: JobStore) -> None:
    job = store.finish(running(store).id, Path("/out/a.mp4"), "ab12", {"render": 1.5})
    assert (job.state, job.output_path, job.output_sha256) == (JobState.SUCCEEDED, Path("/out/a.mp4"), "ab12")
    assert job.timings == {"render": 1.5}
    assert (job.finished_at or 0) > (job.started_at or 0)


def test_a_failure_keeps_its_reason(store: JobStore) -> None:
    job = store.fail(running(store).id, NoFaceError("No face.", path="x.mp4"))
    assert (job.state, job.error_code, job.error_message) == (JobState.FAILED, "face_none", "No face.")
    assert job.error_details == {"path": "x.mp4"}


def test_the_third_engine_error_at_one_stage_fails_the_job(store: JobStore) -> None:
    error = DeviceMemoryError("Too little.")
    job_id = running(store).id
    for stage, state in [
        ("render", JobState.PENDING),
        ("audio", JobState.PENDING),
        ("render", JobState.PENDING),
        ("render", JobState.FAILED),
    ]:
        assert store.retry(job_id, stage, error).state is state
        store.claim()
    assert store.get(job_id).error_code == "device_memory"
    assert store.get(job_id).attempt == 4


def test_a_success_forgets_the_errors_before_it(store: JobStore) -> None:
    job_id = running(store).id
    assert store.retry(job_id, "render", HeyGemError("Odd.")).error_message == "Odd."
    store.claim()
    assert store.finish(job_id, Path("/o"), "", {}).error_message == ""


def test_a_retry_goes_to_its_old_place_in_line(store: JobStore) -> None:
    job = running(store)
    store.submit(SPEC)
    store.retry(job.id, "render", HeyGemError("Odd."))
    claimed = store.claim()
    assert claimed is not None
    assert claimed.id == job.id


def test_a_waiting_job_is_canceled_at_once_and_a_running_one_is_told(store: JobStore) -> None:
    waiting = store.submit(SPEC)
    assert store.cancel(waiting.id).state is JobState.CANCELED
    job = running(store)
    asked = store.cancel(job.id)
    assert (asked.state, asked.cancel_requested) == (JobState.RUNNING, True)
    assert store.heartbeat(job.id, "render", 1, 2) is True
    assert store.requeue(job.id).state is JobState.CANCELED


@pytest.mark.parametrize(
    "put_back",
    [
        lambda store, job_id: store.retry(job_id, "render", HeyGemError("Odd.")),
        lambda store, job_id: store.requeue(job_id),
        lambda store, job_id: store.recover()[0],
    ],
    ids=["retry", "requeue", "recover"],
)
def test_a_job_that_should_stop_does_not_go_back_in_line(
    store: JobStore, put_back: Callable[[JobStore, str], Job]
) -> None:
    job = running(store)
    store.cancel(job.id)
    ended = put_back(store, job.id)
    assert ended.state is JobState.CANCELED
    assert ended.finished_at is not None


def test_what_a_dead_process_left_goes_back_in_line(tmp_path: Path) -> None:
    dead = JobStore(Database(tmp_path / "jobs.db"))
    job = running(dead)
    waiting = dead.submit(SPEC)
    dead.close()

    store = JobStore(Database(tmp_path / "jobs.db"))
    assert [found.id for found in store.recover()] == [job.id]
    assert (store.get(job.id).state, store.get(job.id).deaths) == (JobState.PENDING, 1)
    assert (store.get(waiting.id).state, store.get(waiting.id).deaths) == (JobState.PENDING, 0)
    store.close()


def test_a_job_that_kills_every_process_fails_at_last(store: JobStore) -> None:
    job = running(store)
    for death in range(1, DEATH_LIMIT):
        assert store.recover()[0].state is JobState.PENDING, death
        store.claim()
    assert store.recover()[0].state is JobState.FAILED
    assert str(DEATH_LIMIT) in store.get(job.id).error_message


def test_lists_and_counts(store: JobStore) -> None:
    ids = [store.submit(SPEC).id for _ in range(5)]
    store.claim()
    assert [job.id for job in store.list_jobs(limit=2)] == [ids[4], ids[3]]
    assert [job.id for job in store.list_jobs(limit=9, offset=3)] == [ids[1], ids[0]]
    assert store.counts() == dict.fromkeys(JobState, 0) | {JobState.PENDING: 4, JobState.RUNNING: 1}
    assert [job.id for job in store.in_state(JobState.RUNNING)] == [ids[0]]


def test_old_results_expire_unless_pinned(store: JobStore) -> None:
    old, pinned = (store.finish(running(store).id, Path("/o"), "", {}) for _ in range(2))
    store.pin(pinned.id, True)
    recent = store.finish(running(store).id, Path("/o"), "", {})
    assert [job.id for job in store.expired(recent.finished_at or 0)] == [old.id]
    store.forget_output(old.id)
    assert store.get(old.id).output_path is None
    assert store.expired(recent.finished_at or 0) == ()
    store.pin(pinned.id, False)
    assert [job.id for job in store.expired(recent.finished_at or 0)] == [pinned.id]


def test_inputs_in_use_are_those_of_unfinished_and_recent_jobs(store: JobStore) -> None:
    done = store.finish(store_job(store, "done"), Path("/o"), "", {})
    store_job(store, "running")
    store.submit(JobSpec(Path("waiting.wav"), Path("waiting.mp4")))
    now = {Path(f"{name}.{kind}") for name in ("running", "waiting") for kind in ("wav", "mp4")}
    assert store.inputs_in_use(float("inf")) == now
    assert store.inputs_in_use(done.finished_at or 0) == now | {Path("done.wav"), Path("done.mp4")}


def store_job(store: JobStore, name: str) -> str:
    store.submit(JobSpec(Path(f"{name}.wav"), Path(f"{name}.mp4")))
    job = store.claim()
    assert job is not None
    return job.id


def test_only_finished_jobs_can_be_forgotten(store: JobStore) -> None:
    job = running(store)
    with pytest.raises(JobError, match="cancel it first"):
        store.delete(job.id)
    store.fail(job.id, HeyGemError("Odd."))
    store.delete(job.id)
    with pytest.raises(JobNotFoundError):
        store.get(job.id)


ASK: dict[str, Callable[[JobStore, str], object]] = {
    "heartbeat": lambda store, job_id: store.heartbeat(job_id, "render", 1, 2),
    "finish": lambda store, job_id: store.finish(job_id, Path("/o"), "", {}),
    "fail": lambda store, job_id: store.fail(job_id, HeyGemError("Odd.")),
    "retry": lambda store, job_id: store.retry(job_id, "render", HeyGemError("Odd.")),
    "requeue": lambda store, job_id: store.requeue(job_id),
}


@pytest.mark.parametrize("ask", ASK.values(), ids=ASK.keys())
def test_only_running_jobs_can_run_on(store: JobStore, ask: Callable[[JobStore, str], object]) -> None:
    with pytest.raises(JobNotFoundError):
        ask(store, "unknown")
    waiting = store.submit(SPEC)
    with pytest.raises(JobError, match="pending"):
        ask(store, waiting.id)
    store.cancel(waiting.id)
    with pytest.raises(JobError, match="canceled"):
        ask(store, waiting.id)
    assert store.get(waiting.id).state is JobState.CANCELED


def test_a_damaged_list_is_named(tmp_path: Path) -> None:
    path = tmp_path / "jobs.db"
    path.write_bytes(b"this is no database, but it is long enough to look at" * 40)
    with pytest.raises(StorageError, match="jobs.db is damaged"):
        JobStore(Database(path))


def test_a_list_from_the_future_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "jobs.db"
    JobStore(Database(path)).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(StorageError, match="newer HeyGem"):
        JobStore(Database(path))


def test_every_write_is_on_the_disk(tmp_path: Path) -> None:
    store = JobStore(Database(tmp_path / "jobs.db"))
    job = store.submit(SPEC)
    with sqlite3.connect(tmp_path / "jobs.db") as other:
        assert other.execute("SELECT id FROM jobs").fetchone() == (job.id,)
        assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert store._database.rows("PRAGMA synchronous")[0][0] == 2  # FULL
    store.close()
