"""The parts of frames that travel to the device: the boxes of their grids, with a rim for the sampler.

A batch has two stacks of pixels, luma (B,1,H,W) and chroma (B,2,H/2,W/2).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import grid_sample, interpolate

from heygem.engines.mesh.device.wire import Wire
from heygem.engines.mesh.raster import Grid
from heygem.media.types import YuvFrame

Plane = NDArray[np.uint8]
SCALES = (1, 2)  # of luma and chroma
RIM_PX = 8  # bicubic reaches two samples beyond a pixel: in chroma four luma pixels


@dataclass(frozen=True, slots=True)
class Window:
    """The box of one grid, at an even place; it may reach out of the picture."""

    left: int
    top: int
    width: int
    height: int

    @classmethod
    def of(cls, grid: Grid) -> "Window":
        return cls(grid.left_px, grid.top_px, grid.width_px, grid.height_px)

    @classmethod
    def around(cls, windows: Sequence["Window"]) -> "Window":
        """The smallest that covers them all."""
        left, top = min(window.left for window in windows), min(window.top for window in windows)
        right = max(window.left + window.width for window in windows)
        bottom = max(window.top + window.height for window in windows)
        return cls(left, top, right - left, bottom - top)

    def with_rim(self, rim: int) -> "Window":
        return Window(self.left - rim, self.top - rim, self.width + 2 * rim, self.height + 2 * rim)

    def places(self, plane: Plane, scale: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Its rows and columns in a plane; those outside are the nearest inside."""
        top, left = self.top // scale, self.left // scale
        rows = np.arange(top, top + self.height // scale).clip(0, plane.shape[0] - 1)
        return rows, np.arange(left, left + self.width // scale).clip(0, plane.shape[1] - 1)


def cut_windows(frames: Sequence[YuvFrame], windows: Sequence[Window], wire: Wire) -> list[Tensor]:
    """Copies of the windows with their rims, ready to be sent: luma and chroma, uint8."""
    first = windows[0].with_rim(RIM_PX)
    cut = [
        wire.staging((len(frames), scale, first.height // scale, first.width // scale)) for scale in SCALES
    ]
    luma, chroma = (stack.numpy() for stack in cut)
    for row, (frame, window) in enumerate(zip(frames, windows, strict=True)):
        targets = (luma[row, 0], chroma[row, 0], chroma[row, 1])
        for plane, target, scale in zip(frame.planes, targets, (1, 2, 2), strict=True):
            _copy(plane, *window.with_rim(RIM_PX).places(plane, scale), target)
    return cut


def _copy(plane: Plane, rows: NDArray[np.int64], columns: NDArray[np.int64], target: Plane) -> None:
    is_inside = rows[0] + len(rows) == rows[-1] + 1 and columns[0] + len(columns) == columns[-1] + 1
    if is_inside:
        target[...] = plane[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    else:
        target[...] = plane[np.ix_(rows, columns)]


def pasted(frame: YuvFrame, window: Window, drawn: Sequence[Plane]) -> YuvFrame:
    """A copy of the frame with its window, without a rim, from luma (1,H,W) and chroma (2,H/2,W/2)."""
    copy = frame.copy()
    sources = (drawn[0][0], drawn[1][0], drawn[1][1])
    for plane, source, scale in zip(copy.planes, sources, (1, 2, 2), strict=True):
        left, top = window.left // scale, window.top // scale
        target = plane[top : top + source.shape[0], left : left + source.shape[1]]
        target[...] = source[: target.shape[0], : target.shape[1]]
    return copy


def to_pixels(nodes: Tensor, step_px: int, scale: int) -> Tensor:
    """Node values (B,A,rows,columns) -> (B,A,H,W) at the pixels of a plane."""
    rows, columns = nodes.shape[2:]
    size = (rows * step_px // scale, columns * step_px // scale)
    return interpolate(nodes, size, mode="bilinear", align_corners=False)


def box_indices(corner: Tensor, shape: Sequence[int]) -> tuple[Tensor, ...]:
    """What picks boxes of `shape` (B,C,h,w), each at a corner of its own, out of larger (B,C,H,W).

    `corner` (B,2) int64, x before y.
    """
    frame, channel, row, column = (torch.arange(count, device=corner.device) for count in shape)
    rows, columns = corner[:, 1:] + row, corner[:, :1] + column
    return frame[:, None, None, None], channel[:, None, None], rows[:, None, :, None], columns[:, None, None]


def sampled(pixels: Tensor, x: Tensor, y: Tensor, how: str = "bicubic") -> Tensor:
    """(N,C,H,W) at pixel positions (N,h,w) -> (N,C,h,w), whole numbers 0..255; `how` as grid_sample has it.

    Bicubic is Keys' kernel with a = -0.75, as in OpenCV; beyond the edges the outermost pixels go on.
    """
    height, width = pixels.shape[2:]
    # What grid_sample counts in: -1 and 1 at the outer edges of the outermost pixels.
    at = torch.stack([(2 * x + 1) / width - 1, (2 * y + 1) / height - 1], -1)
    return whole(grid_sample(pixels, at, mode=how, padding_mode="border", align_corners=False))


def whole(values: Tensor) -> Tensor:
    """Rounded as the planes will be."""
    return (values + 0.5).floor_().clamp_(0, 255)
