"""One record per frame of a clip: where the followed face is, or that it is not there."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt


@dataclass(frozen=True)
class FaceTrack:
    """Landmarks of one person through a clip.

    points: (N,478,3) float32, x and y in pixels of the frame, z in the same unit; undefined where absent.
    present: (N,) bool. A frame without the face is absent, never a guess.
    colours: (N,468,3) uint8 RGB, the mean colour around each vertex of the mesh; undefined where absent.
    detail: (N,) float32, how sharp the mouth is (variance of the Laplacian of luma); undefined where absent.
    covered: (N,468) uint8, how surely, in parts of 255, a vertex is behind something that is there for long.
    """

    points: NDArray[np.float32]
    present: NDArray[np.bool_]
    colours: NDArray[np.uint8]
    detail: NDArray[np.float32]
    covered: NDArray[np.uint8]

    def __post_init__(self) -> None:
        rows = {len(self.points), len(self.colours), len(self.detail), len(self.covered)}
        if rows != {len(self.present)}:
            raise ValueError(f"{sorted(rows)} rows for {len(self.present)} frames")

    def __len__(self) -> int:
        return len(self.present)

    @property
    def absent_count(self) -> int:
        """How many frames show no face."""
        return int((~self.present).sum())

    @cached_property
    def filled_points(self) -> NDArray[np.float32]:
        """(N,478,3) with absent frames interpolated in time, for filters that need a value everywhere."""
        here = np.flatnonzero(self.present)
        if len(here) == len(self):
            return self.points
        right = np.clip(np.searchsorted(here, np.arange(len(self))), 0, len(here) - 1)
        left = np.clip(right - 1, 0, None)
        span = np.maximum(here[right] - here[left], 1)
        weight = np.clip((np.arange(len(self)) - here[left]) / span, 0.0, 1.0).astype(np.float32)[
            :, None, None
        ]
        filled = self.points[here[left]] * (1 - weight) + self.points[here[right]] * weight
        return np.where(self.present[:, None, None], self.points, filled).astype(np.float32)

    def face_width_px(self) -> float:
        """Median width of the mesh over the frames that show the face."""
        x = self.points[self.present, :468, 0]
        return float(np.median(x.max(1) - x.min(1)))

    def strength(self, ramp_frames: int) -> NDArray[np.float64]:
        """(N,) in 0..1: 0 where the face is absent, rising over `ramp_frames` next to such frames."""
        if self.absent_count == 0:
            return np.ones(len(self))
        distance: NDArray[np.float64] = distance_transform_edt(self.present)
        return np.minimum(distance / (ramp_frames + 1), 1.0)
