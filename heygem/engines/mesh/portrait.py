"""A template as the mesh engine needs it: its face, frame by frame, and how that rests."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d

from heygem.engines.mesh.bank import MouthKeys, head_turn_degrees
from heygem.engines.mesh.geometry import DrawMesh
from heygem.engines.mesh.lips_together import lips_together
from heygem.engines.mesh.profile import before_outline
from heygem.engines.mesh.shaping import lip_outline, resting_shape, smoothed_own
from heygem.engines.mesh.style import SpeakingStyle
from heygem.templates.canonical import LIPS, VERTEX_COUNT, CanonicalFace, lip_gap
from heygem.templates.face_track import FaceTrack
from heygem.templates.pose import PoseTrack, fit_pose
from heygem.templates.pose_drift import drift_of, without_drift
from heygem.templates.visibility import lasting_oddness, oddness, steady_colours, visibility

Array = NDArray[np.float64]
POSE_SMOOTHING_FRAMES = 1.5
ABSENCE_RAMP_FRAMES = 5
FREE_MOUTH, FREE_SKIN = 0.95, 0.5  # visibility from which on a mouth can lend its pixels
KEPT_AWAY_FRAMES = 6  # ... and not so soon before and after
BLOCK_FRAMES = 256  # of a long clip, whose meshes need not be held at once
WHOLE_MOUTH = 0.5  # how far within the outline of a turned head the lips have to be to be lent
ODD = 3.4  # deviation of the skin around the lips, over the usual one, from which on a mouth is not lent
ENOUGH_LENDING = 0.25  # of the frames that show the mouth; where fewer are better, all of them lend
RESTFUL_ENOUGH = 0.02  # canonical, over the 40 lip points: as good as the frame nearest to the neutral


@dataclass(frozen=True)
class Portrait:
    """Everything about the followed face, frame by frame.

    Attributes:
        own: (N,468,3) float32 canonical, smoothed.
        rest: (468,3), how the face rests.
        neutral: (468,3), the same with its lips together: where speech starts from.
        strength: (N,) 0 where no face is.
        visible: (N,468) float32 in 0..1, 0 where something is in front of the face.
        shows_mouth: (N,) frames with a face and nothing before its mouth; all with a face if there are none.
        lends_mouth: (N,) of those, where the whole mouth lies within the outline of the face, and nothing odd
            is near it.
        ring: (N,R,3) float32 luma, Cb, Cr of the skin around the lips, in steady light.
    """

    track: FaceTrack
    pose: PoseTrack
    own: NDArray[np.float32]
    rest: Array
    neutral: Array
    strength: Array
    visible: NDArray[np.float32]
    shows_mouth: NDArray[np.bool_]
    lends_mouth: NDArray[np.bool_]
    ring: NDArray[np.float32]
    style: SpeakingStyle

    @classmethod
    def of(cls, track: FaceTrack, face: CanonicalFace, mesh: DrawMesh) -> "Portrait":
        points = track.filled_points
        pose = fit_pose(points, face)
        shapes = pose.to_canonical(points[:, :VERTEX_COUNT])
        smooth_pose = pose.smoothed(POSE_SMOOTHING_FRAMES)
        colours = steady_colours(track, face)
        turns = head_turn_degrees(smooth_pose.rotation)
        odd = oddness(colours, track.present, turns, face)
        lasting = lasting_oddness(track.covered, turns, face)
        visible = visibility(odd, lasting, face)
        shows_mouth = _shows_mouth(track.present, visible, np.any(lasting > 0, axis=0))
        inside = _lips_inside(points, turns[:, 0], smooth_pose.scale, mesh)
        usual = np.median(turns[shows_mouth], axis=0)
        drift = drift_of(shapes[shows_mouth], turns[shows_mouth], face.pose_drift)
        shapes = without_drift(shapes, turns, usual, drift)
        rest = resting_shape(shapes, shows_mouth)
        return cls(
            track=track,
            pose=smooth_pose,
            own=smoothed_own(shapes),
            rest=rest,
            neutral=lips_together(rest, face.lip_moves),
            strength=track.strength(ABSENCE_RAMP_FRAMES),
            visible=visible,
            shows_mouth=shows_mouth,
            lends_mouth=_lends_mouth(shows_mouth, inside, np.maximum(odd, lasting)[:, mesh.ring].max(1)),
            ring=colours[:, mesh.ring],
            style=SpeakingStyle.of(shapes[shows_mouth], face),
        )

    @cached_property
    def turn_degrees(self) -> Array:
        """(N,2) yaw and pitch of every frame."""
        return head_turn_degrees(self.pose.rotation)

    @property
    def px_per_unit(self) -> float:
        """Pixels of the frame that one canonical unit usually measures."""
        return float(1 / np.median(self.pose.scale))

    @cached_property
    def haste(self) -> Array:
        """(N,) by how much the lips open or close from one frame to the next, canonical."""
        gap = lip_gap(self.own)
        return np.abs(np.gradient(gap)) if len(gap) > 1 else np.zeros(1)

    def keys(self, shapes: NDArray[np.floating], gap: Array, frame: NDArray[np.int64]) -> MouthKeys:
        """What to compare by when shapes (M,468,3) with openings (M,) stand in frames (M,) of the clip."""
        return MouthKeys(
            outline=lip_outline(shapes),
            gap=gap,
            turn_degrees=self.turn_degrees[frame],
            frame=frame,
            detail=self.track.detail[frame],
            ring=self.ring[frame],
            closed_look=np.zeros(len(gap)),
        )

    def restful_frame(self) -> int:
        """A frame near the neutral, seen from the front and sharp: the one to paint on."""
        away = np.linalg.norm(lip_outline(self.own) - lip_outline(self.neutral), axis=(1, 2))
        unrest = away + np.linalg.norm(self.turn_degrees, axis=1) / 200
        unrest[~self.lends_mouth] = np.inf
        candidates = np.flatnonzero(unrest <= unrest.min() + RESTFUL_ENOUGH)
        return int(candidates[self.track.detail[candidates].argmax()])


def _shows_mouth(
    present: NDArray[np.bool_], visible: NDArray[np.float32], usually_covered: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """What comes near a face misleads the landmarks before it is seen to cover anything.

    What is there for long, at places (468,) beside the lips, is no reason to do without most frames.
    """
    skin = visible[:, ~usually_covered].min(1, initial=1.0)
    covered = (visible[:, LIPS].min(1) < FREE_MOUTH) | (skin < FREE_SKIN)
    free = present & ~maximum_filter1d(covered, 2 * KEPT_AWAY_FRAMES + 1, mode="nearest")
    return np.asarray(free if free.any() else present)


def _lips_inside(points: NDArray[np.float32], yaw_degrees: Array, scale: Array, mesh: DrawMesh) -> Array:
    """(N,) 0..1: how far all of the lips lie within the outline of the face."""
    inside = np.ones(len(points))
    for start in range(0, len(points), BLOCK_FRAMES):
        block = slice(start, start + BLOCK_FRAMES)
        source = mesh.source_vertices(points[block])
        inside[block] = before_outline(source, yaw_degrees[block], scale[block], mesh)[:, LIPS].min(1)
    return inside


def _lends_mouth(
    shows_mouth: NDArray[np.bool_], inside: Array, odd: NDArray[np.float32]
) -> NDArray[np.bool_]:
    """A mouth on the outline has hair or a wall beside it, where another frame's has skin; and what is odd
    around one, (N,), may be a thing that would be shown where it is not."""
    plain = maximum_filter1d(odd, 2 * KEPT_AWAY_FRAMES + 1, mode="nearest") < ODD
    for choice in (shows_mouth & (inside >= WHOLE_MOUTH) & plain, shows_mouth & (inside >= WHOLE_MOUTH)):
        if choice.sum() >= ENOUGH_LENDING * shows_mouth.sum():
            return np.asarray(choice)
    return shows_mouth
