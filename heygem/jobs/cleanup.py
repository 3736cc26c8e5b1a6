"""Clear cache: what can be freed, freeing it, and measuring what that gave."""

from dataclasses import dataclass

from heygem.hardware.gpu import GpuMonitor
from heygem.hardware.memory import file_bytes, folder_bytes, process_ram_bytes
from heygem.jobs.outputs import PARTIAL_PATTERN
from heygem.jobs.retention import Retention
from heygem.jobs.worker import EngineWorker
from heygem.settings import Settings

ENGINE_WAIT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class ClearPreview:
    """What clearing would free. Bytes on disk, by kind."""

    template_cache_bytes: int  # prepared templates; what the running job holds will stay
    upload_bytes: int  # kept inputs that no waiting or running job needs
    partial_bytes: int  # remains of jobs that were interrupted

    @property
    def total_bytes(self) -> int:
        """All kinds together."""
        return self.template_cache_bytes + self.upload_bytes + self.partial_bytes


@dataclass(frozen=True, slots=True)
class Usage:
    """One measurement."""

    template_cache_bytes: int
    upload_bytes: int
    partial_bytes: int
    process_ram_bytes: int  # resident set of this process
    used_vram_bytes: int | None  # of the GPU, by everybody; None: no GPU, or it does not say

    @property
    def disk_bytes(self) -> int:
        """All files together."""
        return self.template_cache_bytes + self.upload_bytes + self.partial_bytes


@dataclass(frozen=True, slots=True)
class ClearReport:
    """Measured before and after clearing."""

    before: Usage
    after: Usage
    engine_cleared: bool  # False: the engine was busy loading, so only files were removed

    @property
    def freed_disk_bytes(self) -> int:
        """What the disk got back; never negative."""
        return max(0, self.before.disk_bytes - self.after.disk_bytes)

    @property
    def freed_ram_bytes(self) -> int:
        """What the process gave back; never negative, for a job may have grown meanwhile."""
        return max(0, self.before.process_ram_bytes - self.after.process_ram_bytes)

    @property
    def freed_vram_bytes(self) -> int | None:
        """What the GPU got back; None when it does not say."""
        if self.before.used_vram_bytes is None or self.after.used_vram_bytes is None:
            return None
        return max(0, self.before.used_vram_bytes - self.after.used_vram_bytes)


class Cleaner:
    """Clear cache, as the button does it."""

    def __init__(
        self, settings: Settings, worker: EngineWorker, retention: Retention, monitor: GpuMonitor | None
    ) -> None:
        self._settings = settings
        self._worker = worker
        self._retention = retention
        self._monitor = monitor

    def preview(self) -> ClearPreview:
        """What `clear` would free on the disk."""
        return ClearPreview(
            template_cache_bytes=self._worker.clearable_template_bytes,
            upload_bytes=sum(map(file_bytes, self._retention.unneeded_uploads())),
            partial_bytes=sum(map(file_bytes, self._retention.orphaned_partials())),
        )

    def clear(self) -> ClearReport:
        """Free what no job holds, measuring before and after."""
        before = self._measure()
        engine_cleared = self._worker.clear_caches(ENGINE_WAIT_SECONDS)
        self._retention.remove_unneeded()
        return ClearReport(before, self._measure(), engine_cleared)

    def _measure(self) -> Usage:
        return Usage(
            template_cache_bytes=folder_bytes(self._settings.templates_dir),
            upload_bytes=folder_bytes(self._settings.uploads_dir),
            partial_bytes=sum(map(file_bytes, self._settings.output_dir.glob(PARTIAL_PATTERN))),
            process_ram_bytes=process_ram_bytes(),
            used_vram_bytes=self._used_vram_bytes(),
        )

    def _used_vram_bytes(self) -> int | None:
        sample = self._monitor.read(max_age_seconds=0) if self._monitor else None
        if sample is None or sample.total_vram_bytes.value is None or sample.free_vram_bytes.value is None:
            return None
        return sample.total_vram_bytes.value - sample.free_vram_bytes.value
