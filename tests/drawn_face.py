"""A photo of nobody: skin, hair, brows and eyes drawn where the landmarks of the mean face are."""

from pathlib import Path

import cv2
import numpy as np

from heygem.engines.mesh.bank import MouthBank, cut_patch
from heygem.engines.mesh.geometry import DrawMesh
from heygem.engines.mesh.inside import looks_of
from heygem.engines.mesh.portrait import Portrait
from heygem.media.types import YuvFrame
from heygem.templates.canonical import INNER_LIPS, OUTER_LIPS, OVAL, CanonicalFace, lip_gap
from heygem.templates.face_track import FaceTrack

FACE = CanonicalFace.load(Path(__file__).parents[1] / "models" / "face-landmarker" / "canonical_face.npz")
MESH = DrawMesh.of(FACE)
WIDTH, HEIGHT = 480, 420
FACE_PX = 220.0  # pixels of one canonical unit
SKIN, WHITE, IRIS, LASHES, BROW, HAIR = 150, 225, 60, 35, 70, 50
LEFT_UPPER = (33, 246, 161, 160, 159, 158, 157, 173, 133)
LEFT_LOWER = (33, 7, 163, 144, 145, 153, 154, 155, 133)
RIGHT_UPPER = (263, 466, 388, 387, 386, 385, 384, 398, 362)
RIGHT_LOWER = (263, 249, 390, 373, 374, 380, 381, 382, 362)
BROWS = ((46, 53, 52, 65, 55, 107, 66, 105, 63, 70), (276, 283, 282, 295, 285, 336, 296, 334, 293, 300))


def landmarks(x: float = 240, y: float = 200, degrees: float = 0) -> np.ndarray:
    """(478,3) pixels of the mean face with its middle at (x, y), tilted clockwise."""
    angle = np.radians(degrees)
    tilt = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    points = FACE.vertices @ tilt.T * FACE_PX + (x, y, 0)
    return np.concatenate([points, np.zeros((10, 3))])


def photo_of(points: np.ndarray, *, glasses: bool = False) -> YuvFrame:
    """A frame of 480x420; the background is noise, so that every shift of it can be seen."""
    noise = np.random.default_rng(5).integers(60, 200, (HEIGHT, WIDTH), dtype=np.uint8)
    luma = cv2.GaussianBlur(noise, (0, 0), 2.0)
    oval = points[list(OVAL), :2]
    middle = oval.mean(0)
    _fill(luma, middle + (oval - middle) * 1.25, HAIR)
    _fill(luma, oval, SKIN)
    for brow in BROWS:
        _fill(luma, points[list(brow), :2], BROW)
    for upper, lower in ((LEFT_UPPER, LEFT_LOWER), (RIGHT_UPPER, RIGHT_LOWER)):
        outline = points[[*upper, *lower[-2:0:-1]], :2]
        _fill(luma, outline, WHITE)
        width = float(np.linalg.norm(outline[0] - outline[8]))
        opening = np.zeros_like(luma)
        _fill(opening, outline, 1)
        iris = np.zeros_like(luma)
        cv2.circle(iris, _pixel(outline.mean(0)), round(0.2 * width), 1, -1)
        luma[(opening & iris) > 0] = IRIS
        cv2.polylines(luma, [np.array([_pixel(p) for p in points[list(upper), :2]])], False, LASHES, 2)
        if glasses:
            cv2.circle(luma, _pixel(outline.mean(0)), round(0.8 * width), 20, -1, cv2.LINE_AA)
    _fill(luma, points[list(OUTER_LIPS), :2], 110)
    luma = cv2.GaussianBlur(luma, (0, 0), 0.7)
    chroma = cv2.resize(cv2.GaussianBlur(noise, (0, 0), 4.0), (WIDTH // 2, HEIGHT // 2))
    return YuvFrame(luma, chroma, 255 - chroma)


def portrait_of(points: np.ndarray) -> Portrait:
    """What the engine knows of the photo."""
    colours, detail = np.full((1, 468, 3), SKIN, np.uint8), np.ones(1, np.float32)
    free = np.zeros((1, 468), np.uint8)
    track = FaceTrack(points[None].astype(np.float32), np.array([True]), colours, detail, free)
    return Portrait.of(track, FACE, MESH)


def bank_of(photo: YuvFrame, portrait: Portrait) -> MouthBank:
    """The photo's own mouth."""
    vertices = MESH.source_vertices(portrait.track.points)[0]
    lips = vertices[[*OUTER_LIPS, *INNER_LIPS]]
    patch = cut_patch(photo, lips.min(0) - 30, lips.max(0) + 30, vertices)
    keys = portrait.keys(portrait.own, lip_gap(portrait.own), np.array([0]))
    return MouthBank((patch,), keys, looks_of((patch,), MESH.ring))


def planes(frame: YuvFrame) -> tuple[np.ndarray, ...]:
    return frame.y, frame.u, frame.v


def _pixel(point: np.ndarray) -> tuple[int, int]:
    return round(float(point[0])), round(float(point[1]))


def _fill(luma: np.ndarray, outline: np.ndarray, level: int) -> None:
    cv2.fillPoly(luma, [np.round(outline).astype(np.int32)], level, cv2.LINE_AA if level > 1 else 8)
