"""Arrays to the device and back without waiting: pinned memory and an event where the device is a GPU."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Arriving:
    """Tensors on their way to the host; `arrays()` waits for them, asleep rather than spinning."""

    tensors: tuple[Tensor, ...]
    done: torch.cuda.Event | None

    def arrays(self) -> list[NDArray[np.uint8]]:
        if self.done is not None:
            self.done.synchronize()
        return [tensor.numpy() for tensor in self.tensors]


@dataclass(frozen=True, slots=True)
class Wire:
    """The way between this program's memory and `device`. Everything runs in the order it was asked for."""

    device: torch.device

    @property
    def is_gpu(self) -> bool:
        return self.device.type == "cuda"

    def staging(self, shape: tuple[int, ...]) -> Tensor:
        """Host memory (uint8) that `up` can send from without another copy."""
        return torch.empty(shape, dtype=torch.uint8, pin_memory=self.is_gpu)

    def up(self, values: NDArray[Any] | Tensor) -> Tensor:
        """A copy on the device; the host's values may change once this returns, unless they are staging."""
        tensor = torch.from_numpy(values) if isinstance(values, np.ndarray) else values
        if not self.is_gpu:
            return tensor
        if not tensor.is_pinned():
            tensor = tensor.pin_memory()
        return tensor.to(self.device, non_blocking=True)

    def down(self, tensors: list[Tensor]) -> Arriving:
        """Start copies to the host."""
        if not self.is_gpu:
            return Arriving(tuple(tensors), None)
        hosts = []
        for tensor in tensors:
            host = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
            hosts.append(host.copy_(tensor, non_blocking=True))
        done = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]
        done.record(torch.cuda.current_stream(self.device))
        return Arriving(tuple(hosts), done)
