"""Which parts of the lower face can be seen, and where a hand, a microphone or hair is in front of them.

Skin keeps its colour: a place on the face that looks unlike itself in frames with the same head pose is
covered. What covers a face most of the time is taken for the face.
"""

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, minimum_filter1d

from heygem.templates.canonical import NOSE_BASE, OUTER_LIPS, VERTEX_COUNT, CanonicalFace
from heygem.templates.easing import smooth_step
from heygem.templates.face_track import FaceTrack

Array = NDArray[np.float64]
MOST_REFERENCES = 240  # frames that others are compared with
NEIGHBOURS = 32  # of them, those with the most similar pose ...
POSE_BLUR_DEGREES = 6.0  # ... so roughly that they come from all over the clip
ALIKE_POSE_DEGREES = 14.0  # beyond it a change of colour says nothing
NOT_NEARER_FRAMES = 12  # a hand that stays half a second must not vouch for itself
COLOUR_FLOOR = (10.0, 5.0, 5.0)  # luma, Cb and Cr levels that are always within the usual
SUSPICIOUS, COVERED = 4.0, 7.0  # deviation over the usual one where doubt begins, and where it ends
# A finger on a cheek looks much like the cheek, but here and there it does not: what covers one place to this
# degree covers the places beside it that are odd to that degree, and those beside them.
SEED, SPREADS_TO = 5.4, 2.5
COVER_DOUBT = (0.2, 0.4, 0.7)  # how surely a place is covered, where oddness begins, doubt does and ends
HOLD_FRAMES, SOFTEN_FRAMES = 3, 1.5
# Yaw from which on places of the far half come to lie on the outline, where a picture shows what is behind.
FAR_HALF_DEGREES = (20.0, 30.0)
FAR_HALF_FROM = (0.0, 0.05)  # canonical, from the middle of the face
# A mouth of which less than this share is seen is left alone; half a moving mouth would be worse than none.
LIPS_LEFT_ALONE, LIPS_FREE = 0.8, 0.98
BLOCK_FRAMES = 64


def steady_colours(track: FaceTrack, face: CanonicalFace) -> NDArray[np.float32]:
    """(N,468,3) luma, Cb, Cr around each vertex, less what changes all over the upper face: the light."""
    rgb = track.colours.astype(np.float32)
    luma = rgb @ np.array([0.299, 0.587, 0.114], np.float32)
    colours = np.stack([luma, rgb[..., 2] - luma, rgb[..., 0] - luma], -1)
    upper = (face.vertices[:, 1] < face.vertices[NOSE_BASE, 1]) & (np.abs(face.vertices[:, 0]) < 0.2)
    usual = np.median(colours[track.present][:, upper], axis=0)
    return np.asarray(colours - np.median(colours[:, upper] - usual, axis=1, keepdims=True), np.float32)


def oddness(
    colours: NDArray[np.float32], present: NDArray[np.bool_], turn_degrees: Array, face: CanonicalFace
) -> NDArray[np.float32]:
    """How unlike itself each vertex looks in each frame, (N,468): deviation over the usual one.

    0 where nothing is known, above the mouth, and between the lips, which change colour by themselves.

    Args:
        colours: (N,468,3), those of `steady_colours`.
        present: (N,) whether there is a face.
        turn_degrees: (N,2) yaw and pitch.
    """
    odd = np.zeros(colours.shape[:2], np.float32)
    skin = _skin_vertices(face)
    averaging = _among_neighbours(face, skin)
    for start in range(0, len(odd), BLOCK_FRAMES):
        block = np.arange(start, min(start + BLOCK_FRAMES, len(odd)))
        deviation = _deviation(block, colours[:, skin], present, turn_degrees)  # (B,S)
        deviation *= _before_outline(turn_degrees[block, 0], face.vertices[skin, 0])
        odd[start : start + len(block), skin] = deviation @ averaging
    return odd


def lasting_oddness(
    covered: NDArray[np.uint8], turn_degrees: Array, face: CanonicalFace
) -> NDArray[np.float32]:
    """`FaceTrack.covered` (N,468) on the scale of `oddness`: what is likely covered is odd beyond doubt.

    `turn_degrees` (N,2), yaw and pitch: beyond the outline of a turned head hair and walls are seen.
    """
    odd = np.interp(covered / 255, COVER_DOUBT, (0, SUSPICIOUS, COVERED))
    return np.asarray(odd * _before_outline(turn_degrees[:, 0], face.vertices[:, 0]), np.float32)


def visibility(
    odd: NDArray[np.float32], lasting: NDArray[np.float32], face: CanonicalFace
) -> NDArray[np.float32]:
    """How visible each vertex is in each frame, by its `oddness` and `lasting_oddness`, (N,468): in 0..1."""
    seen = np.ones_like(odd)
    skin = _skin_vertices(face)
    linked = (_among_neighbours(face, skin) > 0).astype(np.float32)
    for start in range(0, len(odd), BLOCK_FRAMES):
        block = slice(start, start + BLOCK_FRAMES)
        seen[block, skin] = 1 - smooth_step(_spread(odd[block, skin], linked), SUSPICIOUS, COVERED)
    seen = np.minimum(seen, 1 - smooth_step(lasting, SUSPICIOUS, COVERED)).astype(np.float32)
    if len(seen) > 1:
        seen = minimum_filter1d(seen, 2 * HOLD_FRAMES + 1, axis=0, mode="nearest")
        seen = gaussian_filter1d(seen, SOFTEN_FRAMES, axis=0, mode="nearest")
    return _whole_mouth(seen, face)


