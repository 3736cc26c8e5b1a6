"""Takes orders: checks and keeps their inputs, puts them in line, and takes them back."""

import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from threading import Lock

from heygem.assets.catalog import FOLDER as ASSETS
from heygem.errors import HeyGemError, JobError, QueueFullError, SettingsError
from heygem.jobs.archive import JobArchive
from heygem.jobs.batch import BatchSpec, expand
from heygem.jobs.checks import InputCheck, check_options
from heygem.jobs.database import Database
from heygem.jobs.job import Job, JobSpec, JobState
from heygem.jobs.store import JobStore
from heygem.jobs.uploads import UploadStore
from heygem.settings import Settings


class OrderDesk:
    """Thread-safe. `wake` is called when there may be something to do."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        store: JobStore,
        uploads: UploadStore,
        wake: Callable[[], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.uploads_lock = Lock()  # held while an input is kept whose job is not yet in the store
        self._settings = settings
        self._check = InputCheck(settings)
        self._database = database
        self._store = store
        self._archive = JobArchive(database)
        self._uploads = uploads
        self._wake = wake
        self._clock = clock

    def submit(self, spec: JobSpec, *, priority: int = 0, idempotency_key: str | None = None) -> Job:
        """Check the inputs, keep them, and queue the job. A known `idempotency_key` returns its job.

        Raises:
            MediaError: an input cannot be used; says which and why.
            SettingsError: an option is out of its range.
            QueueFullError: too many jobs wait.
            DiskFullError, StorageError: the order cannot be written down.
        """
        known = self._store.find_by_key(idempotency_key) if idempotency_key else None
        if known is not None:
            return known
        self._check.spec(spec)
        self._check_room(1)
        with self.uploads_lock:
            kept = replace(
                _named(spec),
                audio_path=self._kept(spec.audio_path),
                template_path=self._kept(spec.template_path),
            )
            job = self._store.submit(kept, priority=priority, idempotency_key=idempotency_key)
        self._wake()
        return job

    def submit_batch(self, batch: BatchSpec) -> str:
        """Queue every item whose inputs can be used, record the others as failed; returns the batch's id.

        Each input is looked at and kept once.

        Raises:
            SettingsError: nothing was chosen, or an option is out of its range.
            QueueFullError: so many jobs may not wait.
            DiskFullError, StorageError: the order cannot be written down.
        """
        specs = list(expand(batch))
        if not specs:
            raise SettingsError("A batch needs at least one speech and one template.")
        check_options(batch.options)
        self._check_room(len(specs))
        problems = self._problems(specs)
        batch_id = uuid.uuid4().hex
        with self.uploads_lock:
            usable = {path for spec in specs for path in (spec.audio_path, spec.template_path)}
            kept = {path: self._kept(path) for path in usable if path not in problems}
            with self._database.transaction():
                self._write_batch(batch_id, batch.title or _usual_title(specs))
                for spec in specs:
                    self._write_item(batch_id, spec, problems, kept)
        self._wake()
        return batch_id

    def cancel(self, job_id: str) -> Job:
        """See `Studio.cancel`."""
        job = self._store.cancel(job_id)
        self._wake()
        return job

    def cancel_batch(self, batch_id: str) -> int:
        """Cancel what is not finished of a batch; returns how many jobs that were."""
        return self._for_each(batch_id, (JobState.PENDING, JobState.RUNNING), self._store.cancel)

    def retry_batch(self, batch_id: str) -> int:
        """Put the failed jobs of a batch back in line; returns how many that were."""
        return self._for_each(batch_id, (JobState.FAILED,), self._store.try_again)

    def try_again(self, job_id: str) -> Job:
        """Put a failed or canceled job back in line.

        Raises:
            JobNotFoundError
        """
        job = self._store.try_again(job_id)
        self._wake()
        return job

    def delete(self, job_ids: Iterable[str]) -> int:
        """Forget finished jobs and remove their outputs, pinned ones excepted; returns how many.

        Raises:
            JobNotFoundError
            JobError: one waits or runs, or is pinned; those before it are gone.
        """
        count = 0
        for job_id in job_ids:
            if self._store.get(job_id).pinned:
                raise JobError(
                    "This video is to be kept: take that back before you delete it.", job_id=job_id
                )
            job = self._store.delete(job_id)
            if job.output_path is not None:
                job.output_path.unlink(missing_ok=True)
            count += 1
        return count

    def _for_each(self, batch_id: str, states: tuple[JobState, ...], act: Callable[[str], Job]) -> int:
        with self._database.transaction():
            jobs = [job for job in self._archive.jobs_of_batch(batch_id) if job.state in states]
            for job in jobs:
                act(job.id)
        self._wake()
        return len(jobs)

    def _check_room(self, count: int) -> None:
        waiting = self._store.counts()[JobState.PENDING]
        if waiting + count > self._settings.max_pending_jobs:
            raise QueueFullError(
                f"{waiting} jobs wait already, and at most {self._settings.max_pending_jobs} may: "
                "submit this when some are done."
            )

    def _problems(self, specs: list[JobSpec]) -> dict[Path, HeyGemError]:
        """What is wrong with the inputs that cannot be used."""
        checks: dict[Path, Callable[[Path], object]] = {}
        for spec in specs:
            checks |= {spec.audio_path: self._check.speech, spec.template_path: self._check.template}
        problems: dict[Path, HeyGemError] = {}
        for path, check in checks.items():
            try:
                check(path)
            except HeyGemError as error:
                problems[path] = error
        return problems

    def _write_batch(self, batch_id: str, title: str) -> None:
        values = {"id": batch_id, "title": title, "now": self._clock()}
        command = "INSERT INTO batches (id, title, created_at) VALUES (:id, :title, :now)"
        self._database.rows(command, values)

    def _write_item(
        self, batch_id: str, spec: JobSpec, problems: dict[Path, HeyGemError], kept: dict[Path, Path]
    ) -> None:
        problem = problems.get(spec.audio_path) or problems.get(spec.template_path)
        own = replace(
            spec,
            audio_path=kept.get(spec.audio_path, spec.audio_path),
            template_path=kept.get(spec.template_path, spec.template_path),
        )
        if problem is None:
            self._store.submit(own, batch_id=batch_id)
        else:
            self._store.submit_failed(own, problem, batch_id=batch_id)

    def _kept(self, path: Path) -> Path:
        """The same file where nobody will take it away."""
        path = path.resolve()
        return path if ASSETS in path.parents else self._uploads.keep(path)


def _named(spec: JobSpec) -> JobSpec:
    """The same order with the names a person would give it."""
    audio_name = spec.audio_name or spec.audio_path.stem
    template_name = spec.template_name or spec.template_path.stem
    title = spec.title or f"{template_name} · {audio_name}"
    return replace(spec, audio_name=audio_name, template_name=template_name, title=title)


def _usual_title(specs: list[JobSpec]) -> str:
    """The first of them, and how many more there are."""
    more = len(specs) - 1
    return f"{specs[0].title} +{more}" if more else specs[0].title
