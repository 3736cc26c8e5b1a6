"""A living photo on the device: its pixels stay there for the job, and every frame is sampled from them.

As in the composer the mesh and the turned head together say where a pixel comes from, and it is sampled once:
luma from the picture at twice its size, chroma linearly.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from heygem.engines.mesh.device.batch import Batch
from heygem.engines.mesh.device.windows import SCALES, Window, box_indices, sampled, to_pixels
from heygem.engines.mesh.device.wire import Wire
from heygem.engines.mesh.photo.fine_photo import FinePart, FinePhoto, TurnedPhoto

# By scale: how many samples a pixel of a plane has in each direction, and how they are sampled.
FINER = {1: 2, 2: 1}
SAMPLING = {1: "bicubic", 2: "bilinear"}  # the eye sees colours softly


@dataclass(frozen=True, slots=True)
class _ResidentPart:
    """What lids change: a box of luma at twice the size, (1,1,2h,2w), and of chroma, (1,2,h/2,w/2); uint8."""

    left_px: int
    top_px: int
    pixels: tuple[Tensor, Tensor]

    @classmethod
    def of(cls, part: FinePart, wire: Wire) -> "_ResidentPart":
        pixels = wire.up(part.luma_twice[None, None]), wire.up(part.chroma[None])
        return cls(part.left_px, part.top_px, pixels)

    def lay_over(self, planes: Sequence[Tensor]) -> None:
        for plane, pixels, scale in zip(planes, self.pixels, SCALES, strict=True):
            left, top = (place // scale * FINER[scale] for place in (self.left_px, self.top_px))
            plane[..., top : top + pixels.shape[2], left : left + pixels.shape[3]] = pixels


class ResidentPhoto:
    """Luma at twice the size (1,1,2H,2W) and chroma (1,2,H/2,W/2), uint8; parts with lids come as needed."""

    def __init__(self, photo: FinePhoto, wire: Wire) -> None:
        self.photo, self._wire = photo, wire
        chroma = np.stack([photo.open_eyed.u, photo.open_eyed.v])
        self._planes = wire.up(photo.luma_twice[None, None]), wire.up(chroma[None])
        self._parts: dict[int, list[_ResidentPart]] = {}

    def planes(self, level: int) -> list[Tensor]:
        """With the lids down to `level`: float32, for the caller to keep."""
        planes = [plane.float() for plane in self._planes]
        if level not in self._parts:
            self._parts[level] = [_ResidentPart.of(part, self._wire) for part in self.photo.parts(level)]
        for part in self._parts[level]:
            part.lay_over(planes)
        return planes


@dataclass(frozen=True, slots=True)
class TurnedPictures:
    """B turned views of one photo, under one window."""

    photo: ResidentPhoto
    turned: Sequence[TurnedPhoto]
    batch: Batch
    wire: Wire

    def pulled(self, displacement: Tensor) -> list[Tensor]:
        """See `Pictures`."""
        window = self.batch.windows[0]
        offsets = self._offsets(displacement)
        runs = []
        for level, rows in _runs([turned.level for turned in self.turned]):
            stacks = zip(self.photo.planes(level), offsets, SCALES, strict=True)
            runs.append([_pulled(plane, offset[rows], window, scale) for plane, offset, scale in stacks])
        return [torch.cat(stacks) for stacks in zip(*runs, strict=True)]

    def _offsets(self, displacement: Tensor) -> list[Tensor]:
        """(B,2,rows,columns) of the meshes -> (B,2,H,W) for each scale, in pixels of its planes, of both."""
        turns = np.stack([turned.turn.displacement for turned in self.turned])  # (B,rows,columns,2)
        head = self.wire.up(turns.transpose(0, 3, 1, 2))
        corners = self.wire.up(self.batch.corners_px())
        return [self._offset(head, displacement, corners, scale) for scale in SCALES]

    def _offset(self, head: Tensor, mesh: Tensor, corners: Tensor, scale: int) -> Tensor:
        grid, window = self.turned[0].turn.grid, self.batch.windows[0]
        offset = to_pixels(head, grid.step_px, scale)
        left, top = (grid.left_px - window.left) // scale, (grid.top_px - window.top) // scale
        right = window.width // scale - left - offset.shape[3]
        bottom = window.height // scale - top - offset.shape[2]
        offset = pad(offset, (left, right, top, bottom))
        moves = to_pixels(mesh, self.batch.step_px, scale)
        offset[box_indices(corners // scale, moves.shape)] += moves
        return offset / scale


def _pulled(plane: Tensor, offset: Tensor, window: Window, scale: int) -> Tensor:
    """(1,C,H,W) samples of a plane at the pixels of the window plus offset (B,2,h,w): (B,C,h,w)."""
    (batch, _, height, width), finer = offset.shape, FINER[scale]
    columns = torch.arange(width, device=plane.device) + window.left // scale
    rows = torch.arange(height, device=plane.device)[:, None] + window.top // scale
    x, y = (offset[:, 0] + columns) * finer, (offset[:, 1] + rows) * finer
    # All frames below each other, so that the one picture is not repeated for each.
    moved = sampled(plane, x.view(1, -1, width), y.view(1, -1, width), SAMPLING[scale])
    moved = moved.view(-1, batch, height, width).transpose(0, 1)
    ends = plane.shape[2] - 1, plane.shape[3] - 1  # a window may reach out of the picture
    original = plane[..., (rows * finer).clamp(max=ends[0]), (columns * finer).clamp(max=ends[1])]
    return torch.where((offset != 0).any(1, keepdim=True), moved, original)


def _runs(levels: Sequence[int]) -> Iterator[tuple[int, slice]]:
    """Levels that follow each other unchanged, and the frames that have them."""
    start = 0
    for level, run in groupby(levels):
        stop = start + len(list(run))
        yield level, slice(start, stop)
        start = stop
