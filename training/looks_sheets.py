"""Pictures to judge a finished video by: mouth close-ups, slices through time, and what changed where."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from heygem.media.frames import FrameSource
from heygem.media.types import VideoInfo
from heygem.media.yuv import crop_rgb, frame_rgb
from heygem.templates.canonical import CHIN
from training.picture_ruler import eye_distance_px, mouth_centre

ENLARGED = 3
TILE_PX = 300
CLOSE_UPS = 8
SLICE_PX = 240  # length of the line that is followed through time
SLICE_SIDE = 1.6  # eye distances that it covers
DIFFERENCE_GAIN = 8
DIFFERENCE_HEIGHT_PX = 640

Rgb = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Take:
    """A video and the landmarks (T,478,2+) by which it is looked at, frame by frame of `schedule` (T,)."""

    info: VideoInfo
    points_px: NDArray[np.floating]
    schedule: NDArray[np.int64]

    def crops(self, moments: Sequence[int], side_eyes: float, size_px: int) -> Iterator[Rgb]:
        """Squares around the mouth, `side_eyes` eye distances of the middle frame wide."""
        side = side_eyes * eye_distance_px(self.points_px[len(self.points_px) // 2])
        with FrameSource(self.info) as source:
            frames = source.read_schedule(self.schedule[list(moments)].tolist())
            for moment, frame in zip(moments, frames, strict=True):
                scale = side / size_px
                corner = mouth_centre(self.points_px[moment]) - scale * (size_px - 1) / 2
                yield crop_rgb(frame, np.column_stack([np.eye(2) * scale, corner]), size_px, self.info.colour)


def write_close_ups(takes: Sequence[Take], moments: Sequence[int], path: Path) -> None:
    """A row for each take: the mouth at these moments, three times enlarged where it fits."""
    eye_px = eye_distance_px(takes[0].points_px[0])
    side_eyes = min(1.25, TILE_PX / ENLARGED / eye_px) if eye_px > TILE_PX / ENLARGED else 1.25
    rows = [np.concatenate(list(take.crops(moments, max(side_eyes, 0.9), TILE_PX)), 1) for take in takes]
    _save(np.concatenate(rows), path)


def write_slices(takes: Sequence[Take], path: Path) -> None:
    """Time runs to the right. For each take: a line down through the mouth, and one across the chin.

    A picture that flickers shows a comb.
    """
    strips = []
    for take in takes:
        moments = range(len(take.schedule))
        chin_row = _chin_row(take)
        squares = list(take.crops(moments, SLICE_SIDE, SLICE_PX))
        strips.append(np.stack([square[:, SLICE_PX // 2] for square in squares], 1))
        strips.append(np.stack([square[chin_row] for square in squares], 1))
    _save(np.concatenate(strips), path)


def _chin_row(take: Take) -> int:
    """The row of a slice square that crosses the chin, a little above its edge."""
    middle = take.points_px[len(take.points_px) // 2]
    below = (middle[CHIN, 1] - mouth_centre(middle)[1]) / (SLICE_SIDE * eye_distance_px(middle))
    return int(np.clip((0.5 + 0.85 * below) * SLICE_PX, 0, SLICE_PX - 1))


def write_difference(made: Take, real: Take, moment: int, path: Path) -> None:
    """Made frame, real frame, and eight times their difference."""
    pictures = []
    for take in (made, real):
        with FrameSource(take.info) as source:
            frame = next(iter(source.read_schedule([int(take.schedule[moment])])))
            pictures.append(frame_rgb(frame, take.info.colour))
    difference = np.abs(pictures[0].astype(np.int16) - pictures[1]) * DIFFERENCE_GAIN
    pictures.append(np.clip(difference, 0, 255).astype(np.uint8))
    scale = DIFFERENCE_HEIGHT_PX / pictures[0].shape[0]
    small = [
        cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) for picture in pictures
    ]
    _save(np.concatenate(small, 1), path)


def _save(rgb: NDArray[np.uint8], path: Path) -> None:
    cv2.imwrite(str(path), cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 92])
