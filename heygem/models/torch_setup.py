"""The process-wide choices for torch, made in this one place, on the engine thread."""

import ctypes
import os
from concurrent.futures import ThreadPoolExecutor

import torch

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # <malloc.h>
_LARGEST_KEPT_BYTES = 32 * 1024**2  # of one block; glibc accepts no more
_MOST_KEPT_BYTES = 256 * 1024**2  # at the end of each heap, for layers that run on a CPU
_MOST_KEPT_BESIDE_GPU_BYTES = 32 * 1024**2


def configure_torch(device: torch.device) -> None:
    """Denormals, TF32, convolutions, threads, memory.

    Denormal numbers count as zero: silence would otherwise run many times slower on a CPU. TF32 is off, so
    that fp32 means fp32: where speed matters on a GPU a model runs in half precision instead. cuDNN chooses
    its convolutions by rule (torch's default): trials cost seconds at every start and found nothing faster
    for these nets. Half of the cores: the other half decodes, draws and encodes, and threads that wait for
    each other on a busy core cost ten times what they save. Where layers run on a CPU, freed memory is kept
    for the next one: coming back from the system page by page it would double the time of eight landmark
    crops.
    """
    _keep_freed_memory(_MOST_KEPT_BYTES if device.type == "cpu" else _MOST_KEPT_BESIDE_GPU_BYTES)
    torch.set_num_threads(max(1, len(os.sched_getaffinity(0)) // 2))
    _count_denormals_as_zero()
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False


def beside_this_thread(count: int, name: str) -> ThreadPoolExecutor:
    """Threads for parts of a model that run side by side, with those choices that are each thread's own."""
    return ThreadPoolExecutor(count, name, initializer=_count_denormals_as_zero)


def _count_denormals_as_zero() -> None:
    torch.set_flush_denormal(True)


def _keep_freed_memory(most_bytes: int) -> None:
    """Raise the limits of glibc's allocator; other C libraries have none."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        libc.mallopt(_M_MMAP_THRESHOLD, _LARGEST_KEPT_BYTES)
        libc.mallopt(_M_TRIM_THRESHOLD, most_bytes)
