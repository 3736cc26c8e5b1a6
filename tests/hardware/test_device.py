"""Choosing a device, and reading its exceptions."""

from dataclasses import dataclass

import pytest

from heygem.errors import DeviceError, DeviceLostError, DeviceMemoryError, DeviceUnavailableError
from heygem.hardware.device import Device, choose_device, classify_device_error


@dataclass(frozen=True)
class FakeCuda:
    count: int
    built: bool = True

    def device_count(self) -> int:
        return self.count

    def is_built(self) -> bool:
        return self.built


@pytest.mark.parametrize(
    ("asked", "name"), [("auto", "cuda:0"), ("cuda", "cuda:0"), ("cuda:1", "cuda:1"), ("cpu", "cpu")]
)
def test_the_asked_for_device_is_taken_without_comment(asked: str, name: str) -> None:
    device = choose_device(asked, FakeCuda(2))
    assert (device.name, device.note) == (name, "")


@pytest.mark.parametrize(
    ("cuda", "reason"), [(FakeCuda(0), "No NVIDIA GPU"), (FakeCuda(0, built=False), "without GPU support")]
)
def test_auto_falls_back_to_the_cpu_and_says_so(cuda: FakeCuda, reason: str) -> None:
    device = choose_device("auto", cuda)
    assert device.kind == "cpu"
    assert reason in device.note


@pytest.mark.parametrize("asked", ["cuda", "cuda:2"])
def test_a_gpu_that_is_not_there_is_refused(asked: str) -> None:
    with pytest.raises(DeviceUnavailableError, match="--device auto"):
        choose_device(asked, FakeCuda(0 if asked == "cuda" else 2))


def test_the_cpu_does_not_ask_for_gpus() -> None:
    class NoCuda:
        def device_count(self) -> int:
            raise AssertionError("torch would be imported")

        is_built = device_count

    assert choose_device("cpu", NoCuda()) == Device("cpu")


class OutOfMemoryError(RuntimeError):
    """As torch names its own."""


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (OutOfMemoryError("Tried to allocate 2 GiB"), DeviceMemoryError),
        (RuntimeError("CUDA out of memory. Tried to allocate"), DeviceMemoryError),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), DeviceMemoryError),
        (RuntimeError("DefaultCPUAllocator: not enough memory: you tried"), DeviceMemoryError),
        (MemoryError(), DeviceMemoryError),
        (RuntimeError("CUDA error: an illegal memory access was encountered"), DeviceLostError),
        (RuntimeError("CUDA error: device-side assert triggered"), DeviceLostError),
        (RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR"), DeviceLostError),
        (RuntimeError("CUDA error: unspecified launch failure"), DeviceLostError),
        (RuntimeError("The size of tensor a (3) must match"), None),
        (ValueError("an illegal memory access is only quoted here"), None),
    ],
)
def test_exceptions_are_read(error: Exception, meaning: type[DeviceError] | None) -> None:
    found = classify_device_error(error)
    assert (type(found) if found else None) is meaning


def test_a_device_error_is_its_own_meaning() -> None:
    error = DeviceMemoryError("told already")
    assert classify_device_error(error) is error
