"""The whole studio as one object: settings, store, engine thread, caches, telemetry. Nobody else builds them.

Imports no torch: engine code is imported on the engine thread.
"""

import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock

from heygem.assets.catalog import DEFAULT_TEMPLATES
from heygem.assets.catalog import FOLDER as ASSETS
from heygem.engines.status import EngineState, EngineStatus
from heygem.errors import QueueFullError
from heygem.hardware.gpu import GpuMonitor, GpuTelemetry
from heygem.hardware.memory import disk_free_bytes, read_ram
from heygem.hardware.nvml import DriverNvml, Nvml
from heygem.jobs.checks import check_spec
from heygem.jobs.cleanup import Cleaner, ClearPreview, ClearReport
from heygem.jobs.folder_lock import FolderLock
from heygem.jobs.housekeeping import Housekeeper
from heygem.jobs.job import Job, JobSpec, JobState
from heygem.jobs.model_orders import ModelOrders
from heygem.jobs.retention import Retention
from heygem.jobs.store import JobStore
from heygem.jobs.uploads import UploadStore
from heygem.jobs.worker import EngineBuilder, EngineSet, EngineWorker
from heygem.models.status import ModelStatus
from heygem.settings import Settings

__all__ = ["ClearPreview", "ClearReport", "Studio", "StudioStatus", "TemplateCard"]

GPU_HOT_CELSIUS = 87
RAM_LOW_BYTES = 1024**3

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TemplateCard:
    """One template of the gallery."""

    id: str
    title_en: str
    title_zh: str
    path: Path
    thumbnail_path: Path  # a small JPEG
    is_default: bool  # came with HeyGem


@dataclass(frozen=True, slots=True)
class StudioStatus:
    """What the page shows at the top; gathered without waiting for the engine."""

    engine: EngineStatus
    gpu: GpuTelemetry | None  # None: no NVIDIA GPU, or it is not to be used
    free_ram_bytes: int
    total_ram_bytes: int
    queue_length: int  # jobs pending or running
    disk_free_bytes: int  # where results go
    warnings: tuple[str, ...]  # of "cpu_fallback", "gpu_hot", "memory_low", "disk_low", "queue_paused"


