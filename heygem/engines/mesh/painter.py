"""Paints mouths the template never showed: warp the most closed frame open, then a small net repairs it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from heygem.engines.mesh.bank import MouthPatch, cut_patch
from heygem.engines.mesh.composer import Composer, Drawing
from heygem.engines.mesh.emptying import empty_mouth
from heygem.engines.mesh.geometry import DrawMesh
from heygem.engines.mesh.models import MeshModels
from heygem.engines.mesh.mouth_crop import (
    Image,
    MouthMasks,
    crop_to_frame,
    teeth_origin,
    teeth_places,
    to_crop,
)
from heygem.engines.mesh.teeth.fit import FilmedTeeth, TeethFit
from heygem.engines.mesh.teeth.rows import evened
from heygem.engines.mesh.teeth.seen import SeenTeeth, best_seen
from heygem.engines.mesh.teeth.tone import toned
from heygem.media.types import ColourTags, YuvFrame
from heygem.media.yuv import crop_rgb, rgb_to_yuv, yuv_to_rgb
from heygem.models.mouth import BATCH_BUCKETS, CROP_PX
from heygem.models.steps import in_groups
from heygem.templates.canonical import CanonicalFace

Array = NDArray[np.float64]
GAP_INPUT_SCALE = 4.0  # how the net was told lip gaps in training


@dataclass(frozen=True, slots=True)
class Canvas:
    """The frame that mouths are painted on: its picture, mesh (V,2) and landmarks (478,3), all in pixels.

    `teeth`: what the person's own are like in this clip; `seen`: the mouth that shows them best. None where
    it hardly shows any.
    """

    frame: YuvFrame
    colour: ColourTags
    vertices_px: Array
    points_px: NDArray[np.float32]
    gap_in_eyes: float  # lip gap over the distance of the outer eye corners
    teeth: FilmedTeeth | None = None
    seen: SeenTeeth | None = None


class MouthPainter:
    """One per engine."""

    def __init__(self, models: MeshModels, mesh: DrawMesh, face: CanonicalFace) -> None:
        self._models = models
        self._composer = Composer(mesh)
        self._face = face

    def paint(self, canvas: Canvas, targets_px: Array) -> Iterator[MouthPatch]:
        """The person's mouth with its mesh at each of the targets (S,V,2), in order; a few made at once."""
        affine = crop_to_frame(canvas.points_px, self._face)
        fit: TeethFit | None = None
        for group in in_groups(targets_px, BATCH_BUCKETS[-1]):
            opened = [self._opened(canvas, target, affine) for target in group]
            crops = [crop_rgb(frame, affine, CROP_PX, canvas.colour).astype(np.float32) for frame in opened]
            vertices = [to_crop(target, affine) for target in group]
            masks = [MouthMasks.of(mesh) for mesh in vertices]
            residuals = self._residuals(canvas, crops, masks, vertices)
            if fit is None:  # the first few mouths tell it for all of them
                fit = TeethFit.of(crops, masks, residuals, canvas.teeth)
            for frame, crop, mask, residual, target in zip(
                opened, crops, masks, residuals, group, strict=True
            ):
                yield _patch(frame, canvas.colour, affine, fit.applied(crop, mask, residual), target)

    def teeth_of(self, patches: Sequence[MouthPatch], colour: ColourTags) -> FilmedTeeth | None:
        """What filmed mouths that are open tell of this person's teeth; None if they are too few."""
        filmed = [self._filmed(patch, colour) for patch in patches]
        return FilmedTeeth.of([crop for crop, _ in filmed], [MouthMasks.of(mesh) for _, mesh in filmed])

    def seen_in(
        self, patches: Sequence[MouthPatch], gaps_in_eyes: Array, turned_degrees: Array, colour: ColourTags
    ) -> SeenTeeth | None:
        """The one of some open mouths that shows the teeth best; None where none shows enough.

        Each is that of a head turned by `turned_degrees` from where it is on the canvas.
        """
        seen = []
        for patch, gap, turned in zip(patches, gaps_in_eyes.tolist(), turned_degrees.tolist(), strict=True):
            crop, mesh = self._filmed(patch, colour)
            seen.append(SeenTeeth.of(crop, mesh, gap, turned))
        return best_seen(seen)

    def _filmed(self, patch: MouthPatch, colour: ColourTags) -> tuple[Image, Array]:
        """A filmed mouth as the net sees it: crop (160,160,3) RGB 0..255, mesh (V,2) in crop pixels."""
        affine = crop_to_frame(patch.vertices_px, self._face)
        mesh = to_crop(patch.vertices_px, affine)
        affine[:, 2] -= (patch.left_px, patch.top_px)
        return crop_rgb(patch.pixels, affine, CROP_PX, colour).astype(np.float32), mesh

    def _opened(self, canvas: Canvas, target_px: Array, crop_to_frame: Array) -> YuvFrame:
        """The canvas, warped without a mouth."""
        no_mouth = np.zeros(len(target_px))
        frame = self._composer.compose(canvas.frame, Drawing(canvas.vertices_px, target_px, (), no_mouth))
        empty_mouth(frame, target_px, float(np.hypot(*crop_to_frame[:, 0])))
        return frame

    def _residuals(
        self, canvas: Canvas, crops: list[Image], masks: list[MouthMasks], vertices: list[Array]
    ) -> list[Image]:
        """(160,160,3) RGB 0..255 and meshes (V,2) in crop pixels -> (160,160,3) each, to add."""
        origins = [teeth_origin(mesh) for mesh in vertices]
        inputs = [
            repair_inputs(crop, mask, origin, canvas.gap_in_eyes, canvas.seen)
            for crop, mask, origin in zip(crops, masks, origins, strict=True)
        ]
        added = self._models.mouth_repair.repair(np.stack(inputs)).transpose(0, 2, 3, 1) * 127.5
        mouths = zip(crops, masks, added, origins, strict=True)
        return [_finished(canvas, crop, mask, residual, origin) for crop, mask, residual, origin in mouths]


def _finished(canvas: Canvas, crop: Image, mask: MouthMasks, residual: Image, origin: Array) -> Image:
    """What the net adds, (160,160,3), in the light of the picture, with own teeth and even rows."""
    toned_residual = toned(crop, mask, residual, canvas.teeth.tint if canvas.teeth else None)
    if canvas.seen:
        toned_residual = canvas.seen.laid_over(crop, mask, toned_residual, origin)
    return mask.applied(evened(crop, mask, toned_residual))


def repair_inputs(
    crop: Image, masks: MouthMasks, origin: Array, gap_in_eyes: float, seen: SeenTeeth | None = None
) -> Image:
    """What the repair net is told (14,160,160), with a reference mouth or without."""
    size = (1, CROP_PX, CROP_PX)
    nothing = np.zeros((CROP_PX, CROP_PX, 4), np.float32)
    reference, where, _ = seen.at(origin) if seen else (nothing[..., :3], nothing[..., 3], None)
    channels = [
        crop.transpose(2, 0, 1) / 127.5 - 1,  # (H,W,3) 0..255 -> (3,H,W) in [-1,1]
        masks.inner[None] * 2 - 1,
        masks.lips[None] * 2 - 1,
        (reference.transpose(2, 0, 1) / 127.5 - 1) * where,
        where[None],
        np.full(size, gap_in_eyes * GAP_INPUT_SCALE),
        np.full(size, seen.gap_in_eyes * GAP_INPUT_SCALE if seen else 0.0),
        teeth_places(origin),
    ]
    return np.concatenate(channels).astype(np.float32)


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
