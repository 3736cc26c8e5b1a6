"""Rasterises a triangle mesh onto a regular grid: per-vertex attributes in, one value per grid node out.

Everything is vectorised over (triangle, node) pairs; the cost follows the area of the grid, not the picture.
"""

from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
# Nodes this little outside a triangle still count as inside, so that shared edges leave no cracks.
EDGE_TOLERANCE = 1e-3


@dataclass(frozen=True, slots=True)
class Grid:
    """Nodes at the centres of `step_px` x `step_px` cells of a box whose corner is (left_px, top_px).

    So a plain linear resize of node values by `step_px` gives one value per pixel, exactly aligned.
    """

    left_px: int
    top_px: int
    columns: int
    rows: int
    step_px: int

    @classmethod
    def around(cls, low_px: NDArray[np.floating], high_px: NDArray[np.floating], step_px: int) -> "Grid":
        """The smallest grid with even corner and even size that covers the box from `low_px` to `high_px`."""
        unit = 2 * step_px  # even in pixels, so that chroma planes can be cut at the same place
        left, top = (int(np.floor(value / 2)) * 2 for value in low_px)
        columns, rows = (
            2 * max(1, int(np.ceil((high - low) / unit)))
            for low, high in zip((left, top), high_px, strict=True)
        )
        return cls(left, top, columns, rows, step_px)

    @property
    def width_px(self) -> int:
        return self.columns * self.step_px

    @property
    def height_px(self) -> int:
        return self.rows * self.step_px

    def to_nodes(self, points_px: NDArray[np.floating]) -> Array:
        """(...,2) pixels -> (...,2) node coordinates."""
        corner = np.array([self.left_px, self.top_px]) + (self.step_px - 1) / 2
        return ((points_px - corner) / self.step_px).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Coverage:
    """Which triangle covers which node, and where in it: the geometry shared by all attributes."""

    nodes: NDArray[np.int64]  # (P,) flat node index
    corners: NDArray[np.int64]  # (P,3) vertex ids
    weights: Array  # (P,3) barycentric
    grid: Grid

    def positions(self, vertices: NDArray[np.floating]) -> NDArray[np.float64]:
        """(V,2) -> (P,2): where the covered nodes lie on the mesh when its vertices lie at `vertices`."""
        return np.asarray(np.einsum("pk,pkc->pc", self.weights, vertices[self.corners]), np.float64)

    def fill(self, attributes: NDArray[np.floating], background: float = 0.0) -> Array:
        """Interpolate (V,A) attributes: -> (rows,columns,A) float32, `background` where no triangle is."""
        exact = attributes.astype(np.float32)
        values = np.full((self.grid.rows * self.grid.columns, exact.shape[1]), background, np.float32)
        # One corner after the other: several times faster than one product over (P,3,A).
        parts = (self.weights[:, k, None] * exact[self.corners[:, k]] for k in range(3))  # (P,A)
        values[self.nodes] = reduce(np.add, parts)
        return values.reshape(self.grid.rows, self.grid.columns, -1)


def cover(vertices_px: NDArray[np.floating], triangles: NDArray[np.int64], grid: Grid) -> Coverage:
    """Find the nodes inside each triangle of the mesh (V,2) / (T,3). Where they overlap, later ones win."""
    corners = grid.to_nodes(vertices_px)[triangles]  # (T,3,2)
    limit = np.array([grid.columns - 1, grid.rows - 1])
    low = np.clip(np.ceil(corners.min(1) - EDGE_TOLERANCE), 0, None).astype(np.int64)
    high = np.minimum(np.floor(corners.max(1) + EDGE_TOLERANCE), limit).astype(np.int64)
    size = np.maximum(high - low + 1, 0)  # (T,2) nodes across and down
    per_triangle = size[:, 0] * size[:, 1]
    owner = np.repeat(np.arange(len(triangles)), per_triangle)  # (P,)
    rank = np.arange(len(owner)) - np.repeat(np.cumsum(per_triangle) - per_triangle, per_triangle)
    row, column = np.divmod(rank, np.maximum(size[owner, 0], 1))
    x, y = low[owner, 0] + column, low[owner, 1] + row
    weights = _barycentric(corners, owner, x, y)
    inside = (weights >= -EDGE_TOLERANCE).all(1)
    owner, x, y = owner[inside], x[inside], y[inside]
    return Coverage(y * grid.columns + x, triangles[owner], weights[inside], grid)


def _barycentric(
    corners: Array, owner: NDArray[np.int64], x: NDArray[np.int64], y: NDArray[np.int64]
) -> Array:
    """Weights (P,3) of nodes (x, y) in their owner triangles; slivers get weights that are never inside."""
    first, across, down = corners[:, 0], corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = across[:, 0] * down[:, 1] - across[:, 1] * down[:, 0]
    safe = np.where(np.abs(area) < 1e-9, np.inf, area)
    dx, dy = x - first[owner, 0], y - first[owner, 1]
    second = (dx * down[owner, 1] - dy * down[owner, 0]) / safe[owner]
    third = (across[owner, 0] * dy - across[owner, 1] * dx) / safe[owner]
    weights = np.stack([1 - second - third, second, third], 1).astype(np.float32)
    weights[~np.isfinite(safe)[owner]] = -1
    return weights