class Studio:
    """Two of them can live in one process with different data folders."""

    def __init__(
        self,
        settings: Settings,
        build_engines: EngineBuilder | None = None,
        *,
        prepare_defaults: bool = True,
        clock: Callable[[], float] = time.time,
        nvml: Nvml | None = None,
        on_fatal: Callable[[str], None] | None = None,
    ) -> None:
        """Open the data folder; nothing runs yet.

        Args:
            build_engines: None: `heygem.engines.factory.build_engines`, imported on the engine thread.
            prepare_defaults: prepare the templates of the gallery while no job waits.
            clock: seconds since the epoch, for the times of jobs and the age of files.
            nvml: None: the driver's.
            on_fatal: called with a reason, on any thread, when only a new process helps; None: it is logged.

        Raises:
            FolderBusyError: another HeyGem works in the same data folder.
            StorageError: the list of jobs cannot be read.
        """
        self._settings = settings
        self._lock = FolderLock(settings.data_dir, where=f"http://{settings.host}:{settings.port}")
        self._store = JobStore(settings.jobs_path, clock)
        self._uploads = UploadStore(settings.uploads_dir)
        self._uploads_lock = Lock()
        self._monitor = _monitor(settings, nvml or DriverNvml())
        self._worker = EngineWorker(
            settings,
            self._store,
            build_engines or _real_engines,
            on_fatal=on_fatal or _log_fatal,
            default_templates=[card.video_path for card in DEFAULT_TEMPLATES] if prepare_defaults else [],
        )
        retention = Retention(settings, self._store, self._uploads, self._uploads_lock, clock)
        self._cleaner = Cleaner(settings, self._worker, retention, self._monitor)
        self._housekeeper = Housekeeper((self._worker.check_stall, retention.sweep_if_due))

    @property
    def settings(self) -> Settings:
        """The settings of this launch."""
        return self._settings

    @property
    def jobs(self) -> JobStore:
        """The jobs, to be read and pinned; orders go through `submit` and `cancel`."""
        return self._store

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
        known = self._store.find_by_key(idempotency_key) if idempotency_key else None
        if known is not None:
            return known
        check_spec(spec, self._settings)
        if self._store.counts()[JobState.PENDING] >= self._settings.max_pending_jobs:
            raise QueueFullError("Too many jobs wait already: submit this one when some are done.")
        with self._uploads_lock:
            job = self._store.submit(
                self._kept(_named(spec)), priority=priority, idempotency_key=idempotency_key
            )
        self._worker.wake()
        return job

    def cancel(self, job_id: str) -> Job:
        """Cancel a pending job at once and a running one within two seconds; a finished one stays as it is.

        Raises:
            JobNotFoundError
        """
        job = self._store.cancel(job_id)
        self._worker.wake()
        return job

    def delete(self, job_id: str) -> None:
        """Forget a finished job and remove its output.

        Raises:
            JobNotFoundError
            JobError: it waits or runs.
        """
        job = self._store.delete(job_id)
        if job.output_path is not None:
            job.output_path.unlink(missing_ok=True)

    def wait_job(self, job_id: str, timeout_seconds: float | None = None) -> Job:
        """Block until the job is over, or nothing serves it any more, or the time is up.

        Raises:
            JobNotFoundError
        """
        self._worker.board.wait_until(lambda: self._is_over(job_id), timeout_seconds)
        return self._store.get(job_id)

    def status(self) -> StudioStatus:
        """What the page shows at the top. Never waits for the engine; cheap enough to ask every second."""
        ram = read_ram()
        gpu = self.telemetry()
        counts = self._store.counts()
        free_bytes = disk_free_bytes(self._settings.output_dir)
        engine = self._worker.board.status
        signs = {
            "cpu_fallback": engine.device == "cpu" and bool(engine.device_note),
            "gpu_hot": gpu is not None and (gpu.temperature_celsius.value or 0) >= GPU_HOT_CELSIUS,
            "memory_low": ram.free_bytes < RAM_LOW_BYTES,
            "disk_low": free_bytes < 2 * self._settings.free_disk_reserve_bytes,
            "queue_paused": self._worker.is_paused,
        }
        return StudioStatus(
            engine=engine,
            gpu=gpu,
            free_ram_bytes=ram.free_bytes,
            total_ram_bytes=ram.total_bytes,
            queue_length=counts[JobState.PENDING] + counts[JobState.RUNNING],
            disk_free_bytes=free_bytes,
            warnings=tuple(key for key, is_there in signs.items() if is_there),
        )

    def telemetry(self) -> GpuTelemetry | None:
        """The GPU of this studio, sampled at most once a second; None without one."""
        return None if self._monitor is None else self._monitor.read()

    def templates(self) -> tuple[TemplateCard, ...]:
        """The gallery."""
        return tuple(
            TemplateCard(
                id=template.name,
                title_en=template.title_en,
                title_zh=template.title_zh,
                path=template.video_path,
                thumbnail_path=template.thumbnail_path,
                is_default=True,
            )
            for template in DEFAULT_TEMPLATES
        )

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

    def _kept(self, spec: JobSpec) -> JobSpec:
        """The same order, on inputs that nobody will take away."""
        return replace(
            spec, audio_path=self._keep(spec.audio_path), template_path=self._keep(spec.template_path)
        )

    def _keep(self, path: Path) -> Path:
        path = path.resolve()
        return path if ASSETS in path.parents else self._uploads.keep(path)

    def _is_over(self, job_id: str) -> bool:
        is_served = self._worker.board.status.state not in (EngineState.FAILED, EngineState.STOPPED)
        return not is_served or self._store.get(job_id).state.is_final


def _named(spec: JobSpec) -> JobSpec:
    """The same order with the names a person would give it."""
    audio_name = spec.audio_name or spec.audio_path.stem
    template_name = spec.template_name or spec.template_path.stem
    title = spec.title or f"{template_name} · {audio_name}"
    return replace(spec, audio_name=audio_name, template_name=template_name, title=title)


def _monitor(settings: Settings, nvml: Nvml) -> GpuMonitor | None:
    if settings.device == "cpu":
        return None
    return GpuMonitor(nvml, int(settings.device.partition(":")[2] or 0), os.environ)


def _real_engines(settings: Settings, on_models: Callable[[tuple[ModelStatus, ...]], None]) -> EngineSet:
    from heygem.engines.factory import build_engines

    return build_engines(settings, on_models)


def _log_fatal(reason: str) -> None:
    _log.critical("HeyGem has to be started again: %s", reason)
