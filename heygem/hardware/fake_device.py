"""A device that counts its memory and breaks when it is told to.

For tests of whatever keeps models: it speaks `DeviceMemory`, and gives out blocks as an allocator would, down
to the blocks that an allocator keeps after a free. Its errors carry PyTorch's own words.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

FaultKind = Literal["out of memory", "lost"]

OUT_OF_MEMORY = "CUDA out of memory. Tried to allocate {size} bytes."
LOST = "CUDA error: an illegal memory access was encountered"


class FakeBlock:
    """Memory in use, until `free`."""

    def __init__(self, size_bytes: int, free: Callable[["FakeBlock"], None]) -> None:
        self.size_bytes = size_bytes
        self._free = free

    def free(self) -> None:
        """Hand it back to the allocator; twice is once."""
        self._free(self)


class FakeDevice:
    """A `DeviceMemory` with a capacity.

    Attributes:
        others_bytes: what other programs hold; change it to let them come and go.
        leak_bytes_per_free: what each free fails to return to the device.
        calls: allocations and runs so far; faults are dated by it.
        is_lost: after a sticky fault every further call fails, as in a real process.
    """

    name = "Fake device"
    is_exact = True

    def __init__(self, capacity_bytes: int, others_bytes: int = 0) -> None:
        self.capacity_bytes = capacity_bytes
        self.others_bytes = others_bytes
        self.leak_bytes_per_free = 0
        self.calls = 0
        self.is_lost = False
        self._faults: dict[int, FaultKind] = {}
        self._live: set[FakeBlock] = set()
        self._kept_bytes = 0  # freed by tensors, not yet by the allocator
        self._leaked_bytes = 0
        self._peak_bytes = 0

    def fail_at(self, call: int, kind: FaultKind) -> None:
        """Break at the `call`-th call from now, counted from 1."""
        self._faults[self.calls + call] = kind

    def allocate(self, size_bytes: int) -> FakeBlock:
        """Take memory.

        Raises:
            RuntimeError: there is not so much, or a fault is due.
        """
        self._count_call(size_bytes)
        if size_bytes > (self.free_bytes() or 0):
            raise RuntimeError(OUT_OF_MEMORY.format(size=size_bytes))
        self._kept_bytes = max(0, self._kept_bytes - size_bytes)
        block = FakeBlock(size_bytes, self._release)
        self._live.add(block)
        self._peak_bytes = max(self._peak_bytes, self.tensor_bytes())
        return block

    @contextmanager
    def run(self, working_bytes: int) -> Iterator[None]:
        """Compute something that needs `working_bytes` meanwhile. Raises like `allocate`."""
        block = self.allocate(working_bytes)
        try:
            yield
        finally:
            block.free()

    def free_bytes(self) -> int | None:
        return self.capacity_bytes - self.others_bytes - self._leaked_bytes - self.tensor_bytes()

    def tensor_bytes(self) -> int:
        return sum(block.size_bytes for block in self._live)

    def device_used_bytes(self) -> int:
        return self.others_bytes + self._leaked_bytes + self._kept_bytes + self.tensor_bytes()

    def reset_peak(self) -> None:
        self._peak_bytes = self.tensor_bytes()

    def peak_bytes(self) -> int:
        return self._peak_bytes

    def give_back(self) -> None:
        self._kept_bytes = 0

    def _count_call(self, size_bytes: int) -> None:
        self.calls += 1
        kind = self._faults.pop(self.calls, None)
        self.is_lost = self.is_lost or kind == "lost"
        if self.is_lost:
            raise RuntimeError(LOST)
        if kind == "out of memory":
            raise RuntimeError(OUT_OF_MEMORY.format(size=size_bytes))

    def _release(self, block: FakeBlock) -> None:
        if block in self._live:
            self._live.remove(block)
            leaked = min(self.leak_bytes_per_free, block.size_bytes)
            self._leaked_bytes += leaked
            self._kept_bytes += block.size_bytes - leaked
