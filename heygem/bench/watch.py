"""What a measurement watches from the side: files being opened, and memory at its peak."""

import ctypes
import os
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from heygem.bench.report import BenchError
from heygem.hardware.gpu import GpuTelemetry
from heygem.hardware.memory import process_ram_bytes

IN_OPEN = 0x20
IN_NONBLOCK = os.O_NONBLOCK
EVENT = struct.Struct("iIII")  # watch, mask, cookie, length of the name that follows
READ_BYTES = 1 << 16
SAMPLE_SECONDS = 0.05


class OpenWatch:
    """Which files directly in or below some folders are opened, by anything, while it is entered.

    It asks the kernel (inotify): weights are opened by compiled code, which Python's audit hooks do not see.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = [path for folder in folders for path in _with_subfolders(folder)]
        self._by_watch: dict[int, Path] = {}
        self._opened: set[Path] = set()
        self._descriptor = -1

    def __enter__(self) -> "OpenWatch":
        libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor = libc.inotify_init1(IN_NONBLOCK)
        for folder in self._folders:
            watch = libc.inotify_add_watch(self._descriptor, os.fsencode(folder), IN_OPEN)
            if watch < 0:
                raise BenchError(f"{folder} cannot be watched: {os.strerror(ctypes.get_errno())}.")
            self._by_watch[watch] = folder
        return self

    def __exit__(self, *_: object) -> None:
        self._collect()
        os.close(self._descriptor)

    def opened_files(self) -> set[Path]:
        """Every file opened so far. Folders do not count."""
        self._collect()
        return {path for path in self._opened if path.is_file()}

    def _collect(self) -> None:
        while True:
            try:
                data = os.read(self._descriptor, READ_BYTES)
            except BlockingIOError:
                return
            self._opened |= {self._by_watch[watch] / name for watch, name in _events(data)}


class PeakMemory:
    """The highest RAM of this process and VRAM of its GPU while it is entered, sampled 20 times a second."""

    def __init__(self, telemetry: Callable[[], GpuTelemetry | None]) -> None:
        self._telemetry = telemetry
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, name="peak-memory")
        self.ram_bytes = 0
        self.vram_bytes: int | None = None  # None: no GPU, or it does not say

    def __enter__(self) -> "PeakMemory":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _sample(self) -> None:
        while True:
            self.ram_bytes = max(self.ram_bytes, process_ram_bytes())
            used_bytes = used_vram_bytes(self._telemetry())
            if used_bytes is not None:
                self.vram_bytes = max(self.vram_bytes or 0, used_bytes)
            if self._stop.wait(SAMPLE_SECONDS):
                return


def used_vram_bytes(gpu: GpuTelemetry | None) -> int | None:
    """What is taken of the GPU's memory, by everybody; None when that is not known."""
    if gpu is None or gpu.total_vram_bytes.value is None or gpu.free_vram_bytes.value is None:
        return None
    return gpu.total_vram_bytes.value - gpu.free_vram_bytes.value


def _with_subfolders(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return [folder, *(path for path in folder.rglob("*") if path.is_dir())]


def _events(data: bytes) -> Iterator[tuple[int, str]]:
    """(watch, file name) of each event in what the kernel wrote."""
    offset = 0
    while offset < len(data):
        watch, _, _, length = EVENT.unpack_from(data, offset)
        offset += EVENT.size
        yield watch, os.fsdecode(data[offset : offset + length].rstrip(b"\0"))
        offset += length
