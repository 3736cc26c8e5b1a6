"""Brings the weights of a file to a device as fast as the wire allows.

A ring of a few buffers is filled by reader threads while the buffers filled before are copied to the device:
reading and copying overlap, and no more than the ring is ever held twice. On a GPU the ring is pinned and the
copies run on a stream of their own; on a CPU the same code runs without pinning. All tensors of a file lie in
one allocation, each on a boundary that every kernel likes. Idea: ServerlessLLM (OSDI 2024), section 4.2.
"""

import itertools
import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import torch
from torch import Tensor

from heygem.errors import WeightsCorruptError
from heygem.models.safetensors_header import StoredTensor, read_header

SLOT_BYTES = {"cuda": 8 * 1024**2, "cpu": 4 * 1024**2}  # on a CPU the ring should stay in its cache
SLOTS = {"cuda": 16, "cpu": 8}
MOST_READERS = 8
CEILING_BYTES = 64 * 1024**2
_ALIGNMENT = 64  # most tensors are multiples of it, so that they land side by side as they are stored


@dataclass(frozen=True, slots=True)
class Transfer:
    """What was moved, and how long that took."""

    bytes: int = 0
    seconds: float = 0.0

    def __add__(self, other: "Transfer") -> "Transfer":
        return Transfer(self.bytes + other.bytes, self.seconds + other.seconds)

    @property
    def bytes_per_second(self) -> float:
        """0.0 when nothing was moved."""
        return self.bytes / self.seconds if self.seconds else 0.0


@dataclass(frozen=True, slots=True)
class _Piece:
    """Part of one tensor, in file order: bytes [start, stop) of a span fill elements from `element` on."""

    tensor: int
    start: int
    stop: int
    element: int


@dataclass(frozen=True, slots=True)
class _Span:
    """A stretch of the file that fills one slot of the ring at most."""

    offset: int
    bytes: int
    pieces: tuple[_Piece, ...]


