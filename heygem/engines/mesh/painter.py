"""Paints mouths the template never showed: warp the most closed frame open, then a small net repairs it.

The crop is the one the net learned on: 160 px, 0.64 canonical units wide, upright by the 2-D similarity of
the stable points, centred between the mouth corners. The net adds full detail inside the lips and on the lip
line, and only low frequencies on the skin around, so that stubble and pores stay the person's own.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from heygem.engines.mesh.bank import MouthPatch, cut_patch
from heygem.engines.mesh.composer import Composer, Drawing
from heygem.engines.mesh.geometry import DrawMesh
from heygem.engines.mesh.models import MeshModels
from heygem.media.types import ColourTags, YuvFrame
from heygem.media.yuv import crop_rgb, rgb_to_yuv, yuv_to_rgb
from heygem.templates.canonical import INNER_LIPS, MOUTH_CORNERS, OUTER_LIPS, STABLE, CanonicalFace

Array = NDArray[np.float64]
Image = NDArray[np.float32]
CROP_PX = 160
CROP_CANONICAL = 0.64
SKIN_BLUR_PX = 2.2  # the residual's sigma outside the lips
GAP_INPUT_SCALE = 4.0  # how the net was told lip gaps in training
SUBPIXEL_BITS = 3


@dataclass(frozen=True, slots=True)
class Canvas:
    """The frame that mouths are painted on: its picture, mesh (V,2) and landmarks (478,3), all in pixels."""

    frame: YuvFrame
    colour: ColourTags
    vertices_px: Array
    points_px: NDArray[np.float32]
    gap_in_eyes: float  # lip gap over the distance of the outer eye corners


class MouthPainter:
    """One per engine."""

    def __init__(self, models: MeshModels, mesh: DrawMesh, face: CanonicalFace) -> None:
        self._models = models
        self._composer = Composer(mesh)
        self._face = face

    def paint(self, canvas: Canvas, target_px: Array) -> MouthPatch:
        """The person's mouth with its mesh at `target_px` (V,2)."""
        no_mouth = np.zeros(len(target_px))
        opened = self._composer.compose(canvas.frame, Drawing(canvas.vertices_px, target_px, (), no_mouth))
        crop_to_frame = self._crop_to_frame(canvas.points_px)
        crop = crop_rgb(opened, crop_to_frame, CROP_PX, canvas.colour).astype(np.float32)
        residual = self._repair(crop, _to_crop(target_px, crop_to_frame), canvas.gap_in_eyes)
        return _patch(opened, canvas.colour, crop_to_frame, residual, target_px)

    def _crop_to_frame(self, points_px: NDArray[np.float32]) -> Array:
        """(2,3) affine from crop pixels to frame pixels."""
        canonical_to_frame = similarity_2d(
            self._face.vertices[list(STABLE), :2], points_px[list(STABLE), :2].astype(np.float64)
        )
        linear = canonical_to_frame[:, :2]  # the crop is placed by the mouth, not by the head
        unit = CROP_CANONICAL / CROP_PX
        corners = points_px[list(MOUTH_CORNERS), :2].mean(0)
        middle = corners - linear @ np.full(2, unit * (CROP_PX - 1) / 2)
        return np.column_stack([linear * unit, middle])

    def _repair(self, crop: Image, vertices: Array, gap_in_eyes: float) -> Image:
        """(160,160,3) RGB 0..255 and mesh (V,2) in crop pixels -> residual (160,160,3) to add."""
        inner = _filled(vertices[list(INNER_LIPS)])
        lips = _filled(vertices[list(OUTER_LIPS)])
        size = (1, CROP_PX, CROP_PX)
        gaps = np.stack([np.full(size[1:], gap_in_eyes * GAP_INPUT_SCALE), np.zeros(size[1:])])
        inputs = np.concatenate(
            [
                crop.transpose(2, 0, 1) / 127.5 - 1,  # (H,W,3) 0..255 -> (3,H,W) in [-1,1]
                inner[None] * 2 - 1,
                lips[None] * 2 - 1,
                np.zeros((4, CROP_PX, CROP_PX)),  # no reference mouth, and the flag that says so
                gaps,
            ]
        ).astype(np.float32)
        raw = self._models.mouth_repair.repair(inputs[None])[0].transpose(1, 2, 0) * 127.5
        sharp = np.clip(cv2.GaussianBlur(cv2.dilate(inner, np.ones((7, 7))), (0, 0), SKIN_BLUR_PX), 0, 1)[
            ..., None
        ]
        soft = cv2.GaussianBlur(raw, (0, 0), SKIN_BLUR_PX)
        reach = cv2.GaussianBlur(cv2.dilate(lips, np.ones((15, 15))), (0, 0), 3)[..., None]
        return np.asarray((raw * sharp + soft * (1 - sharp)) * reach, dtype=np.float32)


