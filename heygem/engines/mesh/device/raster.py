"""`raster` for a batch of frames on the device: (frames, vertices, attributes) in, a picture of nodes out.

All (triangle, node) pairs of a batch are looked at at once; the winner at each node does not depend on the
order in which the device comes to them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from heygem.engines.mesh.raster import EDGE_TOLERANCE, Grid


def equalised(grids: Sequence[Grid]) -> list[Grid]:
    """The same grids, all with the size of the largest; they may reach out of the picture."""
    columns, rows = max(grid.columns for grid in grids), max(grid.rows for grid in grids)
    return [replace(grid, columns=columns, rows=rows) for grid in grids]


@dataclass(frozen=True, slots=True)
class CoverageBatch:
    """Which triangle covers which node, and where in it."""

    corners: Tensor  # (B,N,3) vertex ids, N nodes a frame
    weights: Tensor  # (B,N,3) barycentric
    is_covered: Tensor  # (B,N)

    def fill(self, attributes: Tensor, rows: int) -> Tensor:
        """Interpolate (B,V,A) attributes: -> (B,A,rows,columns), 0 where no triangle is."""
        frame = torch.arange(len(attributes), device=attributes.device)[:, None]
        parts = [self.weights[..., k, None] * attributes[frame, self.corners[..., k]] for k in range(3)]
        values = (parts[0] + parts[1] + parts[2]) * self.is_covered[..., None]  # (B,N,A)
        return values.mT.contiguous().view(len(values), values.shape[2], rows, -1)


def cover(vertices: Tensor, triangles: Tensor, is_drawn: Tensor, columns: int, rows: int) -> CoverageBatch:
    """Find the nodes inside each triangle. Where triangles overlap, later ones win, as in `raster`.

    Args:
        vertices: (B,V,2) float64 in nodes of each frame's grid.
        triangles: (T,3) vertex ids.
        is_drawn: (B,T).
        columns, rows: of all the grids.
    """
    batch, count = is_drawn.shape
    corners = vertices[:, triangles].flatten(0, 1)  # (B*T,3,2)
    owner, x, y = _pairs(corners, is_drawn.flatten(), columns, rows)
    inside = (_barycentric(corners[owner], x, y) >= -EDGE_TOLERANCE).all(-1)
    triangle = owner % count
    node = (owner // count * rows + y) * columns + x
    winner = torch.full((batch * rows * columns,), -1, device=vertices.device)
    winner.scatter_reduce_(0, node, torch.where(inside, triangle, -1), "amax")
    return _coverage(winner.view(batch, -1), corners.view(batch, count, 3, 2), triangles, columns)


def _pairs(corners: Tensor, is_drawn: Tensor, columns: int, rows: int) -> tuple[Tensor, Tensor, Tensor]:
    """(N,3,2) triangles, (N,) -> all P pairs of one and a node in its box: owner, x, y, each (P,)."""
    limit = torch.tensor([columns, rows], device=corners.device)
    low = (corners.amin(1) - EDGE_TOLERANCE).ceil().clamp(min=0).long()
    high = (corners.amax(1) + EDGE_TOLERANCE).floor().long().minimum(limit - 1)
    size = (high - low + 1).clamp(min=0) * is_drawn[:, None]
    counts = size[:, 0] * size[:, 1]
    owner = torch.repeat_interleave(counts)  # waits for the device, which has hardly begun
    rank = torch.arange(len(owner), device=low.device) - (counts.cumsum(0) - counts)[owner]
    width = size[owner, 0]
    row = rank // width
    return owner, low[owner, 0] + rank - row * width, low[owner, 1] + row


def _coverage(winner: Tensor, corners: Tensor, triangles: Tensor, columns: int) -> CoverageBatch:
    """(B,N) highest triangle at each node, -1 for none, and (B,T,3,2) corners -> where in it the node is."""
    shown = winner.clamp(min=0)
    frame = torch.arange(len(winner), device=winner.device)[:, None]
    node = torch.arange(winner.shape[1], device=winner.device)
    weights = _barycentric(corners[frame, shown], node % columns, node // columns)
    return CoverageBatch(triangles[shown], weights.float(), winner >= 0)


def _barycentric(corners: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Weights (...,3) of nodes (x, y) in triangles (...,3,2); slivers get weights that are never inside."""
    first = corners[..., 0, :]
    across, down = corners[..., 1, :] - first, corners[..., 2, :] - first
    area = across[..., 0] * down[..., 1] - across[..., 1] * down[..., 0]
    is_sliver = area.abs() < 1e-9
    area = area.masked_fill(is_sliver, 1.0)
    dx, dy = x - first[..., 0], y - first[..., 1]
    second = (dx * down[..., 1] - dy * down[..., 0]) / area
    third = (across[..., 0] * dy - across[..., 1] * dx) / area
    weights = torch.stack([1 - second - third, second, third], -1)
    return weights.masked_fill(is_sliver[..., None], -1.0)
