"""A living photo as it is sampled: its luma at twice its size, lids over its eyes, its head turned."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heygem.engines.mesh.photo.doubling import doubled, doubled_around
from heygem.engines.mesh.photo.eyelids import Lid
from heygem.engines.mesh.photo.sway import HeadTurn
from heygem.media.types import YuvFrame

Plane = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class FinePart:
    """A rectangle of a photo, its luma at twice the size.

    Attributes:
        left_px, top_px: its corner in the photo, even.
        luma_twice: (2h,2w).
        chroma: (2,h/2,w/2).
    """

    left_px: int
    top_px: int
    luma_twice: Plane
    chroma: Plane


@dataclass(frozen=True, slots=True)
class FinePhoto:
    """The photo of one job.

    Attributes:
        open_eyed: the photo as it is.
        luma_twice: (2H,2W), its luma at twice its size; see `doubling`.
        lids: by level, the parts of the photo that lids change; none at level 0.
    """

    open_eyed: YuvFrame
    luma_twice: Plane
    lids: Mapping[int, Sequence[Lid]]

    @classmethod
    def of(cls, photo: YuvFrame, lids: Mapping[int, Sequence[Lid]]) -> "FinePhoto":
        return cls(photo, doubled(photo.y), lids)

    def blinking(self, level: int) -> YuvFrame:
        """The photo with its lids down to `level`."""
        if not level:
            return self.open_eyed
        shut = self.open_eyed.copy()
        for lid in self.lids[level]:
            lid.lay_over(shut)
        return shut

    def parts(self, level: int) -> list[FinePart]:
        """Where it differs at `level` from the photo with open eyes."""
        if not level:
            return []
        photo = self.blinking(level)
        return [_part(photo, lid) for lid in self.lids[level]]

    def luma_twice_at(self, level: int) -> Plane:
        """(2H,2W) with the lids down to `level`; not to be written to."""
        if not level:
            return self.luma_twice
        fine = self.luma_twice.copy()
        for part in self.parts(level):
            left, top, (height, width) = 2 * part.left_px, 2 * part.top_px, part.luma_twice.shape
            fine[top : top + height, left : left + width] = part.luma_twice
        return fine


@dataclass(frozen=True, slots=True)
class TurnedPhoto:
    """What is seen of a photo in one frame: its lids at `level`, and then its head turned."""

    photo: FinePhoto
    level: int
    turn: HeadTurn


def _part(photo: YuvFrame, lid: Lid) -> FinePart:
    """What a lid that lies on the photo has a say in."""
    left, top, luma_twice = doubled_around(photo.y, *lid.box_px)
    height, width = (side // 4 for side in luma_twice.shape)
    rows, columns = slice(top // 2, top // 2 + height), slice(left // 2, left // 2 + width)
    return FinePart(left, top, luma_twice, np.stack([photo.u[rows, columns], photo.v[rows, columns]]))
