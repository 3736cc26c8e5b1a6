"""What every resident model keeps to, and the fixed inputs that models are warmed with."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
import torch

Precision = Literal["fp32", "bf16", "fp16"]
FloatArray = npt.NDArray[np.float32]

_DTYPES: dict[Precision, torch.dtype] = {
    "fp32": torch.float32,
    "bf16": torch.bfloat16,
    "fp16": torch.float16,
}


@dataclass(frozen=True, slots=True)
class LoadContext:
    """Where a loader reads from and what it loads for. The files in `folder` are already verified."""

    folder: Path
    device: torch.device
    precision: Precision

    @property
    def dtype(self) -> torch.dtype:
        """`precision` in torch's words."""
        return _DTYPES[self.precision]


class ResidentModel(Protocol):
    """A loaded model. It is called on the engine thread only and keeps no state of a job."""

    @property
    def buckets(self) -> tuple[str, ...]:
        """Names of all input shapes this model will ever see."""

    @property
    def bytes_resident(self) -> int:
        """Bytes of weights it holds on its device."""

    def warm(self, bucket: str) -> npt.NDArray[Any]:
        """Run the shape of `bucket` once on its fixed input; the output is held to the golden."""


def batches(count: int, buckets: tuple[int, int]) -> Iterator[tuple[int, int, int]]:
    """Cut `count` items into (start, stop, bucket): a lone item goes as one, all else in the larger."""
    single, many = buckets
    for start in range(0, count, many):
        stop = min(start + many, count)
        yield start, stop, single if stop - start == 1 else many


def warm_noise(shape: tuple[int, ...], seed: int) -> FloatArray:
    """Fixed numbers in [0,1), the same on every machine."""
    return np.random.default_rng(seed).random(shape, dtype=np.float32)


def warm_images(count: int, size_px: int, seed: int) -> npt.NDArray[np.uint8]:
    """Fixed pictures (count,size,size,3) uint8 of blocks of 16 px, so that there are flat parts and edges."""
    cells = warm_noise((count, size_px // 16, size_px // 16, 3), seed)
    return (cells.repeat(16, axis=1).repeat(16, axis=2) * 255).astype(np.uint8)


def in_equal_shares(*outputs: torch.Tensor) -> FloatArray:
    """Several outputs in one row (n,) float32, each repeated to the length of the longest.

    Goldens are compared by a mean, in which a probability beside a thousand coordinates would not show.
    """
    rows = [output.float().cpu().numpy().reshape(-1) for output in outputs]
    longest = max(len(row) for row in rows)
    return np.concatenate([np.resize(row, longest) for row in rows])
