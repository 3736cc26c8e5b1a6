"""Where the pixels of a batch come from, and the skin that is pulled over them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from heygem.engines.mesh.device.batch import Batch
from heygem.engines.mesh.device.windows import RIM_PX, SCALES, cut_windows, sampled, to_pixels
from heygem.engines.mesh.device.wire import Wire
from heygem.media.types import YuvFrame


class Pictures(Protocol):
    """The pixels under a batch's windows."""

    def pulled(self, displacement: Tensor) -> list[Tensor]:
        """Each pixel from where the meshes say it came from: (B,2,rows,columns) pixels away, at their nodes.

        Luma (B,1,H,W) and chroma (B,2,H/2,W/2) of the windows: float32, whole numbers 0..255.
        """


@dataclass(frozen=True, slots=True)
class FramePictures:
    """Windows cut out of the frames (with rims, uint8), ready to be sent."""

    cut: Sequence[Tensor]
    step_px: int
    wire: Wire

    @classmethod
    def of(cls, frames: Sequence[YuvFrame], batch: Batch, wire: Wire) -> "FramePictures":
        return cls(cut_windows(frames, batch.windows, wire), batch.step_px, wire)

    def pulled(self, displacement: Tensor) -> list[Tensor]:
        """See `Pictures`."""
        stacks = [self.wire.up(stack).float() for stack in self.cut]
        return [warp_skin(*pair, displacement, self.step_px) for pair in zip(stacks, SCALES, strict=True)]


def warp_skin(stack: Tensor, scale: int, displacement: Tensor, step_px: int) -> Tensor:
    """Pull each pixel of the windows, given with their rims, from where the mesh says it came from."""
    rim = RIM_PX // scale
    offset = to_pixels(displacement, step_px, scale) / scale  # (B,2,H,W)
    height, width = offset.shape[2:]
    columns, rows = (torch.arange(rim, rim + side, device=stack.device) for side in (width, height))
    skin = sampled(stack, offset[:, 0] + columns, offset[:, 1] + rows[:, None])
    original = stack[..., rim : rim + height, rim : rim + width]
    return torch.where((offset != 0).any(1, keepdim=True), skin, original)
