"""Where the models live, and what a device's exception means."""

import os
from dataclasses import dataclass
from typing import Literal, Protocol

from heygem.errors import DeviceError, DeviceLostError, DeviceMemoryError, DeviceUnavailableError

_MEMORY_SIGNS = (
    "out of memory",
    "not enough memory",
    "can't allocate memory",
    "cublas_status_alloc_failed",
    "cudnn_status_alloc_failed",
)
# After these every further call of the process fails too.
_LOST_SIGNS = (
    "illegal memory access",
    "illegal instruction",
    "illegal address",
    "misaligned address",
    "device-side assert",
    "unspecified launch failure",
    "launch timed out",
    "hardware stack error",
    "uncorrectable ecc",
    "fallen off the bus",
    "device is lost",
    "gpu is lost",
    "driver shutting down",
    "cudnn_status_internal_error",
    "cudnn_status_execution_failed",
    "cublas_status_execution_failed",
    "cublas_status_internal_error",
)


@dataclass(frozen=True, slots=True)
class Device:
    """A device that is there. `note` says why it is not the one a user would expect, "" if it is."""

    kind: Literal["cpu", "cuda"]
    index: int = 0
    note: str = ""

    @property
    def name(self) -> str:
        """As PyTorch spells it."""
        return "cpu" if self.kind == "cpu" else f"cuda:{self.index}"


class Cuda(Protocol):
    """What there is to know before a device is chosen."""

    def device_count(self) -> int:
        """Usable GPUs."""

    def is_built(self) -> bool:
        """Whether this PyTorch could use a GPU at all."""


class TorchCuda:
    """PyTorch's answer; imports torch when asked."""

    def device_count(self) -> int:
        # CUDA would count the fastest GPU first, NVML and nvidia-smi count by PCI bus: let all agree.
        os.environ.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")
        import torch

        return torch.cuda.device_count() if torch.cuda.is_available() else 0

    def is_built(self) -> bool:
        import torch

        return torch.version.cuda is not None


def choose_device(asked: str, cuda: Cuda) -> Device:
    """Find the device for "auto", "cpu", "cuda" or "cuda:<index>".

    Raises:
        DeviceUnavailableError: a GPU was asked for by name and is not there.
    """
    if asked == "cpu":
        return Device("cpu")
    count = cuda.device_count()
    index = int(asked.partition(":")[2] or 0)
    if index < count:
        return Device("cuda", index)
    reason = _why_no_gpu(index, count, cuda.is_built())
    if asked == "auto":
        return Device("cpu", note=f"{reason} The CPU is used.")
    raise DeviceUnavailableError(f"{reason} Start with --device auto or --device cpu.", device=asked)


def classify_device_error(error: BaseException) -> DeviceError | None:
    """The meaning of an exception that came out of a model, None if the device is not to blame."""
    if isinstance(error, DeviceError):
        return error
    text = str(error).lower()
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return _memory_error()
    if not isinstance(error, RuntimeError):
        return None
    if any(sign in text for sign in _LOST_SIGNS):
        return DeviceLostError("The GPU stopped answering; HeyGem has to start again.")
    if any(sign in text for sign in _MEMORY_SIGNS):
        return _memory_error()
    return None


def _memory_error() -> DeviceMemoryError:
    return DeviceMemoryError(
        "There is not enough memory on the device for this job: "
        "close other programs that use it, or take a smaller template."
    )


def _why_no_gpu(index: int, count: int, is_built: bool) -> str:
    if not is_built:
        return "This PyTorch was built without GPU support."
    if count == 0:
        return "No NVIDIA GPU can be used here."
    return f"GPU {index} is not there: this machine has {count}."
