"""The whole studio as one object: settings, store, engine thread, caches, telemetry. Nobody else builds them.

Imports no torch: engine code is imported on the engine thread.
"""

import logging
import os
import time
from collections.abc import Callable, Iterable

from heygem.engines.status import EngineState, EngineStatus
from heygem.hardware.gpu import GpuMonitor, GpuTelemetry
from heygem.hardware.nvml import DriverNvml, Nvml
from heygem.jobs.archive import JobArchive
from heygem.jobs.batch import BatchSpec
from heygem.jobs.checkup import CheckResult, errand_key
from heygem.jobs.cleanup import Cleaner, ClearPreview, ClearReport
from heygem.jobs.database import Database
from heygem.jobs.desk import OrderDesk
from heygem.jobs.engine_set import EngineBuilder, EngineSet
from heygem.jobs.folder_lock import FolderLock, check_writable
from heygem.jobs.housekeeping import Housekeeper
from heygem.jobs.job import Job, JobSpec
from heygem.jobs.model_orders import ModelOrders
from heygem.jobs.retention import Retention
from heygem.jobs.store import JobStore
from heygem.jobs.uploads import UploadStore
from heygem.jobs.vitals import StudioStatus, Vitals
from heygem.jobs.worker import EngineWorker
from heygem.library.shelf import TemplateLibrary
from heygem.library.store import TemplateStore
from heygem.models.status import ModelStatus
from heygem.settings import Settings

__all__ = ["ClearPreview", "ClearReport", "Studio", "StudioStatus"]

_log = logging.getLogger(__name__)


