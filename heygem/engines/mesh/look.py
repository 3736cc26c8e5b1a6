"""What a prepared template looks like, for the advice that its owner gets."""

import numpy as np

from heygem.engines.base import FaceBox, TemplateLook
from heygem.engines.mesh.bank import head_turn_degrees
from heygem.engines.mesh.portrait import Portrait
from heygem.media.frames import FrameSource
from heygem.media.types import VideoInfo
from heygem.models.landmarker import FaceLandmarker
from heygem.templates.canonical import EYE_OUTER_LEFT, EYE_OUTER_RIGHT, LIPS, VERTEX_COUNT, lip_gap
from heygem.templates.tracker import Face, FaceTracker

OPEN_GAP = 0.05  # lip gap in distances of the outer eye corners: a mouth that is open
TURN_PERCENTILE = 95
LEFT_ALONE = 0.5  # visibility of the lips below which the mouth hardly follows the speech


def look_at(portrait: Portrait, info: VideoInfo, landmarker: FaceLandmarker) -> TemplateLook:
    """Figures of the followed face, and all faces of the first frame that shows it."""
    track = portrait.track
    points = track.points[track.present, :VERTEX_COUNT].astype(np.float64)
    eyes = np.linalg.norm(points[:, EYE_OUTER_LEFT] - points[:, EYE_OUTER_RIGHT], axis=-1)
    turns = head_turn_degrees(portrait.pose.rotation[track.present])
    still = int(np.flatnonzero(track.present)[0])
    with FrameSource(info) as source:
        frame = next(iter(source.read_schedule([still])))
        faces = FaceTracker(landmarker, info.colour).faces_in(frame)
    return TemplateLook(
        face_width_px=track.face_width_px(),
        turned_degrees=float(np.percentile(np.linalg.norm(turns, axis=1), TURN_PERCENTILE)),
        open_share=float((lip_gap(points) / eyes > OPEN_GAP).mean()),
        still_frame=still,
        face_boxes=tuple(_box(face, info) for face in faces),
        covered_share=float((portrait.visible[track.present][:, LIPS].mean(1) < LEFT_ALONE).mean()),
    )


def _box(face: Face, info: VideoInfo) -> FaceBox:
    size = (info.width, info.height)
    x0, y0 = np.clip(face.points_px[:VERTEX_COUNT, :2].min(0) / size, 0, 1)
    x1, y1 = np.clip(face.points_px[:VERTEX_COUNT, :2].max(0) / size, 0, 1)
    return float(x0), float(y0), float(x1), float(y1)
