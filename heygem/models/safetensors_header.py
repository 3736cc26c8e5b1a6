"""What a safetensors file holds and where: its header, checked before a byte of weights is moved.

The format: eight bytes with the length of a JSON text, the text, then the numbers of all tensors
(https://github.com/huggingface/safetensors#format).
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from heygem.errors import WeightsCorruptError

_LENGTH_BYTES = 8
_LONGEST_HEADER_BYTES = 100_000_000  # the format's own limit
_DTYPES: Mapping[str, torch.dtype] = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "F8_E4M3": torch.float8_e4m3fn,
    "F8_E5M2": torch.float8_e5m2,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """One tensor of a file; `start` and `stop` are bytes from the beginning of the file."""

    name: str
    dtype: torch.dtype
    shape: tuple[int, ...]
    start: int
    stop: int


def read_header(path: Path) -> list[StoredTensor]:
    """The tensors of a file in the order of their bytes.

    Raises:
        WeightsCorruptError: this is no safetensors file, or not all of one.
    """
    try:
        tensors = _parse(path)
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise WeightsCorruptError(
            f"{path} is no complete safetensors file ({problem}): delete it and fetch it again.",
            file=str(path),
        ) from problem
    return sorted(tensors, key=lambda tensor: (tensor.start, tensor.stop))


def _parse(path: Path) -> list[StoredTensor]:
    file_bytes = path.stat().st_size
    with path.open("rb") as file:
        header_bytes = int.from_bytes(file.read(_LENGTH_BYTES), "little")
        first = _LENGTH_BYTES + header_bytes
        if header_bytes > _LONGEST_HEADER_BYTES or first > file_bytes:
            raise ValueError("its header is cut off")
        header: dict[str, Any] = json.loads(file.read(header_bytes))
    header.pop("__metadata__", None)
    tensors = [_stored(name, entry, first) for name, entry in header.items()]
    if max((tensor.stop for tensor in tensors), default=first) != file_bytes:
        raise ValueError("its length is not what its header says")
    return tensors


def _stored(name: str, entry: Mapping[str, Any], first: int) -> StoredTensor:
    dtype = _DTYPES[entry["dtype"]]
    shape = tuple(int(size) for size in entry["shape"])
    start, stop = (int(offset) for offset in entry["data_offsets"])
    if start < 0 or min(shape, default=0) < 0 or stop - start != math.prod(shape) * dtype.itemsize:
        raise ValueError(f"the size of {name} is not what its shape says")
    return StoredTensor(name, dtype, shape, first + start, first + stop)
