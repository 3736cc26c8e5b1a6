"""What every resident model keeps to, and the fixed inputs that models are warmed with."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from heygem.models.loading import WeightReader
from heygem.models.steps import nothing_to_drop

Precision = Literal["fp32", "bf16", "fp16", "int8"]
FloatArray = npt.NDArray[np.float32]

_DTYPES: dict[str, torch.dtype] = {
    "fp32": torch.float32,
    "bf16": torch.bfloat16,
    "fp16": torch.float16,
}


@dataclass(frozen=True, slots=True)
class LoadContext:
    """Where a loader reads from and what it loads for. The files in `folder` are already verified.

    Attributes:
        reader: brings weights to the device; None makes one for the occasion.
        relieve: what a model calls to have room made on its device, see `heygem.models.steps`.
        compiles: nets are to be compiled; this costs start time, unless an earlier start has left its work.
    """

    folder: Path
    device: torch.device
    precision: Precision
    reader: WeightReader | None = field(default=None, compare=False)
    relieve: Callable[[], None] = field(default=nothing_to_drop, compare=False)
    compiles: bool = field(default=False, compare=False)

    @property
    def dtype(self) -> torch.dtype:
        """What the arithmetic is done in. int8 is for weights alone: they are widened at each use."""
        if self.precision == "int8":
            return torch.float16 if self.device.type == "cuda" else torch.float32
        return _DTYPES[self.precision]

    def read(self, file_name: str, dtype: torch.dtype | None = None) -> dict[str, Tensor]:
        """All tensors of a safetensors file in `folder`, on the device; see `WeightReader.read`."""
        reader = self.reader or WeightReader(self.device)
        return reader.read(self.folder / file_name, dtype)


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