class Studio:
    """Two of them can live in one process with different data folders."""

    def __init__(
        self,
        settings: Settings,
        build_engines: EngineBuilder | None = None,
        *,
        prepare_ahead: bool = True,
        clock: Callable[[], float] = time.time,
        nvml: Nvml | None = None,
        on_fatal: Callable[[str], None] | None = None,
    ) -> None:
        """Open the data folder; nothing runs yet.

        Args:
            build_engines: None: `heygem.engines.factory.build_engines`, imported on the engine thread.
            prepare_ahead: prepare the templates of the library while no job waits.
            clock: seconds since the epoch, for the times of jobs and the age of files.
            nvml: None: the driver's.
            on_fatal: called with a reason, on any thread, when only a new process helps; None: it is logged.

        Raises:
            FolderBusyError: another HeyGem works in the same data folder.
            StorageError: a folder cannot be written, or the list of jobs not be read.
        """
        self._settings = settings
        self._prepares_ahead = prepare_ahead and settings.preload
        self._lock = FolderLock(settings.data_dir, where=f"http://{settings.host}:{settings.port}")
        check_writable(settings.output_dir, "--output-dir")
        self._database = Database(settings.jobs_path)
        self._store = JobStore(self._database, clock)
        self._archive = JobArchive(self._database)
        monitor = _monitor(settings, nvml or DriverNvml())
        self._worker = EngineWorker(
            settings, self._store, build_engines or _real_engines, on_fatal=on_fatal or _log_fatal
        )
        self._vitals = Vitals(settings, self._store, self._worker, monitor)
        uploads = UploadStore(settings.uploads_dir)
        self._desk = OrderDesk(settings, self._database, self._store, uploads, self._worker.wake, clock)
        templates = TemplateStore(self._database, clock)
        templates.add_defaults()
        self._library = TemplateLibrary(settings, templates, self._archive, self._worker.errands)
        retention = Retention(settings, self._store, uploads, self._desk.uploads_lock, clock)
        self._cleaner = Cleaner(settings, self._worker, retention, monitor)
        self._housekeeper = Housekeeper((self._worker.check_stall, retention.sweep_if_due))

    @property
    def settings(self) -> Settings:
        """The settings of this launch."""
        return self._settings

    @property
    def engine_state(self) -> EngineState:
        """Of the engine thread; read without waiting."""
        return self._worker.board.status.state

    @property
    def jobs(self) -> JobStore:
        """The jobs, to be read and pinned; orders go through `submit` and `cancel`."""
        return self._store

    @property
    def archive(self) -> JobArchive:
        """The jobs, to be searched, and the batches."""
        return self._archive

    @property
    def library(self) -> TemplateLibrary:
        """The templates."""
        return self._library

    @property
    def models(self) -> ModelOrders:
        """Orders about single models."""
        return ModelOrders(self._worker)

    def start(self, *, wait_for_page: bool = True) -> None:
        """Put back jobs that a dead process left running, and start the engine thread.

        The thread imports torch after `notify_page_bound` or 10 s, or at once without `wait_for_page`.
        """
        for job in self._store.recover():
            _log.warning("job %s was interrupted and is %s now", job.id, job.state)
        if self._prepares_ahead:
            self._library.prepare_all()
        self._housekeeper.start()
        self._worker.start(wait_for_page=wait_for_page)

    def notify_page_bound(self) -> None:
        """The page's socket is bound: the engine may start to work."""
        self._worker.notify_page_bound()

    def wait_ready(self, timeout_seconds: float | None = None) -> EngineStatus:
        """Block until the engine is no longer INITIALIZING, or the time is up."""
        self._worker.board.wait_until(
            lambda: self._worker.board.status.state is not EngineState.INITIALIZING, timeout_seconds
        )
        return self._worker.board.status

    def submit(self, spec: JobSpec, *, priority: int = 0, idempotency_key: str | None = None) -> Job:
        """Check the inputs, keep them, and queue the job. A known `idempotency_key` returns its job.

        Raises:
            MediaError: an input cannot be used; says which and why.
            SettingsError: an option is out of its range.
            QueueFullError: too many jobs wait.
            DiskFullError: an input cannot be kept.
        """
        return self._desk.submit(spec, priority=priority, idempotency_key=idempotency_key)

    def submit_batch(self, batch: BatchSpec) -> str:
        """Queue every speech with every template; items that cannot be made are recorded as failed.

        Returns the batch's id. Raises what `submit` raises, but for what is wrong with single inputs.
        """
        return self._desk.submit_batch(batch)

    def cancel(self, job_id: str) -> Job:
        """Cancel a pending job at once and a running one within two seconds; a finished one stays as it is.

        Raises:
            JobNotFoundError
        """
        return self._desk.cancel(job_id)

    def cancel_batch(self, batch_id: str) -> int:
        """Cancel what is not finished of a batch; returns how many jobs that were."""
        return self._desk.cancel_batch(batch_id)

    def retry_batch(self, batch_id: str) -> int:
        """Put the failed jobs of a batch back in line; returns how many that were."""
        return self._desk.retry_batch(batch_id)

    def try_again(self, job_id: str) -> Job:
        """Put a failed or canceled job back in line; others stay as they are.

        Raises:
            JobNotFoundError
        """
        return self._desk.try_again(job_id)

    def delete(self, job_ids: Iterable[str]) -> int:
        """Forget finished jobs and remove their outputs; returns how many.

        Raises:
            JobNotFoundError
            JobError: one waits or runs, or is pinned; those before it are gone.
        """
        return self._desk.delete(job_ids)

    def check_result(self, job_id: str) -> None:
        """Have a finished video looked at, before the next job; the job's `checkup` will say what was seen.

        Raises:
            JobNotFoundError
            JobError: there is no video.
        """
        errand = CheckResult(self._store, self._store.get(job_id))
        self._store.write_checkup(job_id, None)
        self._worker.errands.add(errand)

    def is_checking(self, job_id: str) -> bool:
        """Whether the look at a finished video is still to come."""
        return errand_key(job_id) in self._worker.errands

    def wait_job(self, job_id: str, timeout_seconds: float | None = None) -> Job:
        """Block until the job is over, or nothing serves it any more, or the time is up.

        Raises:
            JobNotFoundError
        """
        self._worker.board.wait_until(lambda: self._is_over(job_id), timeout_seconds)
        return self._store.get(job_id)

    def wait_until(self, is_so: Callable[[], bool], timeout_seconds: float | None = None) -> bool:
        """Block until `is_so`, or until nothing serves jobs any more; False when the time is up."""
        return self._worker.board.wait_until(lambda: is_so() or not self._is_served(), timeout_seconds)

    def status(self) -> StudioStatus:
        """What the page shows at the top. Never waits for the engine; cheap enough to ask every second."""
        return self._vitals.status()

    def telemetry(self) -> GpuTelemetry | None:
        """The GPU of this studio, sampled at most once a second; None without one."""
        return self._vitals.telemetry()

    def clear_cache_preview(self) -> ClearPreview:
        """What `clear_cache` would free, in bytes by kind."""
        return self._cleaner.preview()

    def clear_cache(self) -> ClearReport:
        """Free what no job holds, and measure it. Results and resident models stay."""
        return self._cleaner.clear()

    def stop(self, timeout_seconds: float = 30.0) -> None:
        """Put a running job back in line, end the engine thread, and release the data folder. Idempotent."""
        self._housekeeper.stop()
        if self._worker.stop(timeout_seconds):
            self._store.close()
            self._lock.release()

    def _is_over(self, job_id: str) -> bool:
        return not self._is_served() or self._store.get(job_id).state.is_final

    def _is_served(self) -> bool:
        return self.engine_state not in (EngineState.FAILED, EngineState.STOPPED)


def _monitor(settings: Settings, nvml: Nvml) -> GpuMonitor | None:
    if settings.device == "cpu":
        return None
    return GpuMonitor(nvml, int(settings.device.partition(":")[2] or 0), os.environ)


def _real_engines(settings: Settings, on_models: Callable[[tuple[ModelStatus, ...]], None]) -> EngineSet:
    from heygem.engines.factory import build_engines

    return build_engines(settings, on_models)


def _log_fatal(reason: str) -> None:
    _log.critical("HeyGem has to be started again: %s", reason)
