"""Host memory for transfers that is used again and again and freed no earlier than the engine."""

import math
import weakref
from collections import defaultdict, deque
from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

LEAST_BYTES = 1 << 9


class Mark(Protocol):
    """Something the device comes past; `torch.cuda.Event` is one."""

    def query(self) -> bool:
        """Whether it has."""


class HostBuffers:
    """For one thread and one stream. What was taken comes back by itself once nobody refers to it any more.

    PyTorch's own pinned memory asks the device for an event whenever a tensor of it is freed, in a
    destructor: on a device that is lost the question fails, and C++ aborts the process. Buffers that are kept
    as long as the engine lives are not freed while failed work is unwound.
    """

    def __init__(self, make: Callable[[int], Tensor], mark: Callable[[], Mark]) -> None:
        """Args:
        make: a new buffer of so many bytes, (bytes,) uint8.
        mark: after all that the device was asked for until now.
        """
        self._make, self._mark = make, mark
        self._returned: defaultdict[int, deque[Tensor]] = defaultdict(deque)  # copies may be under way
        self._clearing: defaultdict[int, deque[tuple[Mark, Tensor]]] = defaultdict(deque)

    def take(self, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        """Memory with anything in it; it is yours as long as the tensor or any view or array of it lives."""
        count = math.prod(shape) * dtype.itemsize
        size = max(LEAST_BYTES, 1 << (count - 1).bit_length())
        buffer = self._cleared(size)
        if buffer is None:
            buffer = self._make(size)
        window = buffer.numpy()[:count]  # torch lets go of it with the last tensor that shares its memory
        weakref.finalize(window, self._returned[size].append, buffer).atexit = False
        return torch.from_numpy(window).view(dtype).view(shape)

    def _cleared(self, size: int) -> Tensor | None:
        """A buffer that nobody holds and that the device has done with."""
        returned, clearing = self._returned[size], self._clearing[size]
        if returned:
            mark = self._mark()
            clearing.extend((mark, returned.popleft()) for _ in range(len(returned)))
        if clearing and clearing[0][0].query():
            return clearing.popleft()[1]
        return None
