"""The truth about jobs: one table that survives whatever happens to the process."""

import json
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from heygem.errors import HeyGemError, JobError, JobNotFoundError
from heygem.jobs import sql
from heygem.jobs.database import Database
from heygem.jobs.job import Job, JobSpec, JobState
from heygem.jobs.rows import job_from_row, row_from_spec

DEATH_LIMIT = 20
ENGINE_ERROR_LIMIT = 3


class JobStore:
    """Thread-safe; each method is one durable transaction of a few milliseconds.

    pending -> running (claim) -> succeeded (finish), failed (fail, or retry and recover at their limits),
    or pending again (requeue, retry, recover). pending -> canceled (cancel), and a running job that was asked
    to stop goes to canceled instead of back in line. failed or canceled -> pending (try_again). Anything else
    raises JobError.

    Every method raises DiskFullError or StorageError when the database cannot be written.
    """

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        """`clock` gives seconds since the epoch."""
        self._database = database
        self._clock = clock

    def close(self) -> None:
        """Close the database, for everybody who reads it."""
        self._database.close()

    def submit(
        self, spec: JobSpec, *, priority: int = 0, idempotency_key: str | None = None, batch_id: str = ""
    ) -> Job:
        """Put a job in line. A known `idempotency_key` returns its job; without one, each call is a job."""
        order = {"idempotency_key": idempotency_key, "priority": priority, "batch_id": batch_id}
        with self._database.transaction():
            known = self.find_by_key(idempotency_key) if idempotency_key else None
            return known or self._insert(spec, state=JobState.PENDING, **order)

    def submit_failed(self, spec: JobSpec, error: HeyGemError, *, batch_id: str) -> Job:
        """Record an item of a batch that cannot be made, beside those that can."""
        columns = _error_columns(error) | {"batch_id": batch_id, "finished_at": self._clock(), "priority": 0}
        return self._insert(spec, state=JobState.FAILED, **columns)

    def get(self, job_id: str) -> Job:
        """The job as it is now.

        Raises:
            JobNotFoundError
        """
        jobs = self._many("SELECT * FROM jobs WHERE id = :id", {"id": job_id})
        if not jobs:
            raise JobNotFoundError(f"There is no job {job_id}: it may have been deleted.", job_id=job_id)
        return jobs[0]

    def find_by_key(self, idempotency_key: str) -> Job | None:
        """The job submitted with this key."""
        jobs = self._many("SELECT * FROM jobs WHERE idempotency_key = :key", {"key": idempotency_key})
        return jobs[0] if jobs else None

    def list_jobs(self, limit: int = 10, offset: int = 0) -> tuple[Job, ...]:
        """Jobs, the newest first."""
        query = "SELECT * FROM jobs ORDER BY sequence DESC LIMIT :limit OFFSET :offset"
        return self._many(query, {"limit": limit, "offset": offset})

    def counts(self) -> Mapping[JobState, int]:
        """How many jobs are in each state."""
        rows = self._database.rows("SELECT state, COUNT(*) AS jobs FROM jobs GROUP BY state", {})
        return dict.fromkeys(JobState, 0) | {JobState(row["state"]): int(row["jobs"]) for row in rows}

    def in_state(self, *states: JobState) -> tuple[Job, ...]:
        """All jobs in one of these states, in order of submission."""
        places = ", ".join("?" * len(states))
        return self._many(f"SELECT * FROM jobs WHERE state IN ({places}) ORDER BY sequence", states)

    def claim(self) -> Job | None:
        """Take the next job in line to run it: higher priority first, then first come, first served."""
        jobs = self._many(sql.CLAIM, {"now": self._clock()})
        return jobs[0] if jobs else None

    def heartbeat(self, job_id: str, stage: str, done: int, total: int) -> bool:
        """Write how far a running job is; True when it should stop.

        Raises:
            JobError: it does not run.
        """
        row = {"id": job_id, "stage": stage, "done": done, "total": total, "now": self._clock()}
        rows = self._database.rows(sql.HEARTBEAT, row)
        if not rows:
            raise self._refusal(job_id)
        return bool(rows[0]["cancel_requested"])

    def finish(
        self,
        job_id: str,
        output_path: Path,
        output_sha256: str,
        timings: Mapping[str, float],
        template_was_prepared: bool | None = None,
    ) -> Job:
        """A running job has succeeded; its file is in place. None: nobody knows how it found its template."""
        return self._leave_running(
            job_id,
            state=JobState.SUCCEEDED,
            output_path=str(output_path),
            output_sha256=output_sha256,
            timings=json.dumps(dict(timings)),
            template_was_prepared=template_was_prepared,
            error_code="",
            error_message="",
            error_details="{}",
        )

    def fail(self, job_id: str, error: HeyGemError) -> Job:
        """A running job cannot succeed, however often it is tried."""
        return self._leave_running(job_id, state=JobState.FAILED, **_error_columns(error))

    def retry(self, job_id: str, stage: str, error: HeyGemError) -> Job:
        """The engine failed a running job: it is tried again, but the third error at one stage fails it."""
        with self._database.transaction():
            errors = self._engine_errors(job_id)
            errors[stage] = errors.get(stage, 0) + 1
            state = JobState.FAILED if errors[stage] >= ENGINE_ERROR_LIMIT else self._state_in_line(job_id)
            return self._leave_running(
                job_id, state=state, engine_errors=json.dumps(errors), **_error_columns(error)
            )

    def requeue(self, job_id: str, why: HeyGemError | None = None) -> Job:
        """A running job has stopped, through nobody's fault: back in line, or canceled if that was asked."""
        columns = {} if why is None else _error_columns(why)
        with self._database.transaction():
            return self._leave_running(job_id, state=self._state_in_line(job_id), **columns)

    def cancel(self, job_id: str) -> Job:
        """A pending job is canceled; a running one is asked to stop; a finished one stays as it is.

        Raises:
            JobNotFoundError
        """
        self._database.rows(sql.CANCEL, {"id": job_id, "now": self._clock()})
        return self.get(job_id)

    def try_again(self, job_id: str) -> Job:
        """A failed or canceled job goes back in line, as if nothing had happened to it; others stay.

        Raises:
            JobNotFoundError
        """
        self._database.rows(sql.TRY_AGAIN, {"id": job_id})
        return self.get(job_id)

    def recover(self) -> tuple[Job, ...]:
        """Put back what a dead process left running, before anything is claimed. Returns those jobs."""
        with self._database.transaction():
            return tuple(self._recover_one(job) for job in self.in_state(JobState.RUNNING))

    def pin(self, job_id: str, pinned: bool) -> Job:
        """Keep the job's output whatever its age, or no longer.

        Raises:
            JobNotFoundError
        """
        self._update(job_id, pinned=pinned)
        return self.get(job_id)

    def expired(self, finished_before: float) -> tuple[Job, ...]:
        """Succeeded jobs whose output is there, not pinned, and older than `finished_before`."""
        query = "SELECT * FROM jobs WHERE output_path NOT NULL AND NOT pinned AND finished_at < :limit"
        return self._many(query, {"limit": finished_before})

    def inputs_in_use(self, finished_since: float) -> frozenset[Path]:
        """Inputs of all jobs that are pending, running, or finished since then."""
        rows = self._database.rows(sql.INPUTS_IN_USE, {"since": finished_since})
        return frozenset(Path(path) for row in rows for path in row)

    def delete(self, job_id: str) -> Job:
        """Forget a finished job; returns what it was.

        Raises:
            JobNotFoundError
            JobError: it waits or runs.
        """
        with self._database.transaction():
            job = self.get(job_id)
            if not job.state.is_final:
                raise JobError("This job is not finished: cancel it first.", job_id=job_id)
            self._database.rows("DELETE FROM jobs WHERE id = :id", {"id": job_id})
            return job

    def forget_output(self, job_id: str) -> None:
        """The output file of a job was removed."""
        self._update(job_id, output_path=None)

    def write_checkup(self, job_id: str, checkup: Mapping[str, float | str] | None) -> None:
        """What a look at a finished video found; None: it is still to come."""
        self._update(job_id, checkup="" if checkup is None else json.dumps(dict(checkup)))

    def _insert(self, spec: JobSpec, **columns: Any) -> Job:
        row = row_from_spec(spec) | columns | {"id": uuid.uuid4().hex, "created_at": self._clock()}
        names = ", ".join(row)
        values = ", ".join(f":{name}" for name in row)
        return self._many(f"INSERT INTO jobs ({names}) VALUES ({values}) RETURNING *", row)[0]

    def _recover_one(self, job: Job) -> Job:
        deaths = job.deaths + 1
        self._update(job.id, deaths=deaths)
        if deaths < DEATH_LIMIT:
            return self.requeue(job.id)
        return self.fail(job.id, JobError(f"HeyGem ended {deaths} times while it made this video."))

    def _state_in_line(self, job_id: str) -> JobState:
        return JobState.CANCELED if self.get(job_id).cancel_requested else JobState.PENDING

    def _engine_errors(self, job_id: str) -> dict[str, int]:
        """Stage -> how often the engine failed there."""
        rows = self._database.rows("SELECT engine_errors FROM jobs WHERE id = :id", {"id": job_id})
        return dict(json.loads(rows[0]["engine_errors"])) if rows else {}

    def _leave_running(self, job_id: str, *, state: JobState, **columns: Any) -> Job:
        columns |= {"state": state, "finished_at": self._clock() if state.is_final else None}
        changes = ", ".join(f"{name} = :{name}" for name in columns)
        command = f"UPDATE jobs SET {changes} WHERE id = :id AND state = 'running' RETURNING *"
        jobs = self._many(command, columns | {"id": job_id})
        if not jobs:
            raise self._refusal(job_id)
        return jobs[0]

    def _update(self, job_id: str, **columns: Any) -> None:
        changes = ", ".join(f"{name} = :{name}" for name in columns)
        self._database.rows(f"UPDATE jobs SET {changes} WHERE id = :id", columns | {"id": job_id})

    def _refusal(self, job_id: str) -> JobError:
        return JobError(f"Job {job_id} does not run: it is {self.get(job_id).state}.", job_id=job_id)

    def _many(self, command: str, values: Mapping[str, Any] | Sequence[Any]) -> tuple[Job, ...]:
        return tuple(job_from_row(row) for row in self._database.rows(command, values))


def _error_columns(error: HeyGemError) -> dict[str, str]:
    return {
        "error_code": error.code,
        "error_message": str(error),
        "error_details": json.dumps(error.details),
    }
