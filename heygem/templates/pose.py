"""Head pose: the 3-D similarity between a frame's landmarks and the canonical face."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from heygem.templates.canonical import STABLE, CanonicalFace

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PoseTrack:
    """Frame-to-canonical similarities: `canonical = scale * rotation @ frame + translation`.

    scale (N,), rotation (N,3,3), translation (N,3); frame units are pixels.
    """

    scale: Array
    rotation: Array
    translation: Array

    def to_canonical(self, points_px: NDArray[np.floating]) -> Array:
        """(N,V,3) pixels -> (N,V,3) canonical."""
        turned = np.einsum("nij,nvj->nvi", self.rotation, points_px)
        return np.asarray(self.scale[:, None, None] * turned + self.translation[:, None])

    def displacement_to_px(self, displacement: NDArray[np.floating]) -> Array:
        """(N,V,3) canonical displacement -> (N,V,3) pixels: a difference turns back without translation."""
        turned = np.einsum("nji,nvj->nvi", self.rotation, displacement)
        return np.asarray(turned / self.scale[:, None, None])

    def take(self, indices: NDArray[np.integer]) -> "PoseTrack":
        """The poses of the given frames, in that order."""
        return PoseTrack(self.scale[indices], self.rotation[indices], self.translation[indices])

    def smoothed(self, sigma_frames: float) -> "PoseTrack":
        """Zero-phase Gaussian filter over time: the template is a file, so no lag is excusable."""
        if len(self.scale) < 2:
            return self
        rotation = nearest_rotation(gaussian_filter1d(self.rotation, sigma_frames, axis=0, mode="nearest"))
        scale = gaussian_filter1d(self.scale, sigma_frames, mode="nearest")
        translation = gaussian_filter1d(self.translation, sigma_frames, axis=0, mode="nearest")
        return PoseTrack(scale, rotation, translation)


def nearest_rotation(matrices: Array) -> Array:
    """(N,3,3) near-rotations -> the nearest proper rotations."""
    u, _, vt = np.linalg.svd(matrices)
    signs = np.ones(u.shape[:-1])
    signs[:, 2] = np.sign(np.linalg.det(u @ vt))
    return np.asarray((u * signs[:, None, :]) @ vt)


def fit_pose(points_px: NDArray[np.floating], face: CanonicalFace) -> PoseTrack:
    """Least-squares similarity of the stable points (Umeyama 1991): (N,478,3) pixels -> poses."""
    source = points_px[:, STABLE].astype(np.float64)
    target = face.vertices[list(STABLE)]
    source_centre, target_centre = source.mean(1), target.mean(0)
    source_offset = source - source_centre[:, None]
    covariance = np.einsum("nki,kj->nij", source_offset, target - target_centre)
    u, singular, vt = np.linalg.svd(covariance)
    signs = np.ones((len(source), 3))
    signs[:, 2] = np.sign(np.linalg.det(u @ vt))
    rotation = np.einsum("nji,nj,nkj->nik", vt, signs, u)
    scale = (singular * signs).sum(1) / (source_offset**2).sum((1, 2))
    translation = target_centre - scale[:, None] * np.einsum("nij,nj->ni", rotation, source_centre)
    return PoseTrack(scale, rotation, translation)
