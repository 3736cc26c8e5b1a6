"""Film grain on the device: see `film_grain`."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from heygem.engines.mesh.composer import Drawing
from heygem.engines.mesh.device.windows import Window
from heygem.engines.mesh.device.wire import Wire
from heygem.engines.mesh.film_grain import TILE_PX, grain_tiles


@dataclass(frozen=True, slots=True)
class FrameGrain:
    """The grain of B frames: which tile, how strong, and where in it their windows begin; (B,1,1,1) each."""

    tiles: Tensor
    size: Tensor
    strength: Tensor
    top_px: Tensor
    left_px: Tensor

    def at(self, rows: Tensor, columns: Tensor) -> Tensor:
        """(B,1,h,1) and (B,1,1,w) pixels of the windows -> (B,1,h,w) what to add to luma, in levels."""
        row, column = (self.top_px + rows) % TILE_PX, (self.left_px + columns) % TILE_PX
        return self.strength * self.tiles[self.size, row, column]


class ResidentGrain:
    """The tiles on the device."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._tiles = wire.up(grain_tiles().copy())

    def of(self, drawings: Sequence[Drawing], windows: Sequence[Window]) -> FrameGrain | None:
        """What the drawings ask for in their windows; None where none asks for any."""
        cuts = [drawing.grain for drawing in drawings]
        if not any(cuts):
            return None
        places = np.zeros((3, len(cuts), 1, 1, 1), np.int64)
        strength = np.zeros((len(cuts), 1, 1, 1), np.float32)
        for row, (cut, window) in enumerate(zip(cuts, windows, strict=True)):
            if cut is not None:
                corner = (cut.top_px + window.top, cut.left_px + window.left)
                places[:, row, 0, 0, 0] = (cut.grain.size, *corner)
                strength[row] = cut.grain.strength
        size, top, left = self._wire.up(places)
        return FrameGrain(self._tiles, size, self._wire.up(strength), top, left)
