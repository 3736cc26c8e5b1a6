"""A template as the mesh engine needs it: the face, its pose, how it rests, and which mouths it has."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heygem.engines.mesh.bank import (
    PAINTED,
    MouthBank,
    MouthPatch,
    choose_own,
    cut_patch,
    head_turn_degrees,
)
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
from heygem.templates.canonical import VERTEX_COUNT, CanonicalFace, lip_gap
from heygem.templates.face_track import FaceTrack
from heygem.templates.pose import PoseTrack, fit_pose

Array = NDArray[np.float64]
POSE_SMOOTHING_FRAMES = 1.5
ABSENCE_RAMP_FRAMES = 5
PATCH_MARGIN = 0.12  # around the mouth, in face widths


@dataclass(frozen=True)
class Portrait:
    """Everything about the followed face, frame by frame.

    own: (N,468,3) float32 canonical, smoothed; neutral: (468,3); strength: (N,) 0 where no face is.
    """

    track: FaceTrack
    pose: PoseTrack
    own: NDArray[np.float32]
    neutral: Array
    strength: Array
    style: SpeakingStyle

    @classmethod
    def of(cls, track: FaceTrack, face: CanonicalFace) -> "Portrait":
        points = track.filled_points
        pose = fit_pose(points, face)
        shapes = pose.to_canonical(points[:, :VERTEX_COUNT])
        return cls(
            track=track,
            pose=pose.smoothed(POSE_SMOOTHING_FRAMES),
            own=smoothed_own(shapes),
            neutral=neutral_shape(shapes, track.present),
            strength=track.strength(ABSENCE_RAMP_FRAMES),
            style=SpeakingStyle.of(shapes[track.present], face),
        )

    @property
    def turn_degrees(self) -> Array:
        """(N,2) yaw and pitch of every frame."""
        return head_turn_degrees(self.pose.rotation)

    def restful_frame(self) -> int:
        """The frame nearest to the neutral, seen from the front: the one to paint on."""
        away = np.linalg.norm(lip_outline(self.own) - lip_outline(self.neutral), axis=(1, 2))
        turned = np.linalg.norm(self.turn_degrees, axis=1) / 200
        return int(np.argmin(np.where(self.track.present, away + turned, np.inf)))


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
        own = choose_own(portrait.own, portrait.turn_degrees, portrait.track.present)
        canvas_frame = portrait.restful_frame()
        total = len(own) + len(self.shapes)
        wanted = sorted({*own.tolist(), canvas_frame})
        patches: list[MouthPatch] = []
        canvas = None
        with FrameSource(info) as source:
            for index, frame in zip(wanted, source.read_schedule(wanted), strict=True):
                if index == canvas_frame:
                    canvas = frame.copy()
                if index in own:
                    patches.append(self._cut(frame, portrait.track.points[index]))
                    on_mouth(len(patches), total)
        assert canvas is not None
        paintable = wanted_shapes(portrait.neutral, self.shapes)
        painted = self._paint(
            portrait, info, canvas, canvas_frame, paintable, lambda done: on_mouth(len(own) + done, total)
        )
        shapes = np.concatenate([portrait.own[own], paintable])
        turns = portrait.turn_degrees
        return MouthBank(
            patches=(*patches, *painted),
            outline=lip_outline(shapes),
            gap=np.concatenate([lip_gap(portrait.own[own]), wanted_gap(paintable)]),
            turn_degrees=np.concatenate([turns[own], np.repeat(turns[[canvas_frame]], len(painted), 0)]),
            frame=np.concatenate([own, np.full(len(painted), PAINTED)]),
        )

    def _paint(
        self,
        portrait: Portrait,
        info: VideoInfo,
        frame: YuvFrame,
        index: int,
        shapes: Array,
        on_painted: Callable[[int], None],
    ) -> list[MouthPatch]:
        points = portrait.track.points[index]
        vertices = self.mesh.source_vertices(points[None])
        canvas = Canvas(
            frame, info.colour, vertices[0], points, float(lip_gap(portrait.own[index])) / self.eye_distance
        )
        pose = portrait.pose.take(np.array([index]))
        patches = []
        for done, shape in enumerate(shapes, 1):
            difference = (shape - portrait.own[index]) * self.mesh.motion_weight[:, None]
            moved = pose.displacement_to_px(difference[None])[..., :2]
            patches.append(self.painter.paint(canvas, self.mesh.target_vertices(vertices, moved)[0]))
            on_painted(done)
        return patches

    def _cut(self, frame: YuvFrame, points_px: NDArray[np.float32]) -> MouthPatch:
        """The box around the vertices that the mouth layer shows; landmarks (478,3)."""
        vertices_px = self.mesh.source_vertices(points_px[None])[0]
        mouth = vertices_px[self.mesh.mouth_alpha > 0]
        margin = PATCH_MARGIN * np.ptp(vertices_px[:VERTEX_COUNT, 0])
        return cut_patch(frame, mouth.min(0) - margin, mouth.max(0) + margin, vertices_px)


def pack_bank(bank: MouthBank) -> Arrays:
    """A bank as named arrays, for the template cache."""
    arrays: dict[str, NDArray[Any]] = {
        "outline": bank.outline,
        "gap": bank.gap,
        "turn_degrees": bank.turn_degrees,
        "frame": bank.frame,
        "opening_gain": np.array(bank.opening_gain),
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
    return MouthBank(
        patches=tuple(patches),
        outline=arrays["outline"],
        gap=arrays["gap"],
        turn_degrees=arrays["turn_degrees"],
        frame=arrays["frame"],
        opening_gain=float(arrays["opening_gain"]),
    )
