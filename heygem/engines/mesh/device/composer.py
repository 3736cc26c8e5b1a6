"""`composer` for a batch of frames on the device: the same drawing, all pixels of all frames at once.

What is true of the composer is true here: a pixel whose displacement is zero and whose mouth weight is zero
keeps its value bit for bit.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate

from heygem.engines.mesh.composer import (
    COLOUR_SHIFT_MAX,
    LIGHT_PRIOR,
    RING_LEAST,
    Drawing,
    light_reach,
)
from heygem.engines.mesh.device.batch import Batch
from heygem.engines.mesh.device.grain import FrameGrain, ResidentGrain
from heygem.engines.mesh.device.mouths import MouthChoice, ResidentMouths
from heygem.engines.mesh.device.pictures import Pictures
from heygem.engines.mesh.device.raster import cover
from heygem.engines.mesh.device.windows import SCALES, box_indices, to_pixels, whole
from heygem.engines.mesh.device.wire import Arriving, Wire
from heygem.engines.mesh.film_grain import missing_grain
from heygem.engines.mesh.geometry import DrawMesh, facing


class DeviceComposer:
    """Stateless but for the mesh. Only the thread that owns the device may use it."""

    def __init__(self, mesh: DrawMesh, wire: Wire) -> None:
        self._mesh = mesh
        self._wire = wire
        self._triangles = wire.up(mesh.triangles)
        self._grain = ResidentGrain(wire)

    @torch.inference_mode()
    def compose(self, batch: Batch, pictures: Pictures, mouths: ResidentMouths) -> Arriving:
        """Draw into the windows of the batch: luma (B,1,H,W) and chroma (B,2,H/2,W/2), uint8."""
        nodes = batch.nodes()
        fields = self._fields(nodes, batch)  # (B,3+2M,rows,columns)
        drawn = pictures.pulled(fields[:, :2])
        if fields.shape[1] > 3:
            mouth_nodes = nodes[:, self._mesh.of_mouth]
            part = MouthPart.around(mouth_nodes, batch, self._wire)
            reach = self._wire.up(light_reach(mouth_nodes))
            grain = self._grain.of(batch.drawings, batch.windows)
            lay_mouths(drawn, mouths, mouths.choice(batch.drawings), fields[:, 2:], part, reach, grain)
        return self._wire.down([stack.to(torch.uint8) for stack in drawn])

    def _fields(self, nodes: NDArray[np.float32], batch: Batch) -> Tensor:
        """What the meshes say at the nodes of their grids; `nodes` (B,V,2) are their vertices there."""
        is_drawn, grid = facing(batch.vertices_px, self._mesh.triangles), batch.grids[0]
        vertices, shown = self._wire.up(nodes).double(), self._wire.up(is_drawn)
        coverage = cover(vertices, self._triangles, shown, grid.columns, grid.rows)
        return coverage.fill(self._wire.up(self._attributes(batch.drawings)), grid.rows)

    def _attributes(self, drawings: Sequence[Drawing]) -> NDArray[np.float32]:
        """(B,V,3+2M): where skin comes from, how much is mouth, and where each mouth comes from."""
        most = max(len(drawing.mouths) for drawing in drawings)
        values = np.zeros((len(drawings), len(self._mesh.mouth_alpha), 3 + 2 * most), np.float32)
        for row, drawing in zip(values, drawings, strict=True):
            row[:, :2] = drawing.source_px - drawing.target_px
            row[:, 2] = drawing.mouth_weight if drawing.mouths else 0
            for number, (patch, _) in enumerate(drawing.mouths):
                row[:, 3 + 2 * number : 5 + 2 * number] = patch.vertices_px
        return values


@dataclass(frozen=True, slots=True)
class MouthPart:
    """Where in the grids and windows of B frames the mouths are.

    Attributes:
        first: (B,2) node of the grid, x before y, even.
        first_px: (B,2) pixel of the window.
        room_px: (B,2) columns and rows of pixels from the window's corner to the end of the picture.
        columns, rows: of nodes, even, in all frames.
    """

    first: Tensor
    first_px: Tensor
    room_px: Tensor
    columns: int
    rows: int
    step_px: int

    @classmethod
    def around(cls, nodes: NDArray[np.float32], batch: Batch, wire: Wire) -> "MouthPart":
        """`nodes` (B,N,2) are the vertices of triangles in which mouths show."""
        limit = np.array([batch.grids[0].columns, batch.grids[0].rows])
        low = np.floor(nodes.min(1)).astype(np.int64) - 1
        needed = (np.ceil(nodes.max(1)).astype(np.int64) + 3 - low).max(0)
        size = np.minimum(-(-needed // 2) * 2, limit)
        first = np.clip(low, 0, limit - size) // 2 * 2
        first_px = batch.corners_px() + first * batch.step_px
        first_on_device, first_px_on_device, room_px = wire.up(np.stack([first, first_px, batch.room_px()]))
        return cls(first_on_device, first_px_on_device, room_px, int(size[0]), int(size[1]), batch.step_px)

    def of_nodes(self, values: Tensor) -> Tensor:
        """Of (B,A,rows,columns) of the grids."""
        return values[box_indices(self.first, (*values.shape[:2], self.rows, self.columns))]

    def pixels(self, stack: Tensor, scale: int) -> tuple[Tensor, ...]:
        """What picks it, (B,C,h,w), out of the windows of planes."""
        height, width = (count * self.step_px // scale for count in (self.rows, self.columns))
        return box_indices(self.first_px // scale, (*stack.shape[:2], height, width))

    def is_in_picture(self, rows: Tensor, columns: Tensor, scale: int) -> Tensor:
        """Of rows and columns of a plane's windows, as `pixels` gives them: (B,1,h,w)."""
        end = self.room_px // scale
        return (rows < end[:, None, 1:, None]) & (columns < end[:, None, :1, None])


