"""Arrays to the device and back without waiting: pinned memory and an event where the device is a GPU."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from heygem.engines.mesh.device.host_buffers import HostBuffers


@dataclass(frozen=True, slots=True)
class Arriving:
    """Tensors on their way to the host; `arrays()` waits for them, asleep rather than spinning."""

    tensors: tuple[Tensor, ...]
    done: torch.cuda.Event | None

    def arrays(self) -> list[NDArray[np.uint8]]:
        if self.done is not None:
            self.done.synchronize()
        return [tensor.numpy() for tensor in self.tensors]


class Wire:
    """The way between this program's memory and `device`. Everything runs in the order it was asked for."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._buffers = HostBuffers(_pinned, self._mark) if device.type == "cuda" else None

    def staging(self, shape: tuple[int, ...]) -> Tensor:
        """Host memory (uint8) that `up` can send from without another copy."""
        if self._buffers is None:
            return torch.empty(shape, dtype=torch.uint8)
        return self._buffers.take(shape, torch.uint8)

    def up(self, values: NDArray[Any] | Tensor) -> Tensor:
        """A copy on the device; the host's values may change once this returns, unless they are staging."""
        tensor = torch.from_numpy(values) if isinstance(values, np.ndarray) else values
        if self._buffers is None:
            return tensor
        if not tensor.is_pinned():
            tensor = self._buffers.take(tuple(tensor.shape), tensor.dtype).copy_(tensor)
        return tensor.to(self.device, non_blocking=True)

    def down(self, tensors: list[Tensor]) -> Arriving:
        """Start copies to the host."""
        if self._buffers is None:
            return Arriving(tuple(tensors), None)
        hosts = [self._buffers.take(tuple(tensor.shape), tensor.dtype) for tensor in tensors]
        for host, tensor in zip(hosts, tensors, strict=True):
            host.copy_(tensor, non_blocking=True)
        return Arriving(tuple(hosts), self._mark(blocking=True))

    def _mark(self, *, blocking: bool = False) -> torch.cuda.Event:
        """An event after all that was asked for until now."""
        mark = torch.cuda.Event(blocking=blocking)  # type: ignore[no-untyped-call]
        mark.record(torch.cuda.current_stream(self.device))
        return mark


def _pinned(byte_count: int) -> Tensor:
    return torch.empty(byte_count, dtype=torch.uint8, pin_memory=True)
