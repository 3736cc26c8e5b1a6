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
from heygem.engines.mesh.teeth.detail import steepened
from heygem.engines.mesh.teeth.display import NOBODYS, wanted_display
from heygem.engines.mesh.teeth.fit import FilmedTeeth, TeethFit
from heygem.engines.mesh.teeth.rows import evened
from heygem.engines.mesh.teeth.seen import PlacedTeeth, SeenTeeth, best_seen
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


@dataclass(frozen=True, slots=True)
class EmptyMouth:
    """The canvas warped to a mouth, with nothing between its lips yet.

    frame: the whole. crop: (160,160,3) RGB 0..255. origin: (3,), see `teeth_origin`. own: the person's teeth
    where they are in this mouth, if the clip shows them.
    """

    frame: YuvFrame
    crop: Image
    masks: MouthMasks
    origin: Array
    own: PlacedTeeth | None


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
            mouths = [self._emptied(canvas, target, affine) for target in group]
            crops, masks = [mouth.crop for mouth in mouths], [mouth.masks for mouth in mouths]
            residuals = self._residuals(canvas, mouths)
            if fit is None:  # the first few mouths tell it for all of them
                fit = TeethFit.of(crops, masks, residuals, canvas.teeth)
            for mouth, residual, target in zip(mouths, residuals, group, strict=True):
                added = fit.applied(mouth.crop, mouth.masks, residual)
                yield _patch(mouth.frame, canvas.colour, affine, added, target)

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

    def _emptied(self, canvas: Canvas, target_px: Array, crop_to_frame: Array) -> EmptyMouth:
        """The canvas, warped to a target (V,2) without a mouth."""
        no_mouth = np.zeros(len(target_px))
        frame = self._composer.compose(canvas.frame, Drawing(canvas.vertices_px, target_px, (), no_mouth))
        empty_mouth(frame, target_px, float(np.hypot(*crop_to_frame[:, 0])))
        crop = crop_rgb(frame, crop_to_frame, CROP_PX, canvas.colour).astype(np.float32)
        mesh = to_crop(target_px, crop_to_frame)
        origin = teeth_origin(mesh)
        return EmptyMouth(
            frame, crop, MouthMasks.of(mesh), origin, canvas.seen.at(origin) if canvas.seen else None
        )

    def _residuals(self, canvas: Canvas, mouths: Sequence[EmptyMouth]) -> list[Image]:
        """(160,160,3) each, RGB, to add."""
        more = canvas.teeth.more if canvas.teeth else NOBODYS
        inputs = [
            repair_inputs(mouth, canvas.gap_in_eyes, wanted_display(mouth.masks, more)) for mouth in mouths
        ]
        added = self._models.mouth_repair.repair(np.stack(inputs)).transpose(0, 2, 3, 1) * 127.5
        tint = canvas.teeth.tint if canvas.teeth else None
        return [_finished(mouth, residual, tint) for mouth, residual in zip(mouths, added, strict=True)]


def _finished(mouth: EmptyMouth, residual: Image, tint: NDArray[np.floating] | None) -> Image:
    """What the net adds, (160,160,3), in the light of the picture, with own teeth and even rows."""
    crop, masks = mouth.crop, mouth.masks
    toned_residual = toned(crop, masks, residual, tint)
    if mouth.own:
        toned_residual = mouth.own.laid_over(crop, masks, toned_residual)
    return masks.applied(evened(crop, masks, toned_residual))


def repair_inputs(mouth: EmptyMouth, gap_in_eyes: float, display: Array) -> Image:
    """What the repair net is told (18,160,160): display (4,), see `heygem.engines.mesh.teeth.display`."""
    size, own = (1, CROP_PX, CROP_PX), mouth.own
    reference = own.picture if own else np.zeros_like(mouth.crop)
    where = own.inside if own else np.zeros_like(mouth.masks.inner)
    own_gap = own.gap_in_eyes if own else 0.0
    channels = [
        mouth.crop.transpose(2, 0, 1) / 127.5 - 1,  # (H,W,3) 0..255 -> (3,H,W) in [-1,1]
        mouth.masks.inner[None] * 2 - 1,
        mouth.masks.lips[None] * 2 - 1,
        (reference.transpose(2, 0, 1) / 127.5 - 1) * where,
        where[None],
        np.full(size, gap_in_eyes * GAP_INPUT_SCALE),
        np.full(size, own_gap * GAP_INPUT_SCALE),
        np.broadcast_to(display[:, None, None], (len(display), *size[1:])),
        teeth_places(mouth.origin),
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
    enlarged = float(np.hypot(*crop_to_frame[:, 0]))
    pixels = _add_rgb(cut.pixels, steepened(np.asarray(added, dtype=np.float32), enlarged), colour)
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
