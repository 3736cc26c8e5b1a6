"""Plans and draws the frames of one job: which face, which mouth, where; then pixel by pixel."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from heygem.engines.base import LipSyncOptions
from heygem.engines.mesh.bank import MouthBank
from heygem.engines.mesh.composer import Drawing
from heygem.engines.mesh.drawer import FrameDrawer
from heygem.engines.mesh.film_grain import GrainCut
from heygem.engines.mesh.geometry import DrawMesh
from heygem.engines.mesh.mouth_path import (
    SwitchCost,
    best_path,
    cross_fade,
    cuts,
    fit_cost,
    haste_cost,
    smear_cost,
)
from heygem.engines.mesh.photo.living_photo import LivingPhoto
from heygem.engines.mesh.portrait import Portrait
from heygem.engines.mesh.shaping import CALM_REACH_FRAMES, wanted_gap, wanted_shapes
from heygem.engines.mesh.speech_motion import Motion
from heygem.engines.mesh.targets import aim
from heygem.media.types import YuvFrame
from heygem.models.mouth import CROP_PX
from heygem.templates.canonical import CanonicalFace
from heygem.templates.mouth_window import WINDOW_CANONICAL

Array = NDArray[np.float64]
BLOCK_FRAMES = 32


@dataclass(frozen=True, slots=True)
class Wish:
    """The shapes the motion asks of this face, in this person's style."""

    rest: Array
    neutral: Array
    motion: Motion
    scale: float
    lip_offset: Array  # (468,3)
    expression: Array | float  # (468,3), held from the first frame to the last

    @classmethod
    def of(
        cls,
        portrait: Portrait,
        motion: Motion,
        gain: float,
        mesh: DrawMesh,
        face: CanonicalFace,
        expression: Array | float = 0.0,
    ) -> "Wish":
        """`gain` is what it takes for an opening to be seen as wanted."""
        scale = portrait.style.liveliness * gain
        mean_shape = portrait.neutral + motion.mean_displacement() * scale
        lip_offset = portrait.style.lip_offset(mean_shape, mesh, face)
        return cls(portrait.rest, portrait.neutral, motion, scale, lip_offset, expression)

    def shapes(self, start: int, stop: int) -> Array:
        """(stop-start,468,3) canonical. In pauses the mouth is the neutral's, with the expression; before the
        first word and after the last it is the mouth at rest."""
        offset = self.motion.voiced[start:stop, None, None] * self.lip_offset + self.expression
        offset = offset + (1 - self.motion.speaking[start:stop, None, None]) * (self.rest - self.neutral)
        return wanted_shapes(self.neutral, self.motion.displacement(start, stop) * self.scale + offset)


@dataclass(frozen=True, slots=True)
class RenderPlan:
    """Everything decided before the first pixel: T output frames over a template of N."""

    portrait: Portrait
    bank: MouthBank
    schedule: NDArray[np.int64]  # (T,) template frame under each output frame
    path: NDArray[np.int64]  # (T,) mouth of the bank
    is_cut: NDArray[np.bool_]  # (T,) whether it takes over from the frame before at once
    gap: Array  # (T,) lip opening asked for, canonical
    wish: Wish
    living: LivingPhoto | None = None

    def __len__(self) -> int:
        return len(self.schedule)


class FrameRenderer:
    """Decides what goes into each frame; the drawer it is given does it. Holds no job's data."""

    def __init__(
        self,
        mesh: DrawMesh,
        face: CanonicalFace,
        smile: NDArray[np.float32],
        drawer: FrameDrawer,
    ) -> None:
        """`smile` (468,3) is a full one, canonical."""
        self.mesh = mesh
        self._face, self._smile = face, smile.astype(np.float64)
        self.drawer = drawer

    def plan(
        self,
        portrait: Portrait,
        bank: MouthBank,
        motion: Motion,
        schedule: NDArray[np.int64],
        options: LipSyncOptions,
        template_fps: Fraction,
    ) -> RenderPlan:
        """Choose the path through the mouth bank; no frame is read, so it is cheap at any length."""
        smile = options.smile * self._smile
        wish = Wish.of(portrait, motion, bank.opening_gain, self.mesh, self._face, smile)
        forbidden_frames = options.bank_gap_seconds * float(template_fps)
        rest_gap = float(wanted_gap(portrait.neutral[None])[0])
        painted_px = WINDOW_CANONICAL / CROP_PX * portrait.px_per_unit
        gaps, costs = [], []
        for start, stop in _blocks(len(schedule)):
            shapes = wish.shapes(start, stop)
            gaps.append(wanted_gap(shapes))
            wanted = portrait.keys(shapes, gaps[-1], schedule[start:stop])
            costs.append(fit_cost(wanted, bank.keys, rest_gap, forbidden_frames, painted_px))
        gap = np.concatenate(gaps)
        path, is_cut = _path(portrait, bank, np.concatenate(costs), gap)
        return RenderPlan(portrait, bank, schedule, path, is_cut, gap, wish)

    def draw(self, frames: Iterable[YuvFrame], plan: RenderPlan) -> Iterator[YuvFrame]:
        """Output frames in order; `frames` gives the template's frames as scheduled."""
        return self.drawer.draw(frames, self.drawings(plan), plan.bank.patches)

    def drawings(self, plan: RenderPlan) -> Iterator[Drawing | None]:
        """Block by block; None where the template shows no face."""
        for start, stop in _blocks(len(plan)):
            low, high = max(start - CALM_REACH_FRAMES, 0), min(stop + CALM_REACH_FRAMES, len(plan))
            wanted, around = plan.wish.shapes(low, high), plan.schedule[low:high]
            block = aim(plan.portrait, wanted, around, self.mesh, slice(start - low, stop - low))
            base = plan.schedule[start:stop]
            for row, step in enumerate(range(start, stop)):
                if plan.portrait.strength[base[row]] == 0:
                    yield None
                    continue
                shares = cross_fade(plan.path, plan.is_cut, step)
                mouths = [(plan.bank.patches[mouth], share) for mouth, share in shares]
                turned = plan.living.turned(step) if plan.living else None
                source, target, weight = block.source_px[row], block.target_px[row], block.mouth_weight[row]
                grain = GrainCut.at(plan.bank.grain, step) if plan.bank.grain else None
                yield Drawing(source, target, mouths, weight, turned, grain)


def _path(
    portrait: Portrait, bank: MouthBank, fit: NDArray[np.float32], gap: Array
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """(T,K) costs of the fit and (T,) openings -> (T,) mouths, and where they take over at once."""
    keys, looks = bank.keys, bank.looks
    flaws = haste_cost(keys.frame, portrait.haste) + smear_cost(keys.frame, looks.crispness, keys.gap)
    path = best_path(fit + flaws, SwitchCost.of(keys.frame, keys.gap, looks.unlike), gap)
    return path, cuts(path, keys.gap, looks.unlike)


def _blocks(count: int) -> Iterator[tuple[int, int]]:
    for start in range(0, count, BLOCK_FRAMES):
        yield start, min(start + BLOCK_FRAMES, count)
