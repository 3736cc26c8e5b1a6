"""Checks painted mouths with the eye that will judge them: does a mouth look as open as it was asked to be?

On a small or soft face lips blend into skin and an open mouth is seen less open. What is missing is asked for
on top.
"""

import numpy as np

from heygem.engines.mesh.bank import PAINTED, MouthBank
from heygem.engines.mesh.composer import Composer, Drawing
from heygem.engines.mesh.geometry import DrawMesh
from heygem.engines.mesh.portrait import Portrait
from heygem.media.frames import FrameSource
from heygem.media.types import VideoInfo
from heygem.models.landmarker import FaceLandmarker
from heygem.templates.canonical import VERTEX_COUNT, CanonicalFace, lip_gap
from heygem.templates.pose import fit_pose
from heygem.templates.tracker import FaceTracker

MOST_GAIN = 1.5


def seen_opening_gain(
    portrait: Portrait,
    bank: MouthBank,
    info: VideoInfo,
    landmarker: FaceLandmarker,
    mesh: DrawMesh,
    face: CanonicalFace,
) -> float:
    """Asked over seen opening of the painted mouths (least squares), within 1 and 1.5."""
    index = portrait.restful_frame()
    source = mesh.source_vertices(portrait.track.points[[index]])[0]
    painted = np.flatnonzero(bank.keys.frame == PAINTED)
    patches = [bank.patches[number] for number in painted]
    with FrameSource(info) as frames:
        frame = next(iter(frames.read_schedule([index]))).copy()
    composer = Composer(mesh)
    pictures = (
        composer.compose(frame, Drawing(source, patch.vertices_px, [(patch, 1.0)], mesh.mouth_alpha))
        for patch in patches
    )
    centre = source[:VERTEX_COUNT].mean(0) / (info.width, info.height)
    tracker = FaceTracker(landmarker, info.colour, (float(centre[0]), float(centre[1])))
    track = tracker.track(pictures, lambda _: None)
    points = track.filled_points
    seen = lip_gap(fit_pose(points, face).to_canonical(points[:, :VERTEX_COUNT]))
    asked = bank.keys.gap[painted]
    return float(np.clip((asked**2).sum() / max((asked * seen).sum(), 1e-9), 1.0, MOST_GAIN))
