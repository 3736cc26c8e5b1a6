"""Draws the frames of a job in batches on the device, while the host reads the next and writes the last.

The host cuts windows out of frames, sends them, and pastes what comes back; everything else is the device's.
One batch is at work on the device while the frames of the one before it are handed out.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import torch

from heygem.engines.mesh.bank import MouthPatch
from heygem.engines.mesh.composer import Drawing, drawing_grid
from heygem.engines.mesh.device_composer import DeviceComposer
from heygem.engines.mesh.device_mouths import ResidentMouths
from heygem.engines.mesh.device_raster import equalised
from heygem.engines.mesh.device_windows import cut_windows, pasted
from heygem.engines.mesh.device_wire import Arriving, Wire
from heygem.engines.mesh.geometry import DrawMesh
from heygem.engines.mesh.raster import Grid
from heygem.media.types import YuvFrame

FIRST_BATCH_FRAMES = 8  # as many as are decoded meanwhile, so that the encoder starts early
MOST_FRAMES = 16
MOST_PIXELS = 1 << 22  # of all windows of a batch, which bounds the device memory it takes


@dataclass(slots=True)
class _Collected:
    """Frames in order; of those that are drawn into, the place among them, what, and on which grid."""

    frames: list[YuvFrame] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    drawings: list[Drawing] = field(default_factory=list)
    grids: list[Grid] = field(default_factory=list)
    columns: int = 0  # of the largest grid
    rows: int = 0

    def has_room_for(self, grid: Grid) -> bool:
        """Whether the grid is like the others, and the windows do not become too large with it."""
        if not self.grids:
            return True
        nodes = (len(self.grids) + 1) * max(self.columns, grid.columns) * max(self.rows, grid.rows)
        return grid.step_px == self.grids[0].step_px and nodes * grid.step_px**2 <= MOST_PIXELS

    def add_drawn(self, frame: YuvFrame, drawing: Drawing, grid: Grid) -> None:
        self.places.append(len(self.frames))
        self.frames.append(frame)
        self.drawings.append(drawing)
        self.grids.append(grid)
        self.columns, self.rows = max(self.columns, grid.columns), max(self.rows, grid.rows)


@dataclass(frozen=True, slots=True)
class _Drawn:
    """Frames whose windows are on their way back from the device."""

    frames: Sequence[YuvFrame]
    places: Sequence[int]
    grids: Sequence[Grid]
    arriving: Arriving

    def finished(self) -> Iterator[YuvFrame]:
        """The frames in order, with what was drawn pasted into copies."""
        stacks = self.arriving.arrays()
        row_of = {place: row for row, place in enumerate(self.places)}
        for place, frame in enumerate(self.frames):
            row = row_of.get(place)
            yield frame if row is None else pasted(frame, self.grids[row], [stack[row] for stack in stacks])


class DeviceDrawer:
    """For the thread that owns the device. Every job gives back the memory it took there."""

    def __init__(self, mesh: DrawMesh, device: torch.device) -> None:
        self._mesh = mesh
        self._wire = Wire(device)
        self._composer = DeviceComposer(mesh, self._wire)

    def draw(
        self,
        frames: Iterable[YuvFrame],
        drawings: Iterable[Drawing | None],
        mouths: Sequence[MouthPatch],
    ) -> Iterator[YuvFrame]:
        """See `FrameDrawer`."""
        resident = ResidentMouths.of(mouths, self._wire)
        at_work: _Drawn | None = None
        for collected in self._collected(frames, drawings):
            started = self._started(collected, resident)
            if at_work is not None:
                yield from at_work.finished()
            at_work = started
        if at_work is not None:
            yield from at_work.finished()

    def _collected(
        self, frames: Iterable[YuvFrame], drawings: Iterable[Drawing | None]
    ) -> Iterator[_Collected]:
        limit, held = FIRST_BATCH_FRAMES, _Collected()
        for frame, drawing in zip(frames, drawings, strict=True):
            if drawing is None:
                held.frames.append(frame)
            else:
                grid = drawing_grid(drawing, drawing.target_px, self._mesh, frame.y.shape)
                if not held.has_room_for(grid):
                    yield held
                    held = _Collected()
                held.add_drawn(frame, drawing, grid)
            if len(held.frames) >= limit:
                yield held
                limit, held = MOST_FRAMES, _Collected()
        if held.frames:
            yield held

    def _started(self, collected: _Collected, mouths: ResidentMouths) -> _Drawn:
        """Send a batch; nothing is waited for."""
        if not collected.drawings:
            return _Drawn(collected.frames, (), (), Arriving((), None))
        grids = equalised(collected.grids)
        drawn_into = [collected.frames[place] for place in collected.places]
        cut = cut_windows(drawn_into, grids, self._wire)
        arriving = self._composer.compose(cut, collected.drawings, grids, drawn_into[0].y.shape, mouths)
        return _Drawn(collected.frames, collected.places, grids, arriving)
