"""Draws the frames of a job in batches on the device, while the host reads the next and writes the last.

The host cuts windows out of frames, sends them, and pastes what comes back; everything else is the device's.
A photo whose head turns is sent once for the job, and no windows of it are cut.
One batch is at work on the device while the frames of the one before it are handed out.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import torch

from heygem.engines.mesh.bank import MouthPatch
from heygem.engines.mesh.composer import Drawing
from heygem.engines.mesh.device.batch import Batch, Placed
from heygem.engines.mesh.device.composer import DeviceComposer
from heygem.engines.mesh.device.mouths import ResidentMouths
from heygem.engines.mesh.device.photo import ResidentPhoto, TurnedPictures
from heygem.engines.mesh.device.pictures import FramePictures, Pictures
from heygem.engines.mesh.device.windows import Window, pasted
from heygem.engines.mesh.device.wire import Arriving, Wire
from heygem.engines.mesh.geometry import DrawMesh
from heygem.engines.mesh.photo.fine_photo import TurnedPhoto
from heygem.media.types import YuvFrame

FIRST_BATCH_FRAMES = 8  # as many as are decoded meanwhile, so that the encoder starts early
MOST_FRAMES = 16
MOST_PIXELS = 1 << 22  # of all windows of a batch, which bounds the device memory it takes


@dataclass(slots=True)
class _Collected:
    """Frames in order; of those that are drawn into, the place among them, and what is drawn."""

    frames: list[YuvFrame] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    placed: list[Placed] = field(default_factory=list)
    columns: int = 0  # of the largest grid
    rows: int = 0

    def has_room_for(self, placed: Placed) -> bool:
        """Whether it goes with the others, and the windows do not become too large with it."""
        if not self.placed:
            return True
        grid, head = placed.grid, placed.head
        window_px = max(self.columns, grid.columns) * max(self.rows, grid.rows) * grid.step_px**2
        if head is not None:
            window_px = max(window_px, head.width_px * head.height_px)
        return placed.goes_with(self.placed[0]) and (len(self.placed) + 1) * window_px <= MOST_PIXELS

    def add_drawn(self, frame: YuvFrame, placed: Placed) -> None:
        self.places.append(len(self.frames))
        self.frames.append(frame)
        self.placed.append(placed)
        self.columns = max(self.columns, placed.grid.columns)
        self.rows = max(self.rows, placed.grid.rows)


@dataclass(frozen=True, slots=True)
class _Drawn:
    """Frames whose windows are on their way back from the device."""

    frames: Sequence[YuvFrame]
    places: Sequence[int]
    windows: Sequence[Window]
    arriving: Arriving

    def finished(self) -> Iterator[YuvFrame]:
        """The frames in order, with what was drawn pasted into copies."""
        stacks = self.arriving.arrays()
        row_of = {place: row for row, place in enumerate(self.places)}
        for place, frame in enumerate(self.frames):
            row = row_of.get(place)
            yield frame if row is None else pasted(frame, self.windows[row], [stack[row] for stack in stacks])


@dataclass(slots=True)
class _Resident:
    """What a job keeps on the device."""

    mouths: ResidentMouths
    photo: ResidentPhoto | None = None

    def photo_of(self, turned: TurnedPhoto, wire: Wire) -> ResidentPhoto:
        """Sent at the first frame that needs it."""
        if self.photo is None or self.photo.photo is not turned.photo:
            self.photo = ResidentPhoto(turned.photo, wire)
        return self.photo


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
        resident = _Resident(ResidentMouths.of(mouths, self._wire))
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
                placed = Placed.of(drawing, self._mesh, frame.y.shape)
                if not held.has_room_for(placed):
                    yield held
                    held = _Collected()
                held.add_drawn(frame, placed)
            if len(held.frames) >= limit:
                yield held
                limit, held = MOST_FRAMES, _Collected()
        if held.frames:
            yield held

    def _started(self, collected: _Collected, resident: _Resident) -> _Drawn:
        """Send a batch; nothing is waited for."""
        if not collected.placed:
            return _Drawn(collected.frames, (), (), Arriving((), None))
        drawn_into = [collected.frames[place] for place in collected.places]
        batch = Batch.of(collected.placed, drawn_into[0].y.shape)
        arriving = self._composer.compose(batch, self._pictures(drawn_into, batch, resident), resident.mouths)
        return _Drawn(collected.frames, collected.places, batch.windows, arriving)

    def _pictures(self, frames: Sequence[YuvFrame], batch: Batch, resident: _Resident) -> Pictures:
        turned = [drawing.turned for drawing in batch.drawings if drawing.turned]
        if not turned:
            return FramePictures.of(frames, batch, self._wire)
        return TurnedPictures(resident.photo_of(turned[0], self._wire), turned, batch, self._wire)
