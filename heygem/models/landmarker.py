"""Faces in pictures: detectors, 478 landmarks and 52 blendshapes. The nets are Google MediaPipe's.

Always float32: a quarter of a pixel of rounding in half precision is a trembling lip on a 1080p frame.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch

from heygem.models.blendshapes import BLENDSHAPE_NAMES, BLENDSHAPE_POINTS
from heygem.models.graph import OpGraph
from heygem.models.resident import (
    FloatArray,
    LoadContext,
    in_equal_shares,
    warm_images,
    warm_noise,
)
from heygem.models.steps import in_steps

Reach = Literal["short", "full"]
Images = npt.NDArray[np.uint8]

CROP_PX = 256
DETECTOR_PX: dict[Reach, int] = {"short": 128, "full": 192}
LANDMARKS = 478

_ANCHOR_GRIDS: dict[Reach, tuple[tuple[int, int], ...]] = {  # (stride in px, anchors a cell)
    "short": ((8, 2), (16, 6)),
    "full": ((4, 1),),
}
_MIN_SCORE = 0.5
_SAME_FACE_OVERLAP = 0.3  # intersection over union above which two boxes are one face
LANDMARK_BUCKETS = (1, 8)


@dataclass(frozen=True, slots=True)
class Detection:
    """A face in a square picture; coordinates are 0..1 of its side (a little outside at the rim)."""

    box: FloatArray  # (4,) x0 y0 x1 y1
    keypoints: FloatArray  # (6,2): right eye, left eye, nose tip, mouth, right and left ear of the person
    score: float  # 0.5..1


class FaceLandmarker:
    """Detectors, face mesh and blendshapes, resident together. Pictures are RGB uint8."""

    buckets = ("short", "full", "landmarks-1", "landmarks-8", "blendshapes-1")

    def __init__(self, context: LoadContext) -> None:
        def load(name: str) -> OpGraph:
            return OpGraph(context.folder / f"{name}.safetensors", context.device)

        self._device, self._relieve = context.device, context.relieve
        self._detectors: dict[Reach, OpGraph] = {
            "short": load("face_detector"),
            "full": load("face_detection_full_range_sparse"),
        }
        self._anchors = {reach: _anchors(reach) for reach in DETECTOR_PX}
        self._mesh = load("face_landmarks_detector")
        self._blendshapes = load("face_blendshapes")

    @property
    def bytes_resident(self) -> int:
        nets = (*self._detectors.values(), self._mesh, self._blendshapes)
        return sum(net.bytes_resident for net in nets)

    def detect(self, images: Images, reach: Reach) -> list[list[Detection]]:
        """Find faces in (B,S,S,3), S = 128 for "short" reach (faces that fill the picture), 192 for "full".

        Returns the faces of each picture, surest first.
        """
        size = DETECTOR_PX[reach]
        found = []
        for image in images:
            boxes, logits = self._run_detector(image, reach)
            scores = 1 / (1 + np.exp(-logits.cpu().numpy().reshape(-1).clip(-80, 80)))
            keep = scores > _MIN_SCORE
            values = boxes[0].cpu().numpy()[keep] / size  # (N,16): centre, size, keypoints from the anchor
            found.append(_merged(values, self._anchors[reach][keep], scores[keep]))
        return found

    def landmarks(self, crops: Images) -> tuple[FloatArray, FloatArray]:
        """Place the mesh on upright face crops (B,256,256,3).

        Returns points (B,478,3) in px of the crop (x, y, and z in the same scale, smaller is nearer) and
        presence (B,), the probability 0..1 that there is a face.
        """
        points = np.empty((len(crops), LANDMARKS, 3), np.float32)
        presence = np.empty(len(crops), np.float32)
        for step in in_steps(len(crops), LANDMARK_BUCKETS, self._relieve):
            with step:
                part, count = slice(step.start, step.stop), step.stop - step.start
                batch = np.zeros((step.bucket, CROP_PX, CROP_PX, 3), np.uint8)
                batch[:count] = crops[part]
                values, logits = self._run_mesh(batch)
                points[part] = values.cpu().numpy()[:count]
                presence[part] = torch.sigmoid(logits).cpu().numpy()[:count]
        return points, presence

    def blendshapes(self, points: FloatArray) -> FloatArray:
        """Expression of faces from points (B,478,2) in px: (B,52) in 0..1, ordered as `BLENDSHAPE_NAMES`."""
        chosen = np.ascontiguousarray(points[:, BLENDSHAPE_POINTS, :2], np.float32)
        rows = [self._blendshapes(torch.from_numpy(row[None]).to(self._device))[0] for row in chosen]
        return torch.cat(rows).cpu().numpy() if rows else np.empty((0, len(BLENDSHAPE_NAMES)), np.float32)

    def warm(self, bucket: str) -> FloatArray:
        """Run one shape on its fixed input. See `ResidentModel.warm`."""
        match bucket:
            case "short":
                return self._warm_detector("short")
            case "full":
                return self._warm_detector("full")
            case "blendshapes-1":
                return self.blendshapes(warm_noise((1, LANDMARKS, 2), seed=2) * CROP_PX).reshape(-1)
            case _:
                count = int(bucket.removeprefix("landmarks-"))
                return in_equal_shares(*self._run_mesh(warm_images(count, CROP_PX, seed=3)))

    def _warm_detector(self, reach: Reach) -> FloatArray:
        image = warm_images(1, DETECTOR_PX[reach], seed=1)[0]
        return in_equal_shares(*self._run_detector(image, reach))

    def _run_detector(self, image: Images, reach: Reach) -> list[torch.Tensor]:
        """(S,S,3) -> raw boxes (1,N,16) in px from their anchors, logits (1,N,1)."""
        pixels = torch.from_numpy(image[None]).to(self._device).float()
        return self._detectors[reach](pixels.div_(127.5).sub_(1))  # 0..255 -> -1..1

    def _run_mesh(self, crops: Images) -> tuple[torch.Tensor, torch.Tensor]:
        """(B,256,256,3) -> points (B,478,3) in px, presence logits (B,)."""
        pixels = torch.from_numpy(crops).to(self._device).float()
        points, presence, _tongue = self._mesh(pixels.div_(255))  # 0..255 -> 0..1
        return points.reshape(-1, LANDMARKS, 3), presence.reshape(-1)


def _anchors(reach: Reach) -> FloatArray:
    """Centres (N,2) of the anchor cells, x y in 0..1."""
    grids = []
    for stride, anchors_per_cell in _ANCHOR_GRIDS[reach]:
        cells = DETECTOR_PX[reach] // stride
        rows, columns = np.mgrid[:cells, :cells]
        centres = (np.stack([columns.ravel(), rows.ravel()], 1) + 0.5) / cells
        grids.append(centres.repeat(anchors_per_cell, axis=0))
    return np.concatenate(grids).astype(np.float32)


def _merged(values: FloatArray, anchors: FloatArray, scores: FloatArray) -> list[Detection]:
    """Weighted non-maximum suppression: boxes of one face become their mean, weighted by score."""
    centres, half_sizes = values[:, :2] + anchors, values[:, 2:4] / 2
    boxes = np.concatenate([centres - half_sizes, centres + half_sizes], 1)
    keypoints = values[:, 4:].reshape(-1, 6, 2) + anchors[:, None]
    left = np.argsort(-scores)
    faces = []
    while left.size:
        best = left[0]
        same = _overlap(boxes[best], boxes[left]) > _SAME_FACE_OVERLAP
        same[0] = True  # also when the box is degenerate: each round must consume one
        group = left[same]
        weights = scores[group] / scores[group].sum()
        box = (boxes[group] * weights[:, None]).sum(0)
        faces.append(Detection(box, (keypoints[group] * weights[:, None, None]).sum(0), float(scores[best])))
        left = left[~same]
    return faces


def _overlap(box: FloatArray, others: FloatArray) -> FloatArray:
    """Intersection over union of (4,) with each of (N,4)."""
    size = np.clip(np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2]), 0, None)
    shared = size.prod(1)
    union = (box[2:] - box[:2]).prod() + (others[:, 2:] - others[:, :2]).prod(1) - shared
    overlap: FloatArray = shared / np.maximum(union, 1e-9)
    return overlap
