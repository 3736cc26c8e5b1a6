"""Takes out what a warp stretches between the lips.

A closed mouth warped open shows the line of its lips pulled into stripes. The repair net adds to what it is
given, so stripes stay in teeth and tongue; it paints better on nothing, which is the lips' own colour.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from heygem.engines.mesh.mouth_crop import EMPTIED_BLUR_PX, Image, filled
from heygem.media.types import YuvFrame
from heygem.templates.canonical import INNER_LIPS, OUTER_LIPS

MARGIN_BLURS = 4  # around the lips


def empty_mouth(frame: YuvFrame, vertices_px: NDArray[np.floating], crop_px_in_frame: float) -> None:
    """Give the space between the lips of the mesh (V,2) the lips' mean colour, in the frame itself.

    `crop_px_in_frame` is how many pixels of the frame one of the mouth crop measures: the edge is as soft in
    the crop wherever the face is near or far.
    """
    blur_px = EMPTIED_BLUR_PX * crop_px_in_frame
    for plane, scale in ((frame.y, 1), (frame.u, 2), (frame.v, 2)):
        _empty(plane, (vertices_px + 0.5) / scale - 0.5, max(blur_px / scale, 0.3))


def _empty(plane: NDArray[np.uint8], vertices_px: NDArray[np.floating], blur_px: float) -> None:
    """One plane, the mesh in its own pixels."""
    outer, inner = vertices_px[list(OUTER_LIPS)], vertices_px[list(INNER_LIPS)]
    margin = MARGIN_BLURS * blur_px
    limit = np.array(plane.shape[::-1])
    low = np.clip(outer.min(0) - margin, 0, limit - 1).astype(int)
    high = np.clip(outer.max(0) + margin + 1, low + 1, limit).astype(int)
    box = plane[low[1] : high[1], low[0] : high[0]]
    inside = filled(inner - low, box.shape)
    lips = np.clip(filled(outer - low, box.shape) - inside, 0, 1)
    colour = float((box * lips).sum() / max(float(lips.sum()), 1.0))
    share: Image = cv2.GaussianBlur(inside, (0, 0), blur_px).astype(np.float32)
    box[...] = np.clip(box + (colour - box) * share + 0.5, 0, 255).astype(np.uint8)
