"""What is drawn at once on the device: drawings with meshes of one size, and the windows around them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heygem.engines.mesh.composer import Drawing, drawing_grid
from heygem.engines.mesh.device.raster import equalised
from heygem.engines.mesh.device.windows import Window
from heygem.engines.mesh.geometry import DrawMesh
from heygem.engines.mesh.raster import Grid


@dataclass(frozen=True, slots=True)
class Placed:
    """A drawing and where in its frame it is: the vertices (V,2) of its mesh, and the grid over them."""

    drawing: Drawing
    vertices_px: NDArray[np.float64]
    grid: Grid

    @classmethod
    def of(cls, drawing: Drawing, mesh: DrawMesh, shape: tuple[int, ...]) -> "Placed":
        """In a frame of `shape` (H,W)."""
        vertices_px = drawing.arrived_px()
        return cls(drawing, vertices_px, drawing_grid(drawing, vertices_px, mesh, shape))

    @property
    def head(self) -> Grid | None:
        """The grid over all that moves with a turned head."""
        return self.drawing.turned.turn.grid if self.drawing.turned else None

    def goes_with(self, other: "Placed") -> bool:
        """Whether the two can be drawn at once."""
        mine, its = (placed.drawing.turned and placed.drawing.turned.photo for placed in (self, other))
        return self.grid.step_px == other.grid.step_px and mine is its


@dataclass(frozen=True, slots=True)
class Batch:
    """B drawings that go with each other.

    Attributes:
        vertices_px: (B,V,2) of the meshes in their frames.
        grids: over the meshes, of one size and step.
        windows: what is drawn of each frame, of one size: the grid's box, and with a turned head that of all
            that moves with it, the same in all frames.
        shape: (H,W) of the frames.
    """

    drawings: Sequence[Drawing]
    vertices_px: NDArray[np.float64]
    grids: Sequence[Grid]
    windows: Sequence[Window]
    shape: tuple[int, ...]

    @classmethod
    def of(cls, placed: Sequence[Placed], shape: tuple[int, ...]) -> "Batch":
        grids, head = equalised([one.grid for one in placed]), placed[0].head
        windows = [Window.of(grid) for grid in grids]
        if head is not None:
            windows = [Window.around([*windows, Window.of(head)])] * len(grids)
        vertices_px = np.stack([one.vertices_px for one in placed])
        return cls([one.drawing for one in placed], vertices_px, grids, windows, shape)

    @property
    def step_px(self) -> int:
        return self.grids[0].step_px

    def nodes(self) -> NDArray[np.float32]:
        """(B,V,2): the vertices in nodes of their grids."""
        return np.stack([grid.to_nodes(v) for grid, v in zip(self.grids, self.vertices_px, strict=True)])

    def corners_px(self) -> NDArray[np.int64]:
        """(B,2): x, y of the grids in their windows."""
        pairs = zip(self.grids, self.windows, strict=True)
        return np.array([(grid.left_px - window.left, grid.top_px - window.top) for grid, window in pairs])

    def room_px(self) -> NDArray[np.int64]:
        """(B,2): columns and rows from the windows' corners to the end of the picture."""
        return np.array(
            [(self.shape[1] - window.left, self.shape[0] - window.top) for window in self.windows]
        )
