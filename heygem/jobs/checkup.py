"""Looking at a finished video on demand, as an errand of the engine thread."""

from dataclasses import asdict

from heygem.engines.base import JobContext
from heygem.errors import HeyGemError, JobError, JobNotFoundError
from heygem.jobs.engine_set import EngineSet, engine_named
from heygem.jobs.errands import ErrandKind
from heygem.jobs.job import Job, JobState
from heygem.jobs.making import request_of
from heygem.jobs.store import JobStore


class CheckResult:
    """See `heygem.jobs.errands.Errand`. Somebody waits for it, so it goes before the next job."""

    kind: ErrandKind = "check"
    goes_first = True

    def __init__(self, store: JobStore, job: Job) -> None:
        """Raises JobError where there is no result to look at."""
        if job.state is not JobState.SUCCEEDED or job.output_path is None:
            raise JobError("There is no video to check.", job_id=job.id)
        self.key = errand_key(job.id)
        self._store = store
        self._job = job
        self._path = job.output_path

    def run(self, engines: EngineSet, context: JobContext) -> None:
        """Look, and write down what was seen."""
        engine = engine_named(engines, self._job.spec.engine)
        with engines.leased(engine.name):
            checkup = engine.check(self._path, request_of(self._job, self._path), context)
        self._store.write_checkup(self._job.id, asdict(checkup))

    def failed(self, error: HeyGemError) -> None:
        """Write down that nothing could be seen."""
        try:
            self._store.write_checkup(self._job.id, {"error": str(error)})
        except JobNotFoundError:  # deleted meanwhile
            return


def errand_key(job_id: str) -> str:
    """The key of the errand that checks a job's result."""
    return f"check job {job_id}"
