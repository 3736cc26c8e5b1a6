"""How the studio is, gathered without waiting for the engine."""

from dataclasses import dataclass

from heygem.engines.status import EngineStatus
from heygem.hardware.gpu import GpuMonitor, GpuTelemetry
from heygem.hardware.memory import disk_free_bytes, read_ram
from heygem.jobs.errands import ErrandKind
from heygem.jobs.job import JobState
from heygem.jobs.store import JobStore
from heygem.jobs.worker import EngineWorker
from heygem.settings import Settings

GPU_HOT_CELSIUS = 87
RAM_LOW_BYTES = 1024**3


@dataclass(frozen=True, slots=True)
class StudioStatus:
    """What the page shows at the top."""

    engine: EngineStatus
    gpu: GpuTelemetry | None  # None: no NVIDIA GPU, or it is not to be used
    free_ram_bytes: int
    total_ram_bytes: int
    queue_length: int  # jobs pending or running
    disk_free_bytes: int  # where results go
    errand: ErrandKind | None  # what an idle engine does meanwhile
    warnings: tuple[str, ...]  # of "cpu_fallback", "gpu_hot", "memory_low", "disk_low", "queue_paused"


class Vitals:
    """Reads the status; cheap enough to be asked every second."""

    def __init__(
        self, settings: Settings, store: JobStore, worker: EngineWorker, monitor: GpuMonitor | None
    ) -> None:
        self._settings = settings
        self._store = store
        self._worker = worker
        self._monitor = monitor

    def telemetry(self) -> GpuTelemetry | None:
        """The GPU of this studio, sampled at most once a second; None without one."""
        return None if self._monitor is None else self._monitor.read()

    def status(self) -> StudioStatus:
        """What the page shows at the top."""
        ram, gpu, counts = read_ram(), self.telemetry(), self._store.counts()
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
            errand=self._worker.errands.running_kind,
            warnings=tuple(key for key, is_there in signs.items() if is_there),
        )
