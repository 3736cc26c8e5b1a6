"""Open mouths of nobody, with teeth and without."""

import cv2
import numpy as np

from heygem.engines.mesh.bank import MouthPatch, cut_patch
from heygem.media.types import YuvFrame
from heygem.templates.canonical import INNER_LIPS, INNER_LOWER, INNER_UPPER, OUTER_LIPS
from tests.drawn_face import FACE, MESH

SKIN, DARK, TEETH = 150, 30, 200


def mouth(
    *, teeth: bool = False, open_px: float = 24, scale: float = 220, light: float = 1, red: int = 128
) -> MouthPatch:
    """A flat face with a hole between its lips; teeth fill the upper half of it."""
    points = FACE.vertices * scale + (240, 200, 0)
    is_lower = FACE.vertices[:, 1] > FACE.vertices[INNER_LIPS[0], 1]
    is_lower[list(INNER_LOWER)], is_lower[list(INNER_UPPER)] = True, False
    points[:, 1] += np.where(is_lower, 0.5, -0.5) * open_px
    luma = np.full((420, 480), SKIN * light, np.uint8)
    inner = points[list(INNER_LIPS), :2]
    cv2.fillPoly(luma, [inner.round().astype(np.int32)], DARK * light)
    if teeth:
        middle = (points[list(INNER_UPPER), :2] + points[list(INNER_LOWER), :2]) / 2
        outline = np.concatenate([points[list(INNER_UPPER), :2], middle[::-1]])
        cv2.fillPoly(luma, [outline.round().astype(np.int32)], TEETH * light)
    frame = YuvFrame(luma, np.full((210, 240), 128, np.uint8), np.full((210, 240), red, np.uint8))
    vertices = MESH.source_vertices(points[None])[0]
    lips = vertices[list(OUTER_LIPS)]
    return cut_patch(frame, lips.min(0) - 40, lips.max(0) + 40, vertices)
