"""Looks at mouths with the eye that will judge them, as they come out when drawn.

On a small or soft face lips blend into skin, and an open mouth is seen less open than it was asked to be:
what is missing is asked for on top. And lips drawn together may still look apart, where they were filmed in
motion or with a gleam between them: such mouths are not for closures.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from heygem.engines.mesh.bank import PAINTED, MouthBank, MouthPatch
from heygem.engines.mesh.composer import Drawing
from heygem.engines.mesh.drawer import ThreadDrawer
from heygem.engines.mesh.geometry import DrawMesh
from heygem.engines.mesh.portrait import Portrait
from heygem.engines.mesh.targets import aim
from heygem.media.frames import FrameSource
from heygem.media.threads import prefetched
from heygem.media.types import VideoInfo, YuvFrame
from heygem.models.landmarker import LANDMARK_BUCKETS, FaceLandmarker
from heygem.models.steps import in_groups
from heygem.templates.canonical import VERTEX_COUNT, CanonicalFace, lip_gap
from heygem.templates.pose import fit_pose
from heygem.templates.tracker import look_where_it_was

Array = NDArray[np.float64]
MOST_GAIN = 1.5
LOOKED_AT_ONCE = LANDMARK_BUCKETS[-1]  # pictures, on this thread, while as many are drawn on others
DRAWING_THREADS = 3
CLOSING_MOUTHS = 16  # with the smallest openings: the others are not looked at for closures
BUSY_QUANTILES = (0.85, 0.97)  # of the lip gap: frames whose own mouth is open


@dataclass(frozen=True, slots=True)
class MouthEye:
    """Draws mouths into frames of a template and looks how open they are."""

    info: VideoInfo
    landmarker: FaceLandmarker
    mesh: DrawMesh
    face: CanonicalFace

    def seen_opening_gain(self, portrait: Portrait, bank: MouthBank) -> float:
        """Asked over seen opening of the painted mouths (least squares), within 1 and 1.5."""
        painted = np.flatnonzero(bank.keys.frame == PAINTED)
        patches = [bank.patches[number] for number in painted]
        targets, rest = [patch.vertices_px for patch in patches], portrait.restful_frame()
        (frame,) = self._read([rest])
        seen = self._seen(portrait, rest, frame, targets, patches)
        asked = bank.keys.gap[painted]
        return float(np.clip((asked**2).sum() / max((asked * seen).sum(), 1e-9), 1.0, MOST_GAIN))

    def closed_looks(self, portrait: Portrait, bank: MouthBank) -> Array:
        """(K,) lip gap, canonical, that each mouth shows when it is drawn closed, beyond the least of all.

        Each is drawn into a frame at rest and into some that talk. Infinite for mouths too open for that.
        """
        closing = np.argsort(bank.keys.gap, kind="stable")[:CLOSING_MOUTHS]
        patches = [bank.patches[number] for number in closing]
        numbers = sorted({portrait.restful_frame(), *_busy_frames(portrait)})
        seen = []
        for number, frame in zip(numbers, self._read(numbers), strict=True):
            closed = aim(portrait, portrait.neutral[None], np.array([number]), self.mesh, slice(0, 1))
            seen.append(self._seen(portrait, number, frame, [closed.target_px[0]] * len(patches), patches))
        looks = np.full(len(bank.patches), np.inf)
        looks[closing] = np.mean(seen, axis=0)
        return np.asarray(looks - looks.min())

    def _read(self, numbers: Sequence[int]) -> list[YuvFrame]:
        """Frames of the clip, in ascending order, in one pass."""
        with FrameSource(self.info) as source:
            return [frame.copy() for frame in source.read_schedule(numbers)]

    def _seen(
        self,
        portrait: Portrait,
        index: int,
        frame: YuvFrame,
        targets_px: Sequence[Array],
        patches: Sequence[MouthPatch],
    ) -> Array:
        """(M,) lip gaps of M mouths drawn at M places (V,2) into one frame, number `index` of the clip."""
        source = self.mesh.source_vertices(portrait.track.points[[index]])[0]
        drawings = [
            Drawing(source, target, [(patch, 1.0)], self.mesh.mouth_alpha)
            for target, patch in zip(targets_px, patches, strict=True)
        ]
        pictures = ThreadDrawer(self.mesh, DRAWING_THREADS).draw([frame] * len(drawings), drawings, patches)
        own = portrait.track.points[index]
        look = partial(look_where_it_was, self.landmarker, self.info.colour, points_px=own)
        with prefetched(pictures, LOOKED_AT_ONCE) as drawn:
            points = np.concatenate([look(group) for group in in_groups(drawn, LOOKED_AT_ONCE)])
        return np.asarray(lip_gap(fit_pose(points, self.face).to_canonical(points[:, :VERTEX_COUNT])))


def _busy_frames(portrait: Portrait) -> list[int]:
    """Of the frames that show the mouth, some that have it open."""
    frames = np.flatnonzero(portrait.shows_mouth)
    gaps = lip_gap(portrait.own[frames])
    return [int(frames[np.abs(gaps - wanted).argmin()]) for wanted in np.quantile(gaps, BUSY_QUANTILES)]