class _Landing:
    """Room on the device for all tensors of a file, cut from one allocation."""

    def __init__(
        self, stored: Sequence[StoredTensor], dtype: torch.dtype | None, device: torch.device
    ) -> None:
        self._stored = stored
        self._device = device
        self._dtypes = [dtype if dtype and one.dtype.is_floating_point else one.dtype for one in stored]
        sizes = [_count(one) * kind.itemsize for one, kind in zip(stored, self._dtypes, strict=True)]
        self._starts = [0, *itertools.accumulate(-(-size // _ALIGNMENT) * _ALIGNMENT for size in sizes)]
        self._flat = torch.empty(self._starts[-1], dtype=torch.uint8, device=device)
        self._sizes = sizes

    def named(self) -> dict[str, Tensor]:
        """The tensors, each a view."""
        return {
            one.name: self._flat[start : start + size].view(kind).view(one.shape)
            for one, kind, start, size in zip(
                self._stored, self._dtypes, self._starts, self._sizes, strict=False
            )
        }

    def take(self, span: _Span, slot: Tensor) -> None:
        """Copy what a slot holds to where it belongs; neighbours that stay neighbours go together."""
        run_start, run_stop, run_shift = 0, 0, 0  # bytes of the slot, and how far from there they land
        for piece in span.pieces:
            stored, dtype = self._stored[piece.tensor], self._dtypes[piece.tensor]
            landing = self._starts[piece.tensor] + piece.element * dtype.itemsize
            if dtype != stored.dtype:
                self._cast(slot[piece.start : piece.stop].view(stored.dtype), dtype, landing)
            elif landing - piece.start == run_shift and piece.start == run_stop:
                run_stop = piece.stop
            else:
                self._copy(slot, run_start, run_stop, run_shift)
                run_start, run_stop, run_shift = piece.start, piece.stop, landing - piece.start
        self._copy(slot, run_start, run_stop, run_shift)

    def _copy(self, slot: Tensor, start: int, stop: int, shift: int) -> None:
        if stop > start:
            self._flat[start + shift : stop + shift].copy_(slot[start:stop], non_blocking=True)

    def _cast(self, source: Tensor, dtype: torch.dtype, landing: int) -> None:
        """Cast on the device, not here."""
        moved = source.to(self._device, non_blocking=True)
        size = len(source) * dtype.itemsize
        self._flat[landing : landing + size].view(dtype).copy_(moved, non_blocking=True)


class WeightReader:
    """Reads safetensors files to one device, all through one ring. Lives on the engine thread."""

    def __init__(self, device: torch.device, slot_bytes: int | None = None, slots: int | None = None) -> None:
        self._device = device
        self._slot_bytes = slot_bytes or SLOT_BYTES.get(device.type, SLOT_BYTES["cpu"])
        self._slots = slots or SLOTS.get(device.type, SLOTS["cpu"])
        self._ring: list[Tensor] = []
        self._stream: Any = _new_stream(device) if device.type == "cuda" else None
        self._readers = max(1, min(len(os.sched_getaffinity(0)) // 2, self._slots, MOST_READERS))
        self.total = Transfer()  # of all reads so far

    def read(self, path: Path, dtype: torch.dtype | None = None) -> dict[str, Tensor]:
        """All tensors of a file by name, on the device; the floating ones in `dtype` (None: as stored).

        Raises:
            WeightsCorruptError: this is no safetensors file, or not all of one.
        """
        stored = read_header(path)
        spans = list(_spans(stored, self._slot_bytes))
        ring = self._ring_for(spans)
        started = time.perf_counter()
        landing = self._move(path, spans, ring, lambda: _Landing(stored, dtype, self._device))
        seconds = time.perf_counter() - started
        self.total += Transfer(sum(span.bytes for span in spans), seconds)
        return landing.named()

    def ceiling_bytes_per_second(self, path: Path, most_bytes: int = CEILING_BYTES) -> float:
        """What the beginning of a file could reach here and now: the slower of reading and copying alone."""
        stored = _beginning(read_header(path), most_bytes)
        spans = list(_spans(stored, self._slot_bytes))
        ring = self._ring_for(spans)
        slower = max(self._reading_seconds(path, spans, ring), self._copying_seconds(stored, spans, ring))
        return sum(span.bytes for span in spans) / slower

    def release(self) -> None:
        """Give the ring back; the next read makes a new one."""
        self._ring = []

    def _reading_seconds(self, path: Path, spans: Sequence[_Span], ring: Sequence[Tensor]) -> float:
        started = time.perf_counter()
        with path.open("rb") as file, ThreadPoolExecutor(self._readers) as readers:
            slots = itertools.islice(itertools.cycle(ring), len(spans))
            list(readers.map(_fill, itertools.repeat(file), spans, slots))
        return time.perf_counter() - started

    def _copying_seconds(
        self, stored: Sequence[StoredTensor], spans: Sequence[_Span], ring: Sequence[Tensor]
    ) -> float:
        started = time.perf_counter()
        landing = _Landing(stored, None, self._device)
        with self._copying():
            for span, slot in zip(spans, itertools.cycle(ring), strict=False):
                landing.take(span, slot)
        self._finish()
        return time.perf_counter() - started

    def _move(
        self, path: Path, spans: Sequence[_Span], ring: Sequence[Tensor], land: Callable[[], _Landing]
    ) -> _Landing:
        """Keep every reader at work, and copies in line behind the one that runs."""
        waiting = iter(spans)
        copying: deque[tuple[Tensor, Any]] = deque()
        most_copying = max(len(ring) - self._readers, 0)
        with path.open("rb") as file, ThreadPoolExecutor(self._readers) as readers, self._copying():
            filling = deque(
                (span, slot, readers.submit(_fill, file, span, slot))
                for slot, span in zip(ring, waiting, strict=False)
            )
            landing = land()  # a large allocation takes its time: by now the readers are at work
            while filling:
                span, slot, filled = filling.popleft()
                filled.result()
                landing.take(span, slot)
                copying.append((slot, self._mark()))
                for slot, span in zip(_copied(copying, most_copying), waiting, strict=False):
                    filling.append((span, slot, readers.submit(_fill, file, span, slot)))
        self._finish()
        return landing

    def _ring_for(self, spans: Sequence[_Span]) -> list[Tensor]:
        """The ring; for a small file no larger than the file. Pinning takes its time, once."""
        slots = max(1, min(self._slots, len(spans)))
        pinned = self._device.type == "cuda"
        while len(self._ring) < slots:
            self._ring.append(torch.empty(self._slot_bytes, dtype=torch.uint8, pin_memory=pinned))
        return self._ring[:slots]

    def _copying(self) -> AbstractContextManager[Any]:
        """Copies inside run beside the engine's own stream, after what it has begun."""
        if self._stream is None:
            return nullcontext()
        self._stream.wait_stream(torch.cuda.current_stream(self._device))
        return torch.cuda.stream(self._stream)

    def _mark(self) -> Any:
        """Something to wait for until the copies so far are done; None where copies are done at once."""
        return None if self._stream is None else self._stream.record_event()

    def _finish(self) -> None:
        if self._stream is not None:
            self._stream.synchronize()


def _new_stream(device: torch.device) -> Any:
    make: Any = torch.cuda.Stream  # PyTorch leaves it untyped
    return make(device)


def _copied(copying: deque[tuple[Tensor, Any]], most: int) -> Iterator[Tensor]:
    """Take the slots out whose copies are done; waits for the oldest while more than `most` are not."""
    while copying:
        slot, mark = copying[0]
        if mark is not None and not mark.query():
            if len(copying) <= most:
                return
            mark.synchronize()
        copying.popleft()
        yield slot


def _beginning(stored: Sequence[StoredTensor], most_bytes: int) -> Sequence[StoredTensor]:
    """The first tensors, up to so many bytes, one at least."""
    ends = [tensor.stop - stored[0].start for tensor in stored]
    return stored[: max(1, sum(end <= most_bytes for end in ends))]


def _count(stored: StoredTensor) -> int:
    return (stored.stop - stored.start) // stored.dtype.itemsize


def _fill(file: BinaryIO, span: _Span, slot: Tensor) -> None:
    """Read a span into the beginning of a slot."""
    view = memoryview(slot.numpy().data)[: span.bytes]
    done = 0
    while done < span.bytes:
        count = os.preadv(file.fileno(), [view[done:]], span.offset + done)
        if count == 0:
            raise WeightsCorruptError(
                f"{file.name} became shorter while it was read: fetch it again.", file=str(file.name)
            )
        done += count


def _spans(stored: Sequence[StoredTensor], slot_bytes: int) -> Iterator[_Span]:
    """Cut the tensors, in file order, into spans that fill slots; no element is cut in two."""
    offset, pieces = 0, list[_Piece]()
    for index, tensor in enumerate(stored):
        size, position = tensor.dtype.itemsize, tensor.start
        while position < tensor.stop:
            filled = pieces[-1].stop if pieces else 0
            room = (slot_bytes - filled) // size * size
            if pieces and (position != offset + filled or filled % size or room == 0):
                yield _Span(offset, filled, tuple(pieces))
                pieces = []
                continue
            if not pieces:
                offset = position
                filled = 0
            length = min(room, tensor.stop - position)
            element = (position - tensor.start) // size
            pieces.append(_Piece(index, filled, filled + length, element))
            position += length
    if pieces:
        yield _Span(offset, pieces[-1].stop, tuple(pieces))
