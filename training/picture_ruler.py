"""The ruler's eye for pixels: mouth boxes, sharpness, PSNR and SSIM. Pure functions on luma planes.

Luma is stretched to 0..255 first, so that decibels mean what they mean for grey pictures. All boxes come from
the reference's landmarks, never from the made video's.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from heygem.media.types import ColourTags, YuvFrame
from heygem.templates.canonical import CHIN, EYE_OUTER_LEFT, EYE_OUTER_RIGHT, LIPS, VERTEX_COUNT

NOSE_TIP = 1
HALF_WIDTH = 0.62  # of the mouth box, in eye distances
HALF_HEIGHT = 0.75  # of the half-width
MOUTH_SIZE = (128, 96)
BELOW_CHIN = 0.15  # of the face's height: as far as the lower-face box reaches onto the neck
SMALLEST_ERROR = 1e-3  # squared: equal pictures count as 78 dB
SSIM_BLUR_PX = 1.5
SSIM_BRIGHT, SSIM_CONTRAST = (0.01 * 255) ** 2, (0.03 * 255) ** 2

Grey = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of a frame, in whole pixels, inside it."""

    left: int
    top: int
    right: int
    bottom: int

    @classmethod
    def around(cls, low: NDArray[np.floating], high: NDArray[np.floating], grey: Grey) -> "Box":
        """From corner `low` to corner `high` (x, y), cut at the edges of the picture."""
        limits = np.array(grey.shape[::-1])
        left, top = np.clip(np.round(low).astype(int), 0, limits - 1)
        right, bottom = np.clip(np.round(high).astype(int), (left + 1, top + 1), limits)
        return cls(int(left), int(top), int(right), int(bottom))

    def of(self, grey: Grey) -> Grey:
        return grey[self.top : self.bottom, self.left : self.right]


def grey_of(frame: YuvFrame, colour: ColourTags) -> Grey:
    """Luma (H,W) as float32, 0..255 from black to white."""
    luma = frame.y.astype(np.float32)
    return luma if colour.full_range else (luma - 16) * np.float32(255 / 219)


def mouth_centre(points_px: NDArray[np.floating]) -> NDArray[np.floating]:
    """(478,2+) -> (2,): the middle of the lip points."""
    return np.asarray(points_px[list(LIPS), :2].mean(0))


def eye_distance_px(points_px: NDArray[np.floating]) -> float:
    return float(np.linalg.norm(points_px[EYE_OUTER_LEFT, :2] - points_px[EYE_OUTER_RIGHT, :2]))


def mouth_of(grey: Grey, points_px: NDArray[np.floating]) -> Grey:
    """The mouth box of the reference's landmarks, as a 128x96 picture."""
    half_width = HALF_WIDTH * eye_distance_px(points_px)
    half = np.array([half_width, HALF_HEIGHT * half_width])
    centre = mouth_centre(points_px)
    part = Box.around(centre - half, centre + half, grey).of(grey)
    return np.asarray(cv2.resize(part, MOUTH_SIZE, interpolation=cv2.INTER_AREA), np.float32)


def lower_face(grey: Grey, points_px: NDArray[np.floating]) -> Box:
    """As wide as the face, from the tip of the nose to a little under the chin."""
    face = points_px[:VERTEX_COUNT, :2]
    below = points_px[CHIN, 1] + BELOW_CHIN * np.ptp(face[:, 1])
    low = np.array([face[:, 0].min(), points_px[NOSE_TIP, 1]])
    return Box.around(low, np.array([face[:, 0].max(), below]), grey)


def detail(mouth: Grey) -> float:
    """Variance of the Laplacian: how sharp a mouth is."""
    return float(cv2.Laplacian(mouth, cv2.CV_32F).var())


def psnr(made: Grey, real: Grey) -> float:
    """Decibels, for values 0..255."""
    return _decibels(float(np.square(made - real).mean()))


def background_psnr(made: Grey, real: Grey, box: Box) -> float:
    """Decibels of everything outside a box."""
    error = np.square(made - real)
    inside = box.of(error)
    return _decibels(float(error.sum() - inside.sum()) / max(error.size - inside.size, 1))


def ssim(made: Grey, real: Grey) -> float:
    """Structural similarity (Wang et al. 2004), Gaussian windows of 11 px."""
    mean_made, mean_real = _blurred(made), _blurred(real)
    variance_made = _blurred(made * made) - mean_made**2
    variance_real = _blurred(real * real) - mean_real**2
    covariance = _blurred(made * real) - mean_made * mean_real
    bright = (2 * mean_made * mean_real + SSIM_BRIGHT) / (mean_made**2 + mean_real**2 + SSIM_BRIGHT)
    contrast = (2 * covariance + SSIM_CONTRAST) / (variance_made + variance_real + SSIM_CONTRAST)
    return float((bright * contrast).mean())


def _blurred(grey: Grey) -> NDArray[np.float64]:
    return np.asarray(cv2.GaussianBlur(grey.astype(np.float64), (11, 11), SSIM_BLUR_PX), np.float64)


def _decibels(squared_error: float) -> float:
    return float(10 * np.log10(255**2 / max(squared_error, SMALLEST_ERROR)))
