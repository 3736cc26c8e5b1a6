"""RAM, disk and this process, as the kernel and the container see them."""

import ctypes
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

CGROUP_ROOT = Path("/sys/fs/cgroup")
CGROUP_OF_SELF = Path("/proc/self/cgroup")
ARENA_MAX = -8  # of glibc's mallopt


@dataclass(frozen=True, slots=True)
class Ram:
    """Bytes this process could use at most, and could still get."""

    total_bytes: int
    free_bytes: int


def read_ram(cgroup_root: Path = CGROUP_ROOT, cgroup_of_self: Path = CGROUP_OF_SELF) -> Ram:
    """The machine's RAM, or what the tightest control group (version 2) around this process leaves of it."""
    machine = psutil.virtual_memory()
    total_bytes, free_bytes = int(machine.total), int(machine.available)
    for limit_bytes, used_bytes in _cgroup_limits(cgroup_root, cgroup_of_self):
        total_bytes = min(total_bytes, limit_bytes)
        free_bytes = min(free_bytes, max(0, limit_bytes - used_bytes))
    return Ram(total_bytes, free_bytes)


def process_ram_bytes() -> int:
    """Resident set of this process."""
    return int(psutil.Process().memory_info().rss)


def limit_arenas(count: int) -> None:
    """Let threads share `count` heaps. By default each new one may get its own, which keeps what it frees.

    Only glibc has such heaps; elsewhere nothing happens.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(ARENA_MAX, count)


def trim_heaps() -> None:
    """Give the system back what the program has freed but its allocator (glibc's) keeps for later."""
    malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if malloc_trim is not None:
        malloc_trim(0)


def disk_free_bytes(folder: Path) -> int:
    """Free space for this user where `folder` is, or will be."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def folder_bytes(folder: Path) -> int:
    """What removing all files below `folder` would free; 0 if it is not there."""
    return sum(file_bytes(path) for path in folder.rglob("*"))


def file_bytes(path: Path) -> int:
    """What removing a file would free: nothing while another name holds it, or when it is not there."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return 0
    return status.st_size if stat.S_ISREG(status.st_mode) and status.st_nlink == 1 else 0


def _cgroup_limits(root: Path, of_self: Path) -> Iterator[tuple[int, int]]:
    """(limit, used) bytes of the control group of this process and of each one around it that has a limit."""
    lines = of_self.read_text().splitlines() if of_self.exists() else []
    relative = next((line[3:].lstrip("/") for line in lines if line.startswith("0::")), "")
    own = root / relative
    for group in (own, *own.parents):
        limit = group / "memory.max"
        if limit.exists() and (text := limit.read_text().strip()) != "max":
            yield int(text), _cgroup_used_bytes(group)
        if group == root:
            return


def _cgroup_used_bytes(group: Path) -> int:
    """Without the page cache the kernel would drop at need."""
    used_bytes = int((group / "memory.current").read_text())
    for line in (group / "memory.stat").read_text().splitlines():
        key, value = line.split()
        if key == "inactive_file":
            used_bytes -= int(value)
    return used_bytes