def _deviation(
    block: NDArray[np.int64], colours: NDArray[np.float32], present: NDArray[np.bool_], turn_degrees: Array
) -> NDArray[np.float32]:
    """(B,) frames -> (B,S): distance of each place from its usual colour in this pose, in usual spreads."""
    here = np.flatnonzero(present)
    references = here[np.linspace(0, len(here) - 1, min(len(here), MOST_REFERENCES)).astype(int)]
    if len(references) < NEIGHBOURS:
        return np.zeros((len(block), colours.shape[1]), np.float32)
    away = np.linalg.norm(turn_degrees[block][:, None] - turn_degrees[references][None], axis=-1)
    away += np.random.default_rng(0).uniform(0, POSE_BLUR_DEGREES, away.shape)
    away[np.abs(block[:, None] - references[None]) <= NOT_NEARER_FRAMES] = np.inf
    nearest = np.argpartition(away, NEIGHBOURS - 1, axis=1)[:, :NEIGHBOURS]  # (B,K)
    is_known = np.take_along_axis(away, nearest, 1).max(1) <= ALIKE_POSE_DEGREES
    usual = np.median(colours[references[nearest]], axis=1)  # (B,S,3)
    departures = np.abs(colours[references] - np.median(colours[references], axis=0))
    spread = np.maximum(1.48 * np.median(departures, axis=0), COLOUR_FLOOR)  # (S,3)
    deviation = np.sqrt((((colours[block] - usual) / spread) ** 2).sum(-1))
    return np.where(is_known[:, None] & present[block][:, None], deviation, 0).astype(np.float32)


def _spread(deviation: NDArray[np.float32], linked: NDArray[np.float32]) -> NDArray[np.float32]:
    """Deviations (B,S) in which what surely covers a place covers its odd neighbours, `linked` (S,S), too."""
    odd, covered = deviation > SPREADS_TO, deviation > SEED
    while (more := (covered @ linked > 0) & odd & ~covered).any():
        covered |= more
    return np.where(covered & (covered @ linked > 1), np.maximum(deviation, COVERED), deviation)


def _before_outline(yaw_degrees: Array, x: Array) -> Array:
    """How much a colour says of places at `x` (S,), canonical, on heads turned by `yaw_degrees` (B,): (B,S).

    Nothing on the far half of a head in profile: hair and walls are seen there where the face ends.
    """
    turned = smooth_step(np.abs(yaw_degrees), *FAR_HALF_DEGREES)[:, None]
    far = smooth_step(np.sign(yaw_degrees)[:, None] * x, *FAR_HALF_FROM)
    return np.asarray(1 - turned * far)


def _skin_vertices(face: CanonicalFace) -> NDArray[np.int64]:
    """From the outline of the lips outwards, below the nose: what is inside changes colour by itself."""
    contour = face.vertices[list(OUTER_LIPS), :2].astype(np.float32).reshape(-1, 1, 2)
    outside = [cv2.pointPolygonTest(contour, (float(x), float(y)), True) <= 0 for x, y, _ in face.vertices]
    below = face.vertices[:, 1] > face.vertices[NOSE_BASE, 1]
    return np.flatnonzero(np.array(outside) & below & (np.abs(face.vertices[:, 0]) < 0.26))


def _among_neighbours(face: CanonicalFace, skin: NDArray[np.int64]) -> NDArray[np.float32]:
    """(S,S): each column averages a place with those one edge away. One odd place is noise."""
    linked = np.eye(VERTEX_COUNT, dtype=np.float32)
    for corner in range(3):
        linked[face.triangles[:, corner], np.roll(face.triangles, 1, axis=1)[:, corner]] = 1
        linked[np.roll(face.triangles, 1, axis=1)[:, corner], face.triangles[:, corner]] = 1
    part = linked[np.ix_(skin, skin)]
    return np.asarray(part / part.sum(0))


def _whole_mouth(seen: NDArray[np.float32], face: CanonicalFace) -> NDArray[np.float32]:
    """Lips and what is between them move together or not at all, and a chin does not move without them."""
    ring = list(OUTER_LIPS)
    contour = face.vertices[ring, :2].astype(np.float32).reshape(-1, 1, 2)
    inside = np.array(
        [cv2.pointPolygonTest(contour, (float(x), float(y)), False) >= 0 for x, y, _ in face.vertices]
    )
    free = smooth_step(seen[:, ring].mean(1), LIPS_LEFT_ALONE, LIPS_FREE)
    seen *= free[:, None]
    seen[:, inside] = free[:, None]
    return seen
