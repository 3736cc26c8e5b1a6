"""Looks at a finished video: does the mouth that is seen open as it was asked to, and when?"""

import numpy as np
from numpy.typing import NDArray

from heygem.engines.base import Checkup, JobContext
from heygem.engines.mesh.shaping import wanted_gap
from heygem.engines.mesh.speech_motion import Motion
from heygem.media.frames import FrameSource
from heygem.media.types import VideoInfo
from heygem.models.landmarker import FaceLandmarker
from heygem.templates.canonical import EYE_OUTER_LEFT, EYE_OUTER_RIGHT, CanonicalFace, lip_gap
from heygem.templates.face_track import FaceTrack
from heygem.templates.tracker import FaceTracker

LONGEST_SHIFT_SECONDS = 0.25
FRAMES_AT_ONCE = 512
STILL = 1e-9

Array = NDArray[np.float64]


def check_video(
    info: VideoInfo,
    motion: Motion,
    face: CanonicalFace,
    landmarker: FaceLandmarker,
    face_point: tuple[float, float] | None,
    context: JobContext,
) -> Checkup:
    """Track the video anew and compare opening with opening."""
    tracker = FaceTracker(landmarker, info.colour, face_point)
    with FrameSource(info) as source:
        track = tracker.track(source.read(), lambda done: context.report("template", done, info.frame_count))
    seen, asked = seen_opening(track), asked_opening(motion, face)
    here = compared(track, motion)
    count = len(here)
    shifts = range(-round(LONGEST_SHIFT_SECONDS * info.fps), round(LONGEST_SHIFT_SECONDS * info.fps) + 1)
    scores = {shift: shifted_correlation(seen[:count], asked[:count], here, shift) for shift in shifts}
    best = max(scores, key=lambda shift: (scores[shift], -abs(shift)))
    return Checkup(
        correlation=scores[0],
        best_correlation=scores[best],
        offset_ms=1000 * best / float(info.fps),
        frames_without_face=track.absent_count,
    )


def compared(track: FaceTrack, motion: Motion) -> NDArray[np.bool_]:
    """Frames with a face that speaks, of those that both have: before and after its speech it may smile."""
    count = min(len(track), len(motion))
    return np.asarray(track.present[:count] & (motion.speaking[:count] == 1))


def seen_opening(track: FaceTrack) -> Array:
    """(N,) lip gap in distances of the outer eye corners."""
    points = track.filled_points.astype(np.float64)
    eyes = np.linalg.norm(points[:, EYE_OUTER_LEFT] - points[:, EYE_OUTER_RIGHT], axis=-1)
    return np.asarray(lip_gap(points) / eyes)


def asked_opening(motion: Motion, face: CanonicalFace) -> Array:
    """(T,) lip gap of the mean face that moves so."""
    parts = [
        wanted_gap(face.vertices[None] + motion.displacement(start, start + FRAMES_AT_ONCE))
        for start in range(0, len(motion), FRAMES_AT_ONCE)
    ]
    return np.concatenate(parts)


def shifted_correlation(seen: Array, asked: Array, here: NDArray[np.bool_], shift: int) -> float:
    """Of what is seen with what was asked for `shift` frames earlier; 0 where nothing moves."""
    if shift >= 0:
        seen, here, asked = seen[shift:], here[shift:], asked[: len(asked) - shift]
    else:
        seen, here, asked = seen[:shift], here[:shift], asked[-shift:]
    seen, asked = seen[here], asked[here]
    if len(seen) < 2 or seen.std() < STILL or asked.std() < STILL:
        return 0.0
    return float(np.corrcoef(seen, asked)[0, 1])