def similarity_2d(source: Array, target: Array) -> Array:
    """Least-squares rotation, uniform scale and shift taking (M,2) onto (M,2): (2,3)."""
    source_centre, target_centre = source.mean(0), target.mean(0)
    a, b = source - source_centre, target - target_centre
    norm = (a**2).sum()
    real = (a * b).sum() / norm
    imaginary = (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum() / norm
    linear = np.array([[real, -imaginary], [imaginary, real]])
    return np.column_stack([linear, target_centre - linear @ source_centre])


def _to_crop(points_px: Array, crop_to_frame: Array) -> Array:
    return (points_px - crop_to_frame[:, 2]) @ np.linalg.inv(crop_to_frame[:, :2]).T


def _filled(polygon: Array) -> Image:
    """(M,2) crop pixels -> (160,160) float32 in 0..1, antialiased."""
    mask = np.zeros((CROP_PX, CROP_PX), np.uint8)
    points = np.round(polygon * (1 << SUBPIXEL_BITS)).astype(np.int32)
    cv2.fillPoly(mask, [points], 255, cv2.LINE_AA, SUBPIXEL_BITS)
    return np.asarray(mask / 255, dtype=np.float32)


def _patch(
    frame: YuvFrame, colour: ColourTags, crop_to_frame: Array, residual: Image, vertices_px: Array
) -> MouthPatch:
    """Add the residual, at the frame's own resolution, to the part of the frame under the crop."""
    corners = np.array([[0, 0], [CROP_PX, 0], [0, CROP_PX], [CROP_PX, CROP_PX]]) - 0.5
    in_frame = corners @ crop_to_frame[:, :2].T + crop_to_frame[:, 2]
    cut = cut_patch(frame, in_frame.min(0), in_frame.max(0), vertices_px)
    height, width = cut.pixels.y.shape
    patch_to_frame = np.array([[1, 0, cut.left_px], [0, 1, cut.top_px]], dtype=np.float64)
    frame_to_crop = cv2.invertAffineTransform(crop_to_frame)
    patch_to_crop = frame_to_crop @ np.vstack([patch_to_frame, [0, 0, 1]])
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    added = cv2.warpAffine(
        residual, patch_to_crop, (width, height), flags=flags, borderMode=cv2.BORDER_CONSTANT
    )
    pixels = _add_rgb(cut.pixels, np.asarray(added, dtype=np.float32), colour)
    return MouthPatch(pixels, cut.left_px, cut.top_px, vertices_px)


def _add_rgb(pixels: YuvFrame, added: Image, colour: ColourTags) -> YuvFrame:
    """Add an RGB difference (H,W,3) to 4:2:0 planes."""
    height, width = pixels.y.shape
    whole, half = (width, height), (width // 2, height // 2)
    u, v = (cv2.resize(plane, whole, interpolation=cv2.INTER_LINEAR) for plane in (pixels.u, pixels.v))
    y, u, v = (np.asarray(plane, dtype=np.float32) for plane in (pixels.y, u, v))
    rgb = np.clip(yuv_to_rgb(y, u, v, colour) + added, 0, 255)
    luma, *chroma = rgb_to_yuv(rgb.astype(np.float32), colour)
    small = [luma, *(cv2.resize(plane, half, interpolation=cv2.INTER_AREA) for plane in chroma)]
    return YuvFrame(*(np.clip(plane + 0.5, 0, 255).astype(np.uint8) for plane in small))
