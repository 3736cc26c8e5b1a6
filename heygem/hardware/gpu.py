"""What the page may know of the GPU: each figure is a value, unsupported or unknown, and never a false 0."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from threading import Lock
from time import monotonic
from typing import Generic, TypeVar

from heygem.hardware.nvml import Device, Nvml, NvmlError, NvmlFault

SAMPLE_SECONDS = 1.0

_T = TypeVar("_T")


class ReadingState(StrEnum):
    """Whether there is a figure, and if not, why not."""

    VALUE = "value"
    UNSUPPORTED = "unsupported"  # this GPU never tells
    UNKNOWN = "unknown"  # it could not be read now


@dataclass(frozen=True, slots=True)
class Reading(Generic[_T]):
    """One figure. `value` is None exactly when `state` is not VALUE."""

    value: _T | None
    state: ReadingState = ReadingState.VALUE


@dataclass(frozen=True, slots=True)
class GpuTelemetry:
    """One sample of one GPU."""

    name: str  # "" when not even that can be read
    total_vram_bytes: Reading[int]
    free_vram_bytes: Reading[int]
    utilization_percent: Reading[int]
    temperature_celsius: Reading[int]
    power_watts: Reading[float]


class GpuMonitor:
    """Samples one GPU, normally at most once a second however often it is asked; any thread may ask."""

    def __init__(
        self,
        nvml: Nvml,
        visible_index: int,
        environ: Mapping[str, str],
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """Args:
        visible_index: the number a program gives the GPU, counted within CUDA_VISIBLE_DEVICES.
        environ: read for CUDA_VISIBLE_DEVICES.
        clock: seconds, for the age of a sample.
        """
        self._nvml = nvml
        self._visible_index = visible_index
        self._visible_devices = environ.get("CUDA_VISIBLE_DEVICES")
        self._clock = clock
        self._lock = Lock()
        self._device: Device | None = None
        self._name = ""
        self._is_absent = False
        self._sample: GpuTelemetry | None = None
        self._sampled_at = float("-inf")

    def read(self, max_age_seconds: float = SAMPLE_SECONDS) -> GpuTelemetry | None:
        """The latest sample, or a new one if that is too old; None when there is no such GPU."""
        with self._lock:
            if not self._is_absent and self._clock() - self._sampled_at >= max_age_seconds:
                self._sample = self._take_sample()
                self._sampled_at = self._clock()
            return self._sample

    def _take_sample(self) -> GpuTelemetry | None:
        try:
            if self._device is None:
                self._nvml.open()
                self._device = find_device(self._nvml, self._visible_devices, self._visible_index)
                self._name = self._nvml.name(self._device)
            return self._read_device(self._device)
        except NvmlError as error:
            self._device = None  # the next sample connects anew
            self._is_absent = error.fault is NvmlFault.ABSENT
            return None if self._is_absent else _unreadable(self._name)

    def _read_device(self, device: Device) -> GpuTelemetry:
        memory = _reading(lambda: self._nvml.memory_bytes(device))
        sample = GpuTelemetry(
            name=self._name,
            total_vram_bytes=_part(memory, 0),
            free_vram_bytes=_part(memory, 1),
            utilization_percent=_reading(lambda: self._nvml.utilization_percent(device)),
            temperature_celsius=_reading(lambda: self._nvml.temperature_celsius(device)),
            power_watts=_reading(lambda: self._nvml.power_watts(device)),
        )
        if memory.state is ReadingState.UNKNOWN:
            self._device = None  # perhaps lost: the next sample looks for it again
        return sample


def find_device(nvml: Nvml, visible_devices: str | None, visible_index: int) -> Device:
    """The GPU, or the MIG device, that CUDA calls `visible_index`.

    Args:
        visible_devices: the value of CUDA_VISIBLE_DEVICES, None when it is not set.

    Raises:
        NvmlError: ABSENT when CUDA would not see such a device.
    """
    if visible_devices is None:
        entry = str(visible_index)
    else:
        entries = [entry.strip() for entry in visible_devices.split(",")]
        entry = entries[visible_index] if visible_index < len(entries) else ""
    if entry.startswith("MIG-"):
        return nvml.device_with_uuid(entry)
    if entry.startswith("GPU-"):
        device = nvml.device_with_uuid(entry)
    elif entry.isdecimal() and int(entry) < nvml.device_count():
        device = nvml.device_at(int(entry))
    else:
        raise NvmlError(NvmlFault.ABSENT)
    return nvml.mig_device_of(device) or device


def _reading(ask: Callable[[], _T]) -> Reading[_T]:
    try:
        return Reading(ask())
    except NvmlError as error:
        is_unsupported = error.fault is NvmlFault.UNSUPPORTED
        return Reading(None, ReadingState.UNSUPPORTED if is_unsupported else ReadingState.UNKNOWN)


def _part(pair: Reading[tuple[int, int]], index: int) -> Reading[int]:
    return Reading(None if pair.value is None else pair.value[index], pair.state)


def _unreadable(name: str) -> GpuTelemetry:
    """A GPU is there, but nothing of it can be read now."""
    whole: Reading[int] = Reading(None, ReadingState.UNKNOWN)
    return GpuTelemetry(name, whole, whole, whole, whole, Reading(None, ReadingState.UNKNOWN))
