"""Mouth crops as training material: pictures, masks, and how one mouth is warped onto another.

A shard (npz) holds JPEG crops of 160 px with all 478 landmarks, upright and centred as in
`heygem.engines.mesh.mouth_crop`; keys are `jpeg` and `offset`, `ids` and `clip`, `points`, `time`, `gap`.
"""

import argparse
import csv
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from heygem.engines.mesh.geometry import DrawMesh, facing
from heygem.engines.mesh.mouth_crop import SUBPIXEL_BITS, MouthMasks, teeth_origin
from heygem.models.mouth import CROP_PX
from heygem.templates.canonical import CanonicalFace

FACE = Path(__file__).parents[1] / "models" / "face-landmarker" / "canonical_face.npz"
BUNDLED, STUDY = "bundle-*.npz", "study-*.npz"
POINTS_MIDDLE_PX = 80  # shards store landmarks from the crop's middle
NEXT_FRAME_SECONDS = 0.06
OPEN_GAP = 0.06  # over the eye corners' distance: from here on the inside of a mouth can be judged
THREADS = 16


@dataclass(frozen=True, slots=True)
class Mouths:
    """N crops, all on one device.

    Attributes:
        images: (N,160,160,3) uint8 RGB.
        masks: (N,4,160,160) uint8: inner, lips, sharp, reach of `MouthMasks`.
        triangle: (N,160,160) int16, the mesh triangle over each pixel, -1 beside the mesh.
        vertices: (N,V,2) float32 of the drawable mesh in crop pixels.
        corners: (T,3) int64 vertices of each triangle.
        origin: (N,3) float32, see `teeth_origin`.
        gap: (N,) float32 lip gap over the eye corners' distance.
        clip: (N,) which clip of `clips`, on the CPU.
        follows: (N,) whether a crop is the video frame after the one before it, on the CPU.
        clips: the index's row of each clip.
    """

    images: Tensor
    masks: Tensor
    triangle: Tensor
    vertices: Tensor
    corners: Tensor
    origin: Tensor
    gap: Tensor
    clip: NDArray[np.int64]
    follows: NDArray[np.bool_]
    clips: list[dict[str, str]]

    def picture(self, crops: Tensor) -> Tensor:
        """(B,) -> (B,3,160,160) RGB in -1..1."""
        return self.images[crops].permute(0, 3, 1, 2).float() / 127.5 - 1

    def mask(self, crops: Tensor) -> Tensor:
        """(B,) -> (B,4,160,160) in 0..1."""
        return self.masks[crops].float() / 255

    def course(self, source: Tensor, target: Tensor) -> Tensor:
        """(B,) and (B,) -> (B,160,160,2): where in the source each pixel of the target comes from, in pixels.

        Beside the mesh a pixel comes from its own place.
        """
        triangle = self.triangle[target].long().flatten(1)  # (B,P)
        corners = self.corners[triangle.clamp(min=0)]  # (B,P,3)
        pixels = pixel_centres(source.device)  # (P,2)
        share = _barycentric(_at(self.vertices[target], corners), pixels)  # (B,P,3)
        course = (_at(self.vertices[source], corners) * share[..., None]).sum(2)
        course = torch.where(triangle[..., None] >= 0, course, pixels)
        return course.view(-1, CROP_PX, CROP_PX, 2)

    def warped(self, source: Tensor, target: Tensor) -> Tensor:
        """The source crops drawn onto the target's mesh, (B,3,160,160)."""
        grid = self.course(source, target) / ((CROP_PX - 1) / 2) - 1
        return F.grid_sample(self.picture(source), grid, "bicubic", "border", align_corners=True).clamp(-1, 1)


def pixel_centres(device: torch.device) -> Tensor:
    """(160*160,2) x, y."""
    steps = torch.arange(CROP_PX, dtype=torch.float32, device=device)
    down, across = torch.meshgrid(steps, steps, indexing="ij")
    return torch.stack([across, down], -1).view(-1, 2)


def asking_for_mouths(description: str | None) -> argparse.ArgumentParser:
    """What every program asks for that reads crops."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--mouths", type=Path, required=True, help="folder of the shards")
    parser.add_argument("--index", type=Path, required=True, help="INDEX.tsv of the clips")
    return parser


def asking_for_training(description: str | None) -> argparse.ArgumentParser:
    """What every program asks for that learns from crops, too."""
    parser = asking_for_mouths(description)
    parser.add_argument("--out", type=Path, required=True, help="existing folder to write to")
    parser.add_argument("--weights", type=Path, help="measure these instead of learning")
    return parser


def mouths_in(folder: Path, index: Path, device: torch.device, shards: str = BUNDLED) -> Mouths:
    """The crops of a folder's shards; by default all whose licence lets weights learnt from them ship."""
    return load_mouths(sorted(folder.glob(shards)), index, CanonicalFace.load(FACE), device)