def lay_mouths(
    drawn: Sequence[Tensor],
    mouths: ResidentMouths,
    choice: MouthChoice,
    fields: Tensor,
    part: MouthPart,
    reach: Tensor,
    grain: FrameGrain | None = None,
) -> None:
    """Blend the weighted mouths over the skin; `fields` (B,1+2M,rows,columns): mouth weight, then sources.

    `reach` (B,) is that of light, in nodes.
    """
    fields = part.of_nodes(fields)
    for stack, scale in zip(drawn, SCALES, strict=True):
        maps = to_pixels(fields, part.step_px, scale)
        weight = maps[:, :1]
        mouth = mouths.sample(choice, maps[:, 1:], scale)
        place = part.pixels(stack, scale)
        skin, seen = stack[place], weight * part.is_in_picture(place[2], place[3], scale)
        mouth += _light_shift(skin, mouth, seen, (part.rows, part.columns), reach)
        blended = skin + weight * (mouth - skin)
        if grain is not None and scale == 1:
            blended += missing_grain(weight).sqrt() * grain.at(place[2], place[3])
        stack[place] = whole(blended)


def _light_shift(
    skin: Tensor, mouth: Tensor, weight: Tensor, small: tuple[int, int], reach: Tensor
) -> Tensor:
    """What to add to each mouth (B,C,H,W) so that it meets the light and colour of the skin along its edge.

    See `composer`; `small` are rows and columns of the nodes.
    """
    ring = weight * (1 - weight)
    share, missing = (interpolate(values, small, mode="area") for values in (ring, (skin - mouth) * ring))
    total = share.sum((2, 3), keepdim=True)
    everywhere = missing.sum((2, 3), keepdim=True) / total.clamp(min=RING_LEAST)
    down, across = (_gaussian(count, reach)[:, None] for count in small)  # (B,1,n,n)
    missing, share = (_spread(values, down, across) for values in (missing, share))
    found = (missing + LIGHT_PRIOR * everywhere) / (share + LIGHT_PRIOR)
    limited = found.clamp(-COLOUR_SHIFT_MAX, COLOUR_SHIFT_MAX) * (total >= RING_LEAST)
    return interpolate(limited, skin.shape[2:], mode="bilinear", align_corners=False)


def _spread(values: Tensor, down: Tensor, across: Tensor) -> Tensor:
    """(B,C,r,c), (B,1,r,r), (B,1,c,c) -> (B,C,r,c): both products, without a library that warms by shape."""
    rows = (down[..., None] * values[:, :, None]).sum(3)
    return (rows[..., None] * across[:, :, None]).sum(3)


def _gaussian(count: int, sigma: Tensor) -> Tensor:
    """(B,) -> (B,n,n): what multiplies n values to blur them; beyond the edges there is nothing."""
    place = torch.arange(count, device=sigma.device)
    sigma = sigma[:, None, None]
    away = (place - place[:, None]) / sigma
    return torch.exp(-0.5 * away**2) / (sigma * math.sqrt(2 * math.pi))
