"""Where in a frame a face is looked for, and the way from the pixels of that crop to those of the frame."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heygem.media.types import ColourTags, YuvFrame
from heygem.media.yuv import crop_rgb
from heygem.models.landmarker import CROP_PX, Detection
from heygem.templates.canonical import EYE_OUTER_LEFT, EYE_OUTER_RIGHT, VERTEX_COUNT

CROP_MARGIN = 1.5  # crop side over face size, as the landmark net was trained


@dataclass(frozen=True, slots=True)
class Square:
    """An upright square to search, in frame pixels; it may reach beyond the frame."""

    corner_px: NDArray[np.float64]
    side_px: float

    @classmethod
    def around(cls, centre_px: NDArray[np.floating], side_px: float) -> "Square":
        return cls(np.asarray(centre_px - side_px / 2, dtype=np.float64), side_px)

    def crop_to_frame(self, size: int) -> NDArray[np.float64]:
        """(2,3) affine from the pixel centres of a crop of `size` to those of the frame."""
        scale = self.side_px / size
        return np.column_stack([np.eye(2) * scale, self.corner_px + (scale - 1) / 2])


@dataclass(frozen=True, slots=True)
class Region:
    """A turned square around a face, in frame pixels."""

    centre_px: NDArray[np.float64]
    side_px: float
    angle_radians: float

    def crop_to_frame(self) -> NDArray[np.float64]:
        """(2,3) affine from landmark-crop pixels to frame pixels."""
        scale = self.side_px / CROP_PX
        cos, sin = np.cos(self.angle_radians) * scale, np.sin(self.angle_radians) * scale
        linear = np.array([[cos, -sin], [sin, cos]])
        offset = self.centre_px - linear @ np.full(2, CROP_PX / 2)
        return np.column_stack([linear, offset])

    def crop(self, frame: YuvFrame, colour: ColourTags) -> NDArray[np.uint8]:
        """(256,256,3) RGB, as the landmark net takes it."""
        return crop_rgb(frame, self.crop_to_frame(), CROP_PX, colour)

    def in_frame(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """Landmarks (...,478,3) in pixels of its crop, in pixels of the frame."""
        to_frame = self.crop_to_frame()
        moved = points.copy()
        moved[..., :2] = points[..., :2] @ to_frame[:, :2].T + to_frame[:, 2]
        moved[..., 2] *= self.side_px / CROP_PX
        return moved

    @classmethod
    def of_detection(cls, square: Square, detection: Detection) -> "Region":
        """From a detector's box and eye points, given in parts of the square it searched."""
        box_px = detection.box * square.side_px + np.tile(square.corner_px, 2)
        across = detection.keypoints[1] - detection.keypoints[0]
        side = CROP_MARGIN * float(max(box_px[2] - box_px[0], box_px[3] - box_px[1]))
        return cls((box_px[:2] + box_px[2:]) / 2, side, float(np.arctan2(across[1], across[0])))

    @classmethod
    def of_landmarks(cls, points_px: NDArray[np.floating]) -> "Region":
        """The next frame's region, from this frame's (478,3) landmarks."""
        across = points_px[EYE_OUTER_RIGHT, :2] - points_px[EYE_OUTER_LEFT, :2]
        angle = float(np.arctan2(across[1], across[0]))
        upright = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        turned = points_px[:VERTEX_COUNT, :2] @ upright.T
        low, high = turned.min(0), turned.max(0)
        return cls((low + high) / 2 @ upright, CROP_MARGIN * float((high - low).max()), angle)
