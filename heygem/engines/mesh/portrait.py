"""A template as the mesh engine needs it: the face, its pose, how it rests, and which mouths it has."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d

from heygem.engines.mesh.bank import (
    PAINTED,
    MouthBank,
    MouthKeys,
    MouthPatch,
    choose_own,
    cut_patch,
    head_turn_degrees,
)
from heygem.engines.mesh.film_grain import FilmGrain, Luma, measured_grain, without_grain
from heygem.engines.mesh.geometry import DrawMesh
from heygem.engines.mesh.painter import Canvas, MouthPainter
from heygem.engines.mesh.shaping import (
    lip_outline,
    neutral_shape,
    smoothed_own,
    wanted_gap,
    wanted_shapes,
)
from heygem.engines.mesh.style import SpeakingStyle
from heygem.media.frames import FrameSource
from heygem.media.types import VideoInfo, YuvFrame
from heygem.templates.cache import Arrays
from heygem.templates.canonical import LIPS, VERTEX_COUNT, CanonicalFace, lip_gap
from heygem.templates.face_track import FaceTrack
from heygem.templates.pose import PoseTrack, fit_pose
from heygem.templates.pose_drift import drift_of, without_drift
from heygem.templates.visibility import steady_colours, visibility

Array = NDArray[np.float64]
POSE_SMOOTHING_FRAMES = 1.5
ABSENCE_RAMP_FRAMES = 5
FREE_MOUTH, FREE_SKIN = 0.95, 0.5  # visibility from which on a mouth can lend its pixels
KEPT_AWAY_FRAMES = 6  # ... and not so soon before and after
RESTFUL_ENOUGH = 0.02  # canonical, over the 40 lip points: as good as the frame nearest to the neutral
TEETH_GAP = 0.05  # canonical lip gap of mouths whose inside is seen
PATCH_MARGIN = 0.12  # around the mouth, in face widths
GRAIN_PAIRS = 12  # of frames that follow each other, in which grain is looked for


@dataclass(frozen=True)
class Portrait:
    """Everything about the followed face, frame by frame.

    Attributes:
        own: (N,468,3) float32 canonical, smoothed.
        neutral: (468,3), how the face rests.
        strength: (N,) 0 where no face is.
        visible: (N,468) float32 in 0..1, 0 where something is in front of the face.
        shows_mouth: (N,) frames with a face and nothing before its mouth; all with a face if there are none.
        ring: (N,R,3) float32 luma, Cb, Cr of the skin around the lips, in steady light.
    """

    track: FaceTrack
    pose: PoseTrack
    own: NDArray[np.float32]
    neutral: Array
    strength: Array
    visible: NDArray[np.float32]
    shows_mouth: NDArray[np.bool_]
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
        visible = visibility(colours, track.present, turns, face)
        shows_mouth = _shows_mouth(track.present, visible)
        usual = np.median(turns[shows_mouth], axis=0)
        drift = drift_of(shapes[shows_mouth], turns[shows_mouth], face.pose_drift)
        shapes = without_drift(shapes, turns, usual, drift)
        return cls(
            track=track,
            pose=smooth_pose,
            own=smoothed_own(shapes),
            neutral=neutral_shape(shapes, shows_mouth),
            strength=track.strength(ABSENCE_RAMP_FRAMES),
            visible=visible,
            shows_mouth=shows_mouth,
            ring=colours[:, mesh.ring],
            style=SpeakingStyle.of(shapes[shows_mouth], face),
        )

    @cached_property
    def turn_degrees(self) -> Array:
        """(N,2) yaw and pitch of every frame."""
        return head_turn_degrees(self.pose.rotation)

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
        unrest[~self.shows_mouth] = np.inf
        candidates = np.flatnonzero(unrest <= unrest.min() + RESTFUL_ENOUGH)
        return int(candidates[self.track.detail[candidates].argmax()])


def _shows_mouth(present: NDArray[np.bool_], visible: NDArray[np.float32]) -> NDArray[np.bool_]:
    """What comes near a face misleads the landmarks before it is seen to cover anything."""
    covered = (visible[:, LIPS].min(1) < FREE_MOUTH) | (visible.min(1) < FREE_SKIN)
    free = present & ~maximum_filter1d(covered, 2 * KEPT_AWAY_FRAMES + 1, mode="nearest")
    return np.asarray(free if free.any() else present)


@dataclass(frozen=True, slots=True)
class MouthMaker:
    """Fills the bank of a portrait: own mouths cut from the clip, and painted ones for shapes it lacks.

    shapes: (S,468,3) canonical displacements of mouths people make.
    """

    mesh: DrawMesh
    painter: MouthPainter
    shapes: NDArray[np.float32]
    eye_distance: float

    def fill(self, portrait: Portrait, info: VideoInfo, on_mouth: Callable[[int, int], None]) -> MouthBank:
        """Read the chosen frames once more and paint the rest; `on_mouth(done, total)` after each mouth."""
        own = choose_own(portrait.own, portrait.turn_degrees, portrait.track.detail, portrait.shows_mouth)
        rest = portrait.restful_frame()
        total = len(own) + len(self.shapes)
        filmed, picture, grain = self._cut_own(portrait, info, own, rest, lambda done: on_mouth(done, total))
        paintable = wanted_shapes(portrait.neutral, self.shapes)
        canvas = self._canvas(portrait, info, picture, rest, filmed, lip_gap(portrait.own[own]))
        painted = self._paint(
            portrait, canvas, rest, paintable, lambda done: on_mouth(len(own) + done, total)
        )
        shapes = np.concatenate([portrait.own[own], paintable])
        taken_from = np.concatenate([own, np.full(len(painted), rest)])
        gaps = np.concatenate([lip_gap(portrait.own[own]), wanted_gap(paintable)])
        keys = portrait.keys(shapes, gaps, taken_from)
        numbers = np.concatenate([own, np.full(len(painted), PAINTED)])
        return MouthBank((*filmed, *painted), replace(keys, frame=numbers), grain=grain)

    def _cut_own(
        self,
        portrait: Portrait,
        info: VideoInfo,
        own: NDArray[np.int64],
        rest: int,
        on_cut: Callable[[int], None],
    ) -> tuple[list[MouthPatch], YuvFrame, FilmGrain | None]:
        """The mouths of the frames `own`, ascending, the frame `rest`, and the grain both are without."""
        firsts = [] if info.is_photo else _grain_pairs(own, len(portrait.track.points))
        wanted = sorted({*own.tolist(), rest, *firsts, *(first + 1 for first in firsts)})
        points, patches, pictures = portrait.track.points, [], []
        faces: dict[int, list[Luma]] = {first: [] for first in firsts}
        with FrameSource(info) as source:
            for index, frame in zip(wanted, source.read_schedule(wanted), strict=True):
                if index == rest:
                    pictures.append(frame.copy())
                if index in own:
                    patches.append(self._cut(frame, points[index]))
                    on_cut(len(patches))
                for first in {index - 1, index} & faces.keys():
                    faces[first].append(_face_of(frame, points[first]).copy())
        grain = measured_grain([(before, after) for before, after in faces.values()])
        if grain is None:
            return patches, pictures[0], None
        face = _face_of(pictures[0], points[rest])
        face[...] = without_grain(face, grain)
        return [_cleaned(patch, grain) for patch in patches], pictures[0], grain

    def _canvas(
        self,
        portrait: Portrait,
        info: VideoInfo,
        picture: YuvFrame,
        index: int,
        filmed: Sequence[MouthPatch],
        filmed_gap: Array,
    ) -> Canvas:
        """Frame `index` to paint on; filmed mouths, with their openings, tell what teeth are like here."""
        points = portrait.track.points[index]
        opened = [patch for patch, gap in zip(filmed, filmed_gap, strict=True) if gap > TEETH_GAP]
        return Canvas(
            picture,
            info.colour,
            self.mesh.source_vertices(points[None])[0],
            points,
            float(lip_gap(portrait.own[index])) / self.eye_distance,
            self.painter.teeth_of(opened, info.colour),
        )

    def _paint(
        self,
        portrait: Portrait,
        canvas: Canvas,
        index: int,
        shapes: Array,
        on_painted: Callable[[int], None],
    ) -> list[MouthPatch]:
        """Shapes (S,468,3), on the canvas that frame `index` is."""
        differences = (shapes - portrait.own[index]) * self.mesh.motion_weight[:, None]
        moved = portrait.pose.take(np.full(len(shapes), index)).displacement_to_px(differences)[..., :2]
        patches = []
        for patch in self.painter.paint(canvas, self.mesh.target_vertices(canvas.vertices_px[None], moved)):
            patches.append(patch)
            on_painted(len(patches))
        return patches

    def _cut(self, frame: YuvFrame, points_px: NDArray[np.float32]) -> MouthPatch:
        """The box around the vertices that the mouth layer shows; landmarks (478,3)."""
        vertices_px = self.mesh.source_vertices(points_px[None])[0]
        mouth = vertices_px[self.mesh.mouth_alpha > 0]
        margin = PATCH_MARGIN * np.ptp(vertices_px[:VERTEX_COUNT, 0])
        return cut_patch(frame, mouth.min(0) - margin, mouth.max(0) + margin, vertices_px)


def _grain_pairs(own: NDArray[np.int64], count: int) -> list[int]:
    """Frames, evenly among those that are read anyway, that have another after them."""
    firsts = own[own < count - 1]
    chosen = np.linspace(0, len(firsts) - 1, min(GRAIN_PAIRS, len(firsts))).round().astype(int)
    return sorted(set(firsts[chosen].tolist()))


def _face_of(frame: YuvFrame, points_px: NDArray[np.float32]) -> Luma:
    """The part of the luma plane around a face (478,3), as a view."""
    low = np.maximum(points_px[:, :2].min(0), 0).astype(int)
    high = np.maximum(points_px[:, :2].max(0), low + 1).astype(int)
    return frame.y[low[1] : high[1], low[0] : high[0]]


def _cleaned(patch: MouthPatch, grain: FilmGrain) -> MouthPatch:
    pixels = patch.pixels
    return replace(patch, pixels=YuvFrame(without_grain(pixels.y, grain), pixels.u, pixels.v))


def pack_bank(bank: MouthBank) -> Arrays:
    """A bank as named arrays, for the template cache."""
    grain = [] if bank.grain is None else [bank.grain.strength, bank.grain.size]
    arrays: dict[str, NDArray[Any]] = {
        **{field.name: getattr(bank.keys, field.name) for field in fields(MouthKeys)},
        "opening_gain": np.array(bank.opening_gain),
        "grain": np.array(grain),
        "corner": np.array([(patch.left_px, patch.top_px) for patch in bank.patches]),
        "vertices": np.stack([patch.vertices_px for patch in bank.patches]),
    }
    for number, patch in enumerate(bank.patches):
        pixels = patch.pixels
        arrays |= {f"y{number}": pixels.y, f"u{number}": pixels.u, f"v{number}": pixels.v}
    return arrays


def unpack_bank(arrays: Arrays) -> MouthBank:
    """The inverse of `pack_bank`; raises KeyError where a part is missing."""
    patches = []
    for number, ((left, top), vertices) in enumerate(zip(arrays["corner"], arrays["vertices"], strict=True)):
        pixels = YuvFrame(arrays[f"y{number}"], arrays[f"u{number}"], arrays[f"v{number}"])
        patches.append(MouthPatch(pixels, int(left), int(top), vertices))
    keys = MouthKeys(**{field.name: arrays[field.name] for field in fields(MouthKeys)})
    grain = FilmGrain(float(arrays["grain"][0]), int(arrays["grain"][1])) if len(arrays["grain"]) else None
    return MouthBank(tuple(patches), keys, float(arrays["opening_gain"]), grain)
