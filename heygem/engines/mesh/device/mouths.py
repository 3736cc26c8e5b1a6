"""The mouth bank of a job on the device."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from heygem.engines.mesh.bank import MouthPatch
from heygem.engines.mesh.composer import Drawing
from heygem.engines.mesh.device.windows import SCALES, sampled
from heygem.engines.mesh.device.wire import Wire


@dataclass(frozen=True, slots=True)
class MouthChoice:
    """The mouths of B frames: numbers `which` and weights `share` (B,M), M the most any frame has."""

    which: Tensor
    share: Tensor


@dataclass(frozen=True, slots=True)
class ResidentMouths:
    """K mouths, uint8: luma (K,1,h,w) and chroma (K,2,h/2,w/2), the edges of smaller ones repeated."""

    stacks: tuple[Tensor, ...]
    corner_px: Tensor  # (K,2) x, y in their own frames
    number: dict[int, int]  # by the identity of the patch
    wire: Wire

    @classmethod
    def of(cls, patches: Sequence[MouthPatch], wire: Wire) -> "ResidentMouths":
        height, width = (max((patch.pixels.y.shape[axis] for patch in patches), default=0) for axis in (0, 1))
        staged = [wire.staging((len(patches), scale, height // scale, width // scale)) for scale in SCALES]
        for number, patch in enumerate(patches):
            places = (staged[0][number, 0], staged[1][number, 0], staged[1][number, 1])
            for place, pixels in zip(places, patch.pixels.planes, strict=True):
                _fill(place.numpy(), pixels)
        corners = np.array([(patch.left_px, patch.top_px) for patch in patches], np.float32)
        numbers = {id(patch): number for number, patch in enumerate(patches)}
        return cls(tuple(wire.up(stack) for stack in staged), wire.up(corners), numbers, wire)

    def choice(self, drawings: Sequence[Drawing]) -> MouthChoice:
        """The mouths of these drawings; those that have fewer get one that weighs nothing."""
        most = max(len(drawing.mouths) for drawing in drawings)
        which = np.zeros((len(drawings), most), np.int64)
        share = np.zeros((len(drawings), most), np.float32)
        for row, drawing in enumerate(drawings):
            for column, (patch, weight) in enumerate(drawing.mouths):
                which[row, column], share[row, column] = self.number[id(patch)], weight
        return MouthChoice(self.wire.up(which), self.wire.up(share))

    def sample(self, choice: MouthChoice, source: Tensor, scale: int) -> Tensor:
        """The chosen mouths, mixed, at `source` (B,2M,H,W), luma positions: (B,C,H,W)."""
        batch, most = choice.which.shape
        pixels = self.stacks[SCALES.index(scale)][choice.which].float()  # (B,M,C,h,w)
        # A chroma sample sits in the middle of its 2x2 luma samples.
        origin = self.corner_px[choice.which] + (scale - 1) / 2  # (B,M,2)
        source = source.view(batch, most, 2, *source.shape[2:])
        x, y = ((source - origin[..., None, None]) / scale).flatten(0, 1).unbind(1)  # (B*M,H,W)
        drawn = sampled(pixels.flatten(0, 1), x, y).view(batch, most, -1, *x.shape[1:])
        return (choice.share[..., None, None, None] * drawn).sum(1)


def _fill(place: NDArray[np.uint8], pixels: NDArray[np.uint8]) -> None:
    """Lay `pixels` into the larger `place` and repeat their last row and column."""
    height, width = pixels.shape
    place[:height, :width] = pixels
    place[:height, width:] = pixels[:, -1:]
    place[height:] = place[height - 1]
