"""Memory for transfers: nobody gets what another holds or what the device still copies; nothing is freed."""

import weakref
from dataclasses import dataclass, field

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from heygem.engines.mesh.device.host_buffers import HostBuffers


@dataclass
class FakeStream:
    """A device that comes to its marks when it is told to, or is lost."""

    reached: int = 0
    asked: int = 0
    is_lost: bool = False
    made: list[Tensor] = field(default_factory=list)

    def make(self, byte_count: int) -> Tensor:
        self.made.append(torch.empty(byte_count, dtype=torch.uint8))
        return self.made[-1]

    def mark(self) -> "FakeMark":
        self.asked += 1
        return FakeMark(self, self.asked)


@dataclass(frozen=True)
class FakeMark:
    stream: FakeStream
    number: int

    def query(self) -> bool:
        if self.stream.is_lost:
            raise RuntimeError("CUDA error: an illegal memory access was encountered")
        return self.stream.reached >= self.number


def test_memory_comes_back_once_nobody_refers_to_it() -> None:
    stream = FakeStream(reached=9)
    buffers = HostBuffers(stream.make, stream.mark)
    first = buffers.take((3, 5), torch.float32)
    place = first.data_ptr()
    second = buffers.take((60,), torch.uint8)
    assert second.data_ptr() != place and len(stream.made) == 2
    del first
    assert buffers.take((4, 4), torch.int64).data_ptr() == place
    assert len(stream.made) == 2


def test_an_array_holds_it_too() -> None:
    stream = FakeStream(reached=9)
    buffers = HostBuffers(stream.make, stream.mark)
    row = buffers.take((2, 8), torch.uint8).numpy()[1]
    buffers.take((16,), torch.uint8).fill_(1)
    row[:] = 7
    buffers.take((16,), torch.uint8).fill_(1)
    assert row.tolist() == [7] * 8


def test_what_the_device_still_copies_is_not_given_out() -> None:
    stream = FakeStream()
    buffers = HostBuffers(stream.make, stream.mark)
    place = buffers.take((8,), torch.uint8).data_ptr()
    waiting = buffers.take((8,), torch.uint8)
    assert waiting.data_ptr() != place
    stream.reached = stream.asked
    assert buffers.take((8,), torch.uint8).data_ptr() == place


def test_a_lost_device_is_told_and_nothing_is_freed() -> None:
    stream = FakeStream()
    buffers = HostBuffers(stream.make, stream.mark)
    held = buffers.take((8,), torch.uint8)
    made = weakref.ref(stream.made.pop())
    stream.is_lost = True
    del held
    with pytest.raises(RuntimeError, match="CUDA"):
        buffers.take((8,), torch.uint8)
    assert made() is not None


SHAPES = st.lists(st.integers(0, 40), min_size=1, max_size=3).map(tuple)
DTYPES = st.sampled_from([torch.uint8, torch.float32, torch.int64, torch.bool])


@given(st.lists(st.tuples(SHAPES, DTYPES, st.booleans(), st.integers(0, 3)), max_size=30))
def test_nobody_shares(orders: list[tuple[tuple[int, ...], torch.dtype, bool, int]]) -> None:
    """Whatever is taken, kept and let go: what is held keeps its values."""
    stream = FakeStream()
    buffers = HostBuffers(stream.make, stream.mark)
    held: list[tuple[Tensor, int]] = []
    for number, (shape, dtype, is_kept, steps) in enumerate(orders):
        tensor = buffers.take(shape, dtype)
        assert tensor.shape == shape and tensor.dtype == dtype
        tensor.fill_(number % 2)
        if is_kept:
            held.append((tensor, number % 2))
        stream.reached = min(stream.asked, stream.reached + steps)
        assert all((one == value).all() for one, value in held)
