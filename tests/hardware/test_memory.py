"""RAM and disk figures."""

import mmap
import os
import platform
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from heygem.hardware.memory import disk_free_bytes, file_bytes, folder_bytes, process_ram_bytes, read_ram

MIB = 1024**2


def write_group(folder: Path, limit: str, used_bytes: int = 0, inactive_bytes: int = 0) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "memory.max").write_text(f"{limit}\n")
    (folder / "memory.current").write_text(f"{used_bytes}\n")
    (folder / "memory.stat").write_text(f"anon 1\ninactive_file {inactive_bytes}\nactive_file 3\n")


def test_a_container_limit_counts_less_what_is_used_but_not_the_page_cache(tmp_path: Path) -> None:
    write_group(tmp_path / "root/app", str(100 * MIB), used_bytes=70 * MIB, inactive_bytes=20 * MIB)
    (tmp_path / "cgroup").write_text("1:name=systemd:/other\n0::/app\n")
    ram = read_ram(tmp_path / "root", tmp_path / "cgroup")
    assert (ram.total_bytes, ram.free_bytes) == (100 * MIB, 50 * MIB)


def test_the_tightest_group_around_the_process_decides(tmp_path: Path) -> None:
    write_group(tmp_path / "root", str(60 * MIB), used_bytes=10 * MIB)
    write_group(tmp_path / "root/outer", str(40 * MIB), used_bytes=5 * MIB)
    write_group(tmp_path / "root/outer/inner", "max")
    (tmp_path / "cgroup").write_text("0::/outer/inner\n")
    ram = read_ram(tmp_path / "root", tmp_path / "cgroup")
    assert (ram.total_bytes, ram.free_bytes) == (40 * MIB, 35 * MIB)


def test_a_full_container_has_nothing_free(tmp_path: Path) -> None:
    write_group(tmp_path / "root", str(10 * MIB), used_bytes=11 * MIB)
    (tmp_path / "cgroup").write_text("0::/\n")
    assert read_ram(tmp_path / "root", tmp_path / "cgroup").free_bytes == 0


@pytest.mark.parametrize("groups", ["", "0::/\n", "4:memory:/old\n"])
def test_without_a_limit_the_machine_counts(tmp_path: Path, groups: str) -> None:
    (tmp_path / "cgroup").write_text(groups)
    ram = read_ram(tmp_path, tmp_path / "cgroup")
    assert ram.total_bytes == psutil.virtual_memory().total
    assert 0 < ram.free_bytes < ram.total_bytes


def test_the_process_has_its_size() -> None:
    before = process_ram_bytes()
    with mmap.mmap(-1, 64 * MIB) as held:  # pages of its own: the allocator may have free ones to give
        held.write(b"x" * (64 * MIB))
        assert process_ram_bytes() - before > 32 * MIB


HEAPS_PROGRAM = """
import ctypes, threading
from heygem.hardware.memory import limit_arenas, process_ram_bytes, trim_heaps
limit_arenas(2)
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.free.argtypes = [ctypes.c_void_p]
start = threading.Barrier(12)

def work():
    start.wait()  # all at once: each would like a heap of its own
    blocks = [libc.malloc(65536) for _ in range(160)]
    for block in blocks:
        ctypes.memset(block, 1, 65536)
    start.wait()
    for block in blocks[:-1]:  # the last one keeps the heap from shrinking
        libc.free(block)

threads = [threading.Thread(target=work) for _ in range(12)]
before = process_ram_bytes()
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
kept = process_ram_bytes() - before
trim_heaps()
print(kept, process_ram_bytes() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has such heaps")
def test_freed_memory_goes_back_to_the_system() -> None:
    done = subprocess.run(
        [sys.executable, "-c", HEAPS_PROGRAM],
        capture_output=True,
        text=True,
        check=True,
    )
    kept, after = map(int, done.stdout.split())
    assert kept > 32 * MIB  # or there was nothing to give back
    assert after < 16 * MIB


def test_the_disk_of_a_folder_to_come_is_that_of_its_parent(tmp_path: Path) -> None:
    free = disk_free_bytes(tmp_path / "not" / "yet")
    assert abs(free - disk_free_bytes(tmp_path)) < 256 * MIB


def test_a_folder_weighs_what_removing_it_would_free(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "deep").mkdir(parents=True)
    (folder / "a").write_bytes(b"x" * 1000)
    (folder / "deep" / "b").write_bytes(b"x" * 500)
    assert folder_bytes(folder) == 1500
    os.link(folder / "a", tmp_path / "elsewhere")
    assert folder_bytes(folder) == 500
    assert file_bytes(folder / "missing") == file_bytes(folder) == 0
    assert folder_bytes(tmp_path / "missing") == 0
