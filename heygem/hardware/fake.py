"""A machine's GPUs as a test or a demonstration wants them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from heygem.hardware.nvml import NvmlError, NvmlFault

Question = Literal["name", "memory", "utilization", "temperature", "power", "mig"]


@dataclass(slots=True)
class FakeGpu:
    """One GPU; change a field to let time pass. `faults` says which question fails, and how."""

    uuid: str = "GPU-00000000"
    name: str = "NVIDIA Fake"
    total_vram_bytes: int = 24 * 1024**3
    free_vram_bytes: int = 20 * 1024**3
    utilization_percent: int = 0
    temperature_celsius: int = 40
    power_watts: float = 55.0
    mig_devices: Sequence["FakeGpu"] = ()
    faults: Mapping[Question, NvmlFault] = field(default_factory=dict)


class FakeNvml:
    """An `Nvml` over FakeGpus. `fault` makes opening fail; `calls` counts the questions that were asked."""

    def __init__(self, gpus: Sequence[FakeGpu] = (), fault: NvmlFault | None = None) -> None:
        self.gpus = list(gpus)
        self.fault = fault
        self.calls = 0

    def open(self) -> None:
        if self.fault is not None:
            raise NvmlError(self.fault)

    def device_count(self) -> int:
        return len(self.gpus)

    def device_at(self, index: int) -> FakeGpu:
        return self.gpus[index]

    def device_with_uuid(self, uuid: str) -> FakeGpu:
        everything = [device for gpu in self.gpus for device in (gpu, *gpu.mig_devices)]
        for device in everything:
            if device.uuid.startswith(uuid):
                return device
        raise NvmlError(NvmlFault.ABSENT)

    def mig_device_of(self, device: FakeGpu) -> FakeGpu | None:
        self._answer(device, "mig")
        return device.mig_devices[0] if device.mig_devices else None

    def name(self, device: FakeGpu) -> str:
        self._answer(device, "name")
        return device.name

    def memory_bytes(self, device: FakeGpu) -> tuple[int, int]:
        self._answer(device, "memory")
        return device.total_vram_bytes, device.free_vram_bytes

    def utilization_percent(self, device: FakeGpu) -> int:
        self._answer(device, "utilization")
        return device.utilization_percent

    def temperature_celsius(self, device: FakeGpu) -> int:
        self._answer(device, "temperature")
        return device.temperature_celsius

    def power_watts(self, device: FakeGpu) -> float:
        self._answer(device, "power")
        return device.power_watts

    def _answer(self, device: FakeGpu, question: Question) -> None:
        self.calls += 1
        if question in device.faults:
            raise NvmlError(device.faults[question])
