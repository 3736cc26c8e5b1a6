"""The part of NVIDIA's management library that is used: a protocol, and the real one. No CUDA context."""

from collections.abc import Callable
from enum import StrEnum
from importlib import import_module
from typing import Any, Protocol

Device = Any  # what an Nvml gives out, to be handed back to it


class NvmlFault(StrEnum):
    """Why NVML did not answer."""

    ABSENT = "absent"  # no library, no driver, or no such GPU
    UNSUPPORTED = "unsupported"  # this GPU or this driver cannot tell
    UNKNOWN = "unknown"  # no permission, GPU lost, or anything else


class NvmlError(Exception):
    """NVML did not answer."""

    def __init__(self, fault: NvmlFault) -> None:
        super().__init__(fault.value)
        self.fault = fault


class Nvml(Protocol):
    """What the telemetry asks. Every method may raise NvmlError."""

    def open(self) -> None:
        """Connect to the driver; may be called again after a fault."""

    def device_count(self) -> int:
        """GPUs of the machine, in the order of the PCI bus."""

    def device_at(self, index: int) -> Device:
        """The GPU at `index` of the machine."""

    def device_with_uuid(self, uuid: str) -> Device:
        """A GPU by "GPU-…" (the beginning is enough) or a MIG device by "MIG-…"."""

    def mig_device_of(self, device: Device) -> Device | None:
        """The first MIG device of a GPU that is divided, None for a whole GPU."""

    def name(self, device: Device) -> str:
        """What the maker calls it."""

    def memory_bytes(self, device: Device) -> tuple[int, int]:
        """(total, free)."""

    def utilization_percent(self, device: Device) -> int:
        """Share of the last sample period in which a kernel ran, 0-100."""

    def temperature_celsius(self, device: Device) -> int:
        """Of the chip."""

    def power_watts(self, device: Device) -> float:
        """Of the board."""


class DriverNvml:
    """The driver's own, through nvidia-ml-py (whose module is called pynvml)."""

    def __init__(self, load: Callable[[], Any] = lambda: import_module("pynvml")) -> None:
        """`load` imports the module."""
        self._load = load
        self._pynvml: Any = None

    def open(self) -> None:
        try:
            self._pynvml = self._load()
        except ImportError as error:
            raise NvmlError(NvmlFault.ABSENT) from error
        self._ask("nvmlInit")

    def device_count(self) -> int:
        return int(self._ask("nvmlDeviceGetCount"))

    def device_at(self, index: int) -> Device:
        return self._ask("nvmlDeviceGetHandleByIndex", index)

    def device_with_uuid(self, uuid: str) -> Device:
        if uuid.startswith("MIG-"):
            return self._ask("nvmlDeviceGetHandleByUUID", uuid)
        for index in range(self.device_count()):
            device = self.device_at(index)
            if str(self._ask("nvmlDeviceGetUUID", device)).startswith(uuid):
                return device
        raise NvmlError(NvmlFault.ABSENT)

    def mig_device_of(self, device: Device) -> Device | None:
        try:
            is_divided, _ = self._ask("nvmlDeviceGetMigMode", device)
        except NvmlError as error:
            if error.fault is NvmlFault.UNSUPPORTED:
                return None
            raise
        return self._ask("nvmlDeviceGetMigDeviceHandleByIndex", device, 0) if is_divided else None

    def name(self, device: Device) -> str:
        return str(self._ask("nvmlDeviceGetName", device))

    def memory_bytes(self, device: Device) -> tuple[int, int]:
        memory = self._ask("nvmlDeviceGetMemoryInfo", device)
        return int(memory.total), int(memory.free)

    def utilization_percent(self, device: Device) -> int:
        return int(self._ask("nvmlDeviceGetUtilizationRates", device).gpu)

    def temperature_celsius(self, device: Device) -> int:
        return int(self._ask("nvmlDeviceGetTemperature", device, 0))  # 0: NVML_TEMPERATURE_GPU

    def power_watts(self, device: Device) -> float:
        return float(self._ask("nvmlDeviceGetPowerUsage", device)) / 1000  # milliwatts -> watts

    def _ask(self, function: str, *arguments: Any) -> Any:
        """Look the function up at each call: older drivers and modules miss some."""
        if self._pynvml is None:
            raise NvmlError(NvmlFault.ABSENT)
        ask: Callable[..., Any] | None = getattr(self._pynvml, function, None)
        if ask is None:
            raise NvmlError(NvmlFault.UNSUPPORTED)
        try:
            return ask(*arguments)
        except self._pynvml.NVMLError as error:
            raise NvmlError(_fault_of(type(error).__name__)) from error


def _fault_of(error_name: str) -> NvmlFault:
    match error_name.removeprefix("NVMLError_"):
        case "LibraryNotFound" | "DriverNotLoaded" | "NotFound":
            return NvmlFault.ABSENT
        case "NotSupported" | "FunctionNotFound":
            return NvmlFault.UNSUPPORTED
        case _:
            return NvmlFault.UNKNOWN