def load_mouths(shards: Sequence[Path], index: Path, face: CanonicalFace, device: torch.device) -> Mouths:
    """Every crop of the shards, in their order."""
    mesh = DrawMesh.of(face)
    # Two frames of a clip differ in all of the face, not only where speech moves it.
    triangles = np.concatenate([face.triangles, mesh.triangles])
    with index.open(encoding="utf-8") as lines:
        rows = {row["id"]: row for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)}
    parts = [_read_shard(shard) for shard in shards]
    names = sorted({name for part in parts for name in part.names})
    vertices = mesh.source_vertices(np.concatenate([part.points for part in parts]))
    jpegs = [jpeg for part in parts for jpeg in part.jpegs]
    with ThreadPoolExecutor(THREADS) as pool:
        images = np.stack(list(pool.map(_decoded, jpegs)))
        masks = np.stack(list(pool.map(_masks, vertices)))
        triangle = np.stack(list(pool.map(lambda one: triangle_map(one, triangles), vertices)))
    clip = np.array([names.index(name) for part in parts for name in part.names])
    return Mouths(
        images=torch.from_numpy(images).to(device),
        masks=torch.from_numpy(masks).to(device),
        triangle=torch.from_numpy(triangle).to(device),
        vertices=torch.from_numpy(vertices).float().to(device),
        corners=torch.from_numpy(triangles).to(device),
        origin=torch.from_numpy(teeth_origin(vertices)).float().to(device),
        gap=torch.from_numpy(np.concatenate([part.gap for part in parts])).to(device),
        clip=clip,
        follows=np.concatenate([part.follows for part in parts]),
        clips=[rows[name] for name in names],
    )


@dataclass(frozen=True, slots=True)
class _Shard:
    jpegs: list[NDArray[np.uint8]]
    points: NDArray[np.float32]  # (N,478,2) crop pixels
    names: list[str]
    gap: NDArray[np.float32]
    follows: NDArray[np.bool_]


def _read_shard(path: Path) -> _Shard:
    with np.load(path, allow_pickle=False) as shard:
        jpeg, offset = shard["jpeg"], shard["offset"]
        clip, time = shard["clip"], shard["time"]
        step = np.diff(time)
        follows = (np.diff(clip) == 0) & (step > 0) & (step < NEXT_FRAME_SECONDS)
        return _Shard(
            jpegs=[jpeg[start:stop] for start, stop in zip(offset[:-1], offset[1:], strict=True)],
            points=shard["points"].astype(np.float32) + POINTS_MIDDLE_PX,
            names=shard["ids"][clip].tolist(),
            gap=shard["gap"].astype(np.float32),
            follows=np.concatenate([[False], follows]),
        )


def _decoded(jpeg: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(cv2.imdecode(jpeg, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB), dtype=np.uint8)


def _masks(vertices: NDArray[np.float64]) -> NDArray[np.uint8]:
    masks = MouthMasks.of(vertices)
    stacked = np.stack([masks.inner, masks.lips, masks.sharp, masks.reach])
    return np.round(stacked * 255).astype(np.uint8)


def triangle_map(vertices: NDArray[np.floating], triangles: NDArray[np.int64]) -> NDArray[np.int16]:
    """(V,2) in crop pixels -> (160,160): the triangle over each pixel, -1 where there is none."""
    drawn = np.full((CROP_PX, CROP_PX), -1, np.int16)
    spread = vertices[triangles]  # (T,3,2)
    near = ((spread.max(1) > -1) & (spread.min(1) < CROP_PX)).all(1) & facing(vertices, triangles)
    fixed_point = np.round(spread * (1 << SUBPIXEL_BITS)).astype(np.int32)
    for number in np.flatnonzero(near).tolist():
        cv2.fillConvexPoly(drawn, fixed_point[number], number, cv2.LINE_8, SUBPIXEL_BITS)
    return drawn


def _at(vertices: Tensor, corners: Tensor) -> Tensor:
    """(B,V,2) and (B,P,3) -> (B,P,3,2)."""
    flat = corners.flatten(1)[..., None].expand(-1, -1, 2)
    return vertices.gather(1, flat).view(*corners.shape, 2)


def _barycentric(corners: Tensor, pixels: Tensor) -> Tensor:
    """(B,P,3,2) and (P,2) -> (B,P,3) shares; they sum to one."""
    first, second, third = corners.unbind(2)
    along, beside, away = second - first, third - first, pixels - first
    area = _cross(along, beside)
    area = torch.where(area.abs() < 1e-3, torch.full_like(area, 1e-3), area)
    shares = torch.stack([_cross(away, beside) / area, _cross(along, away) / area], -1).clamp(-1, 2)
    return torch.cat([1 - shares.sum(-1, keepdim=True), shares], -1)


def _cross(a: Tensor, b: Tensor) -> Tensor:
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
