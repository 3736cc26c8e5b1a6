"""The memory that models live in: how much is free, who holds it, how much a stretch of work took.

`DeviceMemory` is what the model registry asks; a GPU and the machine's own RAM answer it here, a fake with
faults in `heygem.hardware.fake_device`.
"""

import gc
import os
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from heygem.hardware.device import Device
from heygem.hardware.gpu import GpuMonitor
from heygem.hardware.memory import process_ram_bytes, read_ram, trim_heaps
from heygem.hardware.nvml import DriverNvml

_CLEAR_REFS = Path("/proc/self/clear_refs")
_STATUS = Path("/proc/self/status")
_RESET_PEAK = "5"  # <linux/fs/proc>: the resident set's high-water mark becomes its present size


class DeviceMemory(Protocol):
    """Asked on the engine thread."""

    @property
    def name(self) -> str:
        """Of the device; what was measured on another says nothing here."""

    @property
    def is_exact(self) -> bool:
        """Whether tensors are counted apart from all else; if not, small differences mean nothing."""

    def free_bytes(self) -> int | None:
        """What this process could still get; None if nobody can tell."""

    def tensor_bytes(self) -> int:
        """What this process's tensors hold."""

    def device_used_bytes(self) -> int:
        """What is taken, as the device itself says: by tensors, allocators and other programs."""

    def reset_peak(self) -> None:
        """Begin to watch."""

    def peak_bytes(self) -> int:
        """The most that tensors held since `reset_peak`."""

    def give_back(self) -> None:
        """Return what allocators keep for later."""


class HostMemory:
    """RAM. Tensors cannot be told from the rest of the process here: all of its resident set counts."""

    name = "cpu"
    is_exact = False

    def free_bytes(self) -> int | None:
        return read_ram().free_bytes

    def tensor_bytes(self) -> int:
        return process_ram_bytes()

    def device_used_bytes(self) -> int:
        return process_ram_bytes()

    def reset_peak(self) -> None:
        with suppress(OSError):  # some containers forbid it; the peak is then that of the whole process
            _CLEAR_REFS.write_text(_RESET_PEAK)

    def peak_bytes(self) -> int:
        return _high_water_bytes()

    def give_back(self) -> None:
        gc.collect()
        trim_heaps()


class CudaMemory:
    """A GPU's memory: PyTorch's allocator for what is ours, NVML for what is there."""

    is_exact = True

    def __init__(self, index: int, monitor: GpuMonitor) -> None:
        """Args:
        index: of the GPU, as CUDA counts; `monitor` watches the same one.
        """
        import torch

        self._cuda: Any = torch.cuda
        self._index = index
        self._monitor = monitor

    @property
    def name(self) -> str:
        return str(self._cuda.get_device_name(self._index))

    def free_bytes(self) -> int | None:
        unused = self._cuda.memory_reserved(self._index) - self.tensor_bytes()
        return self._total_and_free()[1] + int(unused)

    def tensor_bytes(self) -> int:
        return int(self._cuda.memory_allocated(self._index))

    def device_used_bytes(self) -> int:
        total, free = self._total_and_free()
        return total - free

    def reset_peak(self) -> None:
        self._cuda.synchronize(self._index)
        self._cuda.reset_peak_memory_stats(self._index)

    def peak_bytes(self) -> int:
        self._cuda.synchronize(self._index)
        return int(self._cuda.max_memory_allocated(self._index))

    def give_back(self) -> None:
        gc.collect()
        self._cuda.synchronize(self._index)
        self._cuda.empty_cache()

    def _total_and_free(self) -> tuple[int, int]:
        """NVML's answer; the CUDA runtime's where NVML has none (a container without permission)."""
        sample = self._monitor.read(max_age_seconds=0)
        if sample is not None and sample.total_vram_bytes.value and sample.free_vram_bytes.value is not None:
            return sample.total_vram_bytes.value, sample.free_vram_bytes.value
        free, total = self._cuda.mem_get_info(self._index)
        return int(total), int(free)


def device_memory(device: Device) -> DeviceMemory:
    """That of the device the models live on."""
    if device.kind == "cpu":
        return HostMemory()
    return CudaMemory(device.index, GpuMonitor(DriverNvml(), device.index, os.environ))


def _high_water_bytes() -> int:
    for line in _STATUS.read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return process_ram_bytes()
