"""Any order of calls, deaths of the process included, leaves the table as a simple model says."""

import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
)

from heygem.errors import HeyGemError, JobError
from heygem.jobs.database import Database
from heygem.jobs.job import JobSpec, JobState
from heygem.jobs.store import DEATH_LIMIT, ENGINE_ERROR_LIMIT, JobStore

ERROR = HeyGemError("Odd.")
STAGES = st.sampled_from(["audio", "render"])


@dataclass
class Model:
    """What a job should be."""

    sequence: int
    priority: int
    state: JobState = JobState.PENDING
    cancel: bool = False
    attempts: int = 0
    deaths: int = 0
    errors: dict[str, int] = field(default_factory=dict)

    def stop(self) -> None:
        """Leave the engine with nothing decided."""
        self.state = JobState.CANCELED if self.cancel else JobState.PENDING


class StoreMachine(RuleBasedStateMachine):
    jobs = Bundle("jobs")

    @initialize()
    def open(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "jobs.db"
        self.store = JobStore(Database(self.path))
        self.models: dict[str, Model] = {}
        self.submitted = 0  # a deleted job leaves no place behind

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()

    @rule(target=jobs, priority=st.integers(-1, 1))
    def submit(self, priority: int) -> str:
        job = self.store.submit(JobSpec(Path("a"), Path("t")), priority=priority)
        self.models[job.id] = Model(self.submitted, priority)
        self.submitted += 1
        return job.id

    @rule()
    def claim(self) -> None:
        waiting = [
            (-model.priority, model.sequence, job_id)
            for job_id, model in self.models.items()
            if model.state is JobState.PENDING
        ]
        claimed = self.store.claim()
        assert (claimed.id if claimed else None) == (min(waiting)[2] if waiting else None)
        if claimed:
            self.models[claimed.id].state = JobState.RUNNING
            self.models[claimed.id].attempts += 1

    @rule(job_id=jobs, stage=STAGES)
    def heartbeat(self, job_id: str, stage: str) -> None:
        if self.runs(job_id):
            assert self.store.heartbeat(job_id, stage, 1, 2) is self.models[job_id].cancel
        else:
            with pytest.raises(JobError):
                self.store.heartbeat(job_id, stage, 1, 2)

    @rule(job_id=jobs)
    def finish(self, job_id: str) -> None:
        if self.runs(job_id):
            self.store.finish(job_id, Path("/o"), "", {})
            self.models[job_id].state = JobState.SUCCEEDED
        else:
            with pytest.raises(JobError):
                self.store.finish(job_id, Path("/o"), "", {})

    @rule(job_id=jobs)
    def fail(self, job_id: str) -> None:
        if self.runs(job_id):
            self.store.fail(job_id, ERROR)
            self.models[job_id].state = JobState.FAILED
        else:
            with pytest.raises(JobError):
                self.store.fail(job_id, ERROR)

    @rule(job_id=jobs, stage=STAGES)
    def retry(self, job_id: str, stage: str) -> None:
        if not self.runs(job_id):
            with pytest.raises(JobError):
                self.store.retry(job_id, stage, ERROR)
            return
        self.store.retry(job_id, stage, ERROR)
        model = self.models[job_id]
        model.errors[stage] = model.errors.get(stage, 0) + 1
        if model.errors[stage] == ENGINE_ERROR_LIMIT:
            model.state = JobState.FAILED
        else:
            model.stop()

    @rule(job_id=jobs)
    def requeue(self, job_id: str) -> None:
        if self.runs(job_id):
            self.store.requeue(job_id)
            self.models[job_id].stop()
        else:
            with pytest.raises(JobError):
                self.store.requeue(job_id)

    @rule(job_id=jobs)
    def cancel(self, job_id: str) -> None:
        model = self.models[job_id]
        self.store.cancel(job_id)
        if not model.state.is_final:
            model.cancel = True
        if model.state is JobState.PENDING:
            model.state = JobState.CANCELED

    @rule(target=jobs, job_id=consumes(jobs))
    def delete(self, job_id: str) -> object:
        if self.models[job_id].state.is_final:
            self.store.delete(job_id)
            del self.models[job_id]
            return multiple()
        with pytest.raises(JobError):
            self.store.delete(job_id)
        return job_id

    @rule()
    def die_and_return(self) -> None:
        self.store.close()
        self.store = JobStore(Database(self.path))
        self.store.recover()
        for model in self.models.values():
            if model.state is JobState.RUNNING:
                model.deaths += 1
                model.stop()
                if model.deaths == DEATH_LIMIT:
                    model.state = JobState.FAILED

    @invariant()
    def the_table_is_the_model(self) -> None:
        for job_id, model in self.models.items():
            job = self.store.get(job_id)
            assert (job.state, job.attempt, job.deaths) == (model.state, model.attempts, model.deaths)
            assert job.cancel_requested is model.cancel
            assert (job.finished_at is not None) is job.state.is_final
        counts = self.store.counts()
        assert sum(counts.values()) == len(self.models)

    def runs(self, job_id: str) -> bool:
        return self.models[job_id].state is JobState.RUNNING


TestStoreMachine = StoreMachine.TestCase
TestStoreMachine.settings = settings(
    max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
