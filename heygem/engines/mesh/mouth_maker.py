"""Fills the mouth bank of a portrait: own mouths cut from the clip, and painted ones for shapes it lacks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heygem.engines.mesh.bank import (
    PAINTED,
    MouthBank,
    MouthKeys,
    MouthLooks,
    MouthPatch,
    choose_own,
    cut_patch,
)
from heygem.engines.mesh.film_grain import FilmGrain, Luma, measured_grain, without_grain
from heygem.engines.mesh.geometry import DrawMesh
from heygem.engines.mesh.inside import looks_of
from heygem.engines.mesh.lip_line import CLOSED_GAP, with_line
from heygem.engines.mesh.painter import Canvas, MouthPainter
from heygem.engines.mesh.portrait import Portrait
from heygem.engines.mesh.shaping import wanted_gap, wanted_shapes
from heygem.media.frames import FrameSource
from heygem.media.types import VideoInfo, YuvFrame
from heygem.templates.cache import Arrays
from heygem.templates.canonical import VERTEX_COUNT, lip_gap

Array = NDArray[np.float64]
TEETH_GAP = 0.05  # canonical lip gap of mouths whose inside is seen
ALIKE_DEGREES = 15.0  # from the frame that is painted on: teeth are seen from the same side
PATCH_MARGIN = 0.12  # around the mouth, in face widths
GRAIN_PAIRS = 12  # of frames that follow each other, in which grain is looked for


@dataclass(frozen=True, slots=True)
class _Filmed:
    """Own mouths, the whole frame to paint on, and faces in frames that follow each other."""

    mouths: Sequence[MouthPatch]
    picture: YuvFrame
    pairs: Sequence[tuple[Luma, Luma]]

    def without(self, grain: FilmGrain, points_px: NDArray[np.float32]) -> "_Filmed":
        """The same without grain; in the picture only the face (478,3) is cleaned."""
        mouths = []
        for patch in self.mouths:
            luma = without_grain(patch.pixels.y, grain)
            mouths.append(replace(patch, pixels=YuvFrame(luma, patch.pixels.u, patch.pixels.v)))
        picture = self.picture.copy()
        face = _face_of(picture, points_px)
        face[...] = without_grain(face, grain)
        return _Filmed(mouths, picture, self.pairs)


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
        own = choose_own(portrait.own, portrait.turn_degrees, portrait.track.detail, portrait.lends_mouth)
        rest = portrait.restful_frame()
        total = len(own) + len(self.shapes)
        filmed = self._film(portrait, info, own, rest, lambda done: on_mouth(done, total))
        grain = measured_grain(filmed.pairs)
        if grain is not None:
            filmed = filmed.without(grain, portrait.track.points[rest])
        paintable = wanted_shapes(portrait.neutral, self.shapes)
        canvas = self._canvas(portrait, info, filmed, rest, own)
        painted = self._paint(
            portrait, canvas, rest, paintable, lambda done: on_mouth(len(own) + done, total)
        )
        shapes = np.concatenate([portrait.own[own], paintable])
        taken_from = np.concatenate([own, np.full(len(painted), rest)])
        gaps = np.concatenate([lip_gap(portrait.own[own]), wanted_gap(paintable)])
        keys = portrait.keys(shapes, gaps, taken_from)
        numbers = np.concatenate([own, np.full(len(painted), PAINTED)])
        patches = tuple(
            with_line(patch) if gap < CLOSED_GAP else patch
            for patch, gap in zip((*filmed.mouths, *painted), gaps, strict=True)
        )
        looks = looks_of(patches, self.mesh.ring)
        return MouthBank(patches, replace(keys, frame=numbers), looks, grain=grain)

    def _film(
        self,
        portrait: Portrait,
        info: VideoInfo,
        own: NDArray[np.int64],
        rest: int,
        on_cut: Callable[[int], None],
    ) -> _Filmed:
        """One pass through the clip for the mouths of the frames `own`, ascending, and the frame `rest`."""
        firsts = [] if info.is_photo else _grain_pairs(own, len(portrait.track.points))
        wanted = sorted({*own.tolist(), rest, *firsts, *(first + 1 for first in firsts)})
        points, mouths, pictures = portrait.track.points, [], []
        faces: dict[int, list[Luma]] = {first: [] for first in firsts}
        with FrameSource(info) as source:
            for index, frame in zip(wanted, source.read_schedule(wanted), strict=True):
                if index == rest:
                    pictures.append(frame.copy())
                if index in own:
                    mouths.append(self._cut(frame, points[index]))
                    on_cut(len(mouths))
                for first in {index - 1, index} & faces.keys():
                    faces[first].append(_face_of(frame, points[first]).copy())
        return _Filmed(mouths, pictures[0], [(before, after) for before, after in faces.values()])

    def _canvas(
        self,
        portrait: Portrait,
        info: VideoInfo,
        filmed: _Filmed,
        index: int,
        own: NDArray[np.int64],
    ) -> Canvas:
        """Frame `index` to paint on; mouths filmed in frames `own` tell what teeth are like here."""
        points, gaps = portrait.track.points[index], lip_gap(portrait.own[own])
        opened = [patch for patch, gap in zip(filmed.mouths, gaps, strict=True) if gap > TEETH_GAP]
        turned = np.abs(portrait.turn_degrees[own] - portrait.turn_degrees[index]).max(1)
        alike = np.flatnonzero((gaps > TEETH_GAP) & (turned < ALIKE_DEGREES))
        beside = [filmed.mouths[number] for number in alike.tolist()]
        return Canvas(
            filmed.picture,
            info.colour,
            self.mesh.source_vertices(points[None])[0],
            points,
            float(lip_gap(portrait.own[index])) / self.eye_distance,
            self.painter.teeth_of(opened, info.colour),
            self.painter.seen_in(beside, gaps[alike] / self.eye_distance, turned[alike], info.colour),
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


def pack_bank(bank: MouthBank) -> Arrays:
    """A bank as named arrays, for the template cache."""
    grain = [] if bank.grain is None else [bank.grain.strength, bank.grain.size]
    arrays: dict[str, NDArray[Any]] = {
        **{field.name: getattr(bank.keys, field.name) for field in fields(MouthKeys)},
        "unlike": bank.looks.unlike,
        "crispness": bank.looks.crispness,
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
    looks = MouthLooks(arrays["unlike"], arrays["crispness"])
    return MouthBank(tuple(patches), keys, looks, float(arrays["opening_gain"]), grain)
