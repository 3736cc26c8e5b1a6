"""The path through the mouth bank: which mouth each output frame gets, and how one gives way to the next.

A mouth costs what it fails to fit, a switch what is seen of it. The mesh can open a mouth a little further or
less far, but it cannot take teeth away or bring them: a mouth is kept while it can be, is left for one that
looks like it inside, and where teeth must come or go they do so at once: mixed, both would be seen through.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heygem.engines.mesh.bank import OUTLINE_UNIT, PAINTED, TURN_UNIT_DEGREES, MouthKeys
from heygem.engines.mesh.inside import seen_part
from heygem.templates.easing import smooth_step

Array = NDArray[np.float64]
Costs = NDArray[np.float32]

# A mouth that is to be hardly more open than at rest is to look closed: how closed it looks when drawn so
# counts far more than how open it was filmed.
CLOSING_GAP, LOOK_UNIT, LOOK_WORST, FILMED_WEIGHT = 0.010, 0.0015, 100.0, 0.1
# The eye reads the dark between the lips, and a warp cannot make it: openings must fit by themselves, but
# for the part of them that is not seen to be stretched ...
GAP_UNIT, GAP_SLACK = 0.010, 0.05
# ... above all upwards: a mouth can be stretched open only so far before its inside is smeared.
OPEN_STRETCH, OPEN_SLACK, OPEN_UNIT = 1.25, 0.006, 0.006
RING_UNIT = 12.0  # levels of luma and colour by which the skin around the mouth may differ, RMS
# A mouth filmed in motion is a smear beside sharp skin; the slack is for teeth and beards, which count too.
BLUR_SLACK_OCTAVES, BLUR_UNIT_OCTAVES = 1.2, 0.5
# Where lips were filmed in haste (canonical opening a frame) codecs leave crumbs of teeth on them, which look
# sharp: haste itself must count.
HASTE_SLACK, HASTE_UNIT = 0.02, 0.02
# A smear between lips looks a little like every other mouth: steadiness must not be had with it.
SMEAR_UNIT_OCTAVES = 0.3
LEAST_CRISP = 1e-3
PAINTED_COST = 2.5  # closed lips of the person's own win where they fit
PAINTED_ELSEWHERE = 0.4  # what painted ones cost in another pose and light: they were made for neither
# A person's open mouths were filmed in one light and another, with teeth smeared or half hidden: one after
# the other they seem to be of several people. Painted ones have one set of teeth.
FILMED_OPEN_COST = 8.0
# ... unless the face is so large that a painted pixel (see `mouth_crop`) measures so many of the frame.
COARSE_FROM_PX, COARSE_FULLY_PX = 1.6, 2.6
FORBIDDEN = 1e6

NEIGHBOUR_FRAMES = 2
SWITCH_COST = 0.8  # of lips and skin, whose look is much the same in all mouths
UNLIKE_UNIT = 0.03  # of unlikeness between the lips that costs another 1
MIXED_COST = 3.0  # painted teeth beside the person's own ones, where both are seen
CUT_UNLIKE = 0.15  # from which on mixed teeth are seen to be two sets


def fit_cost(
    wanted: MouthKeys,
    mouths: MouthKeys,
    rest_gap: float,
    forbidden_frames: float,
    painted_px: float = 1.0,
) -> NDArray[np.float32]:
    """(T,K): how badly each of K mouths fits each of T output frames.

    The template's own mouths nearer than `forbidden_frames` to the frame under an output frame are out.
    `rest_gap` is the lip opening of the face at rest; a painted pixel measures `painted_px` of the frame.
    """
    shape = _squared_distance(wanted.outline, mouths.outline) / 40 / OUTLINE_UNIT**2
    gap, filmed = wanted.gap[:, None], mouths.gap[None]
    closing = np.clip(1 - (gap - rest_gap) / CLOSING_GAP, 0, 1)  # (T,1)
    look = np.minimum((mouths.closed_look[None] / LOOK_UNIT) ** 2, LOOK_WORST)
    off = np.maximum(np.abs(gap - filmed) - GAP_SLACK * filmed, 0) / GAP_UNIT
    opening = off**2 * (1 - (1 - FILMED_WEIGHT) * closing) + closing * look
    stretch = (np.maximum(gap - OPEN_STRETCH * filmed - OPEN_SLACK, 0) / OPEN_UNIT) ** 2
    turn = _squared_distance(wanted.turn_degrees, mouths.turn_degrees) / TURN_UNIT_DEGREES**2
    light = _squared_distance(wanted.ring, mouths.ring) / wanted.ring.shape[1] / RING_UNIT**2
    painted = mouths.frame == PAINTED
    elsewhere = (turn + light) * np.where(painted, PAINTED_ELSEWHERE, 1.0)
    octaves = np.log2((wanted.detail[:, None] + 1) / (mouths.detail[None] + 1))
    blur = (np.maximum(octaves - BLUR_SLACK_OCTAVES, 0) / BLUR_UNIT_OCTAVES) ** 2
    fine = 1 - smooth_step(np.array(painted_px), COARSE_FROM_PX, COARSE_FULLY_PX)
    filmed_cost = FILMED_OPEN_COST * fine * seen_part(np.minimum(gap, filmed))
    source = np.where(painted, PAINTED_COST, filmed_cost)
    cost = shape + opening + stretch + elsewhere + blur + source
    near = np.abs(wanted.frame[:, None] - mouths.frame[None]) < forbidden_frames
    return np.where(near & ~painted, FORBIDDEN, cost).astype(np.float32)


def _squared_distance(a: NDArray[np.floating], b: NDArray[np.floating]) -> NDArray[np.floating]:
    """(T,...) and (K,...) -> (T,K)."""
    flat_a, flat_b = a.reshape(len(a), -1), b.reshape(len(b), -1)
    squared = (flat_a**2).sum(1)[:, None] + (flat_b**2).sum(1)[None] - 2 * flat_a @ flat_b.T
    return np.asarray(np.maximum(squared, 0))


def haste_cost(frame: NDArray[np.int64], haste: Array) -> Costs:
    """(K,): what mouths cost that were filmed in frames (K,) of a clip whose lips move by (N,) a frame."""
    filmed = np.where(frame == PAINTED, 0.0, haste[frame])
    return ((np.maximum(filmed - HASTE_SLACK, 0) / HASTE_UNIT) ** 2).astype(np.float32)


def smear_cost(frame: NDArray[np.int64], crispness: Array, gap: Array) -> Costs:
    """(K,): what mouths cost that were filmed in frames (K,) less crisp inside than is usual in their bank.

    They have openings (K,). Painted ones are as crisp as the clip's best, whatever they show.
    """
    seen = seen_part(gap) * (frame != PAINTED)
    if not (seen == 1).any():
        return np.zeros(len(gap), np.float32)
    octaves = np.log2(np.median(crispness[seen == 1]) / np.maximum(crispness, LEAST_CRISP))
    smear = np.maximum(octaves, 0) / SMEAR_UNIT_OCTAVES
    return np.asarray(seen * smear**2, np.float32)


@dataclass(frozen=True, slots=True)
class SwitchCost:
    """From one of K mouths to another: `always` (K,K), and `shown` (K,K) where lips are wide apart."""

    always: Costs
    shown: Costs

    @classmethod
    def of(cls, frame: NDArray[np.int64], gap: Array, unlike: Costs) -> "SwitchCost":
        """Of mouths filmed in frames (K,) with lip gaps (K,), unlike each other between the lips by (K,K).

        What lips open upon may be anything, and frames of one shot that are neighbours follow each other as
        the lips did.
        """
        own, seen, other = frame != PAINTED, seen_part(gap), ~np.eye(len(frame), dtype=bool)
        follows = own[:, None] & own & (np.abs(frame[:, None] - frame) <= NEIGHBOUR_FRAMES)
        mixed = own[:, None] != own
        shown = (unlike / UNLIKE_UNIT + MIXED_COST * mixed) * np.maximum(seen[:, None], seen)
        always = SWITCH_COST * ~follows
        return cls(*(np.where(other, part, 0).astype(np.float32) for part in (always, shown)))

    def at(self, seen: float) -> Costs:
        """(K,K) where so much of an inside is seen, in 0..1."""
        return np.asarray(self.always + np.float32(seen) * self.shown)


def best_path(cost: Costs, switch: SwitchCost, gap: Array) -> NDArray[np.int64]:
    """(T,K) and lip gaps asked for (T,) -> (T,) mouths of the cheapest path (Viterbi)."""
    best, seen = cost[0], seen_part(gap)
    came_from = np.zeros(cost.shape, np.int32)
    for step in range(1, len(cost)):
        reach = best[:, None] + switch.at(max(seen[step - 1], seen[step]))
        came_from[step] = reach.argmin(0)
        best = reach.min(0) + cost[step]
    path = np.zeros(len(cost), np.int64)
    path[-1] = best.argmin()
    for step in range(len(cost) - 1, 0, -1):
        path[step - 1] = came_from[step, path[step]]
    return path


def cuts(path: NDArray[np.int64], gap: Array, unlike: Costs) -> NDArray[np.bool_]:
    """(T,) of K mouths -> (T,): whether a mouth takes over at once from that of the frame before.

    It does so where either is open enough to show, mixed, what they are unlike in: teeth half covered by the
    lips of a mouth that is shut are seen through, too.
    """
    before, seen = np.concatenate([path[:1], path[:-1]]), seen_part(gap)
    return np.asarray(unlike[before, path] * np.maximum(seen[before], seen[path]) > CUT_UNLIKE)


def cross_fade(path: NDArray[np.int64], is_cut: NDArray[np.bool_], step: int) -> list[tuple[int, float]]:
    """The mouths of one output frame and their weights: a switch that is no cut takes three frames."""
    last = len(path) - 1
    before = step if is_cut[step] else max(step - 1, 0)
    after = step if step == last or is_cut[step + 1] else step + 1
    weights: dict[int, float] = {}
    for mouth, weight in zip(path[[before, step, after]].tolist(), (0.25, 0.5, 0.25), strict=True):
        weights[mouth] = weights.get(mouth, 0.0) + weight
    return sorted(weights.items())
