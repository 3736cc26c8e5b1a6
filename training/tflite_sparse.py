"""Unpacks the sparse constants of a TFLite file."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import tflite

Array = npt.NDArray[Any]

INDEX_VECTORS = {1: tflite.Int32Vector, 2: tflite.Uint16Vector, 3: tflite.Uint8Vector}
DENSE = 0


@dataclass(frozen=True, slots=True)
class Level:
    """One dimension of the traversal: dense of `size`, or sparse with compressed rows."""

    size: int
    segments: Sequence[int] = ()
    indices: Sequence[int] = ()

    def children(self, parent: int) -> Iterator[tuple[int, int]]:
        """(position among the stored, coordinate) of what lies under the stored position `parent`."""
        if not self.segments:
            yield from ((parent * self.size + at, at) for at in range(self.size))
        else:
            stored = range(self.segments[parent], self.segments[parent + 1])
            yield from ((position, self.indices[position]) for position in stored)


def densified(tensor: Any, values: Array) -> Array:
    """All values of a tensor in their places, zeros between, from its stored ones (n,)."""
    sparsity = tensor.Sparsity()
    shape = tensor.ShapeAsNumpy().tolist()
    levels = [_level(sparsity.DimMetadata(index)) for index in range(sparsity.DimMetadataLength())]
    axes, scales = _axes_and_scales(sparsity, levels, len(shape))
    dense = np.zeros(shape, values.dtype)
    for position, coordinates in _walk(levels):
        place = [0] * len(shape)
        for axis, scale, coordinate in zip(axes, scales, coordinates, strict=True):
            place[axis] += coordinate * scale
        dense[tuple(place)] = values[position]
    return dense


def _axes_and_scales(sparsity: Any, levels: Sequence[Level], rank: int) -> tuple[list[int], list[int]]:
    """Which axis each level counts on, and how many elements one step is (blocks step by their size)."""
    block_map = sparsity.BlockMapAsNumpy()
    blocked_axes = [] if isinstance(block_map, int) else block_map.tolist()  # the package says 0 for "none"
    steps = [1] * rank
    for number, axis in enumerate(blocked_axes):
        steps[axis] = levels[rank + number].size
    order = sparsity.TraversalOrderAsNumpy().tolist()
    axes = [axis if axis < rank else blocked_axes[axis - rank] for axis in order]
    return axes, [steps[axis] if axis < rank else 1 for axis in order]


def _walk(levels: Sequence[Level], parent: int = 0) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Every stored position with its coordinates, level by level."""
    if not levels:
        yield parent, ()
        return
    for position, coordinate in levels[0].children(parent):
        for leaf, coordinates in _walk(levels[1:], position):
            yield leaf, (coordinate, *coordinates)


def _level(metadata: Any) -> Level:
    if metadata.Format() == DENSE:
        return Level(metadata.DenseSize())
    segments = _vector(metadata.ArraySegmentsType(), metadata.ArraySegments())
    return Level(0, segments, _vector(metadata.ArrayIndicesType(), metadata.ArrayIndices()))


def _vector(kind: int, table: Any) -> list[int]:
    vector = INDEX_VECTORS[kind]()
    vector.Init(table.Bytes, table.Pos)
    return [int(value) for value in vector.ValuesAsNumpy()]
