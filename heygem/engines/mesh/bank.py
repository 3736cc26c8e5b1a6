"""The mouth bank: a person's own mouths, filmed or painted once, and the path through them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heygem.engines.mesh.film_grain import FilmGrain
from heygem.engines.mesh.shaping import lip_outline
from heygem.media.types import YuvFrame
from heygem.templates.canonical import lip_gap

Array = NDArray[np.float64]
OWN_MOUTHS = 48
PAINTED = -1  # frame index of a mouth nobody filmed

# Units of the path's cost: a lip outline off by this much (canonical RMS) costs 1.
OUTLINE_UNIT = 0.008
TURN_UNIT_DEGREES = 8.0
# A mouth that is to be hardly more open than at rest is to look closed: how closed it looks when drawn so
# counts far more than how open it was filmed.
CLOSING_GAP, LOOK_UNIT, LOOK_WORST, FILMED_WEIGHT = 0.010, 0.003, 100.0, 0.1
# The eye reads the dark between the lips, and a warp cannot make it: openings must fit by themselves ...
GAP_UNIT = 0.010
# ... above all upwards: a mouth can be stretched open only so far before its inside is smeared.
OPEN_STRETCH, OPEN_SLACK, OPEN_UNIT = 1.25, 0.006, 0.006
RING_UNIT = 12.0  # levels of luma and colour by which the skin around the mouth may differ, RMS
# A mouth filmed in motion is a smear beside sharp skin; the slack is for teeth and beards, which count too.
BLUR_SLACK_OCTAVES, BLUR_UNIT_OCTAVES = 1.2, 0.5
TOO_BLURRED = 0.25  # of the median sharpness: not taken into the bank
SAME_MOUTH = 0.5  # mouths nearer than this, in units of outline and turn, can stand for each other
PAINTED_COST = 2.5  # the person's own pixels win where they fit
SWITCH_COST = 1.2
NEIGHBOUR_FRAMES = 2
FORBIDDEN = 1e6


@dataclass(frozen=True, slots=True)
class MouthPatch:
    """Pixels around one mouth: planes of the template's frame with an even corner, and the mesh in them."""

    pixels: YuvFrame
    left_px: int
    top_px: int
    vertices_px: Array  # (V,2) in frame pixels


@dataclass(frozen=True, slots=True)
class MouthKeys:
    """What is compared when a mouth is chosen; M mouths of a bank, or M output frames that want one.

    Attributes:
        outline: (M,40,2) canonical lip points about their own middle.
        gap: (M,) canonical lip opening.
        turn_degrees: (M,2) yaw and pitch of the head.
        frame: (M,) number in the template, or PAINTED.
        detail: (M,) how sharp the frame is around the mouth.
        ring: (M,R,3) luma, Cb, Cr of the skin around the mouth.
        closed_look: (M,) canonical lip gap it shows when drawn closed; infinite: not for closures.
    """

    outline: NDArray[np.float32]
    gap: Array
    turn_degrees: Array
    frame: NDArray[np.int64]
    detail: NDArray[np.float32]
    ring: NDArray[np.float32]
    closed_look: Array

    def __len__(self) -> int:
        return len(self.gap)


@dataclass(frozen=True, slots=True)
class MouthBank:
    """K mouths and their keys.

    `opening_gain` says how much more a mouth is to be opened here so that it is seen to open as wanted. Where
    the clip has grain, the mouths are without it.
    """

    patches: tuple[MouthPatch, ...]
    keys: MouthKeys
    opening_gain: float = 1.0
    grain: FilmGrain | None = None


def cut_patch(
    frame: YuvFrame, low_px: NDArray[np.floating], high_px: NDArray[np.floating], vertices_px: Array
) -> MouthPatch:
    """Copy the box from `low_px` to `high_px` (x, y) out of a frame, widened to even corners."""
    left, top = (int(max(value, 0)) // 2 * 2 for value in low_px)
    right = min(-(-int(high_px[0]) // 2) * 2, frame.width)
    bottom = min(-(-int(high_px[1]) // 2) * 2, frame.height)
    luma = frame.y[top:bottom, left:right].copy()
    chroma = [plane[top // 2 : bottom // 2, left // 2 : right // 2].copy() for plane in (frame.u, frame.v)]
    return MouthPatch(YuvFrame(luma, *chroma), left, top, vertices_px)


def head_turn_degrees(rotation: NDArray[np.floating]) -> Array:
    """(N,3,3) -> (N,2) yaw and pitch."""
    yaw = np.arctan2(rotation[:, 0, 2], rotation[:, 2, 2])
    pitch = np.arcsin(np.clip(rotation[:, 1, 2], -1, 1))
    return np.asarray(np.degrees(np.stack([yaw, pitch], 1)))


def choose_own(
    shapes: NDArray[np.floating],
    turn_degrees: Array,
    detail: NDArray[np.floating],
    usable: NDArray[np.bool_],
) -> NDArray[np.int64]:
    """Frames that between them cover the mouths a person makes: farthest-point sampling of shape and pose.

    Of frames that show nearly the same mouth the sharpest one serves: speech moves lips, and film blurs them.

    Args:
        shapes: (N,468,3) canonical.
        turn_degrees: (N,2) yaw and pitch.
        detail: (N,) sharpness of each mouth.
        usable: (N,) whether a frame shows the mouth, with nothing before it.
    """
    sharp = usable & (detail >= TOO_BLURRED * np.median(detail[usable]))
    candidates = np.flatnonzero(sharp)
    outline = lip_outline(shapes[candidates]).reshape(len(candidates), -1)
    key = np.concatenate(
        [outline / (OUTLINE_UNIT * np.sqrt(40)), turn_degrees[candidates] / TURN_UNIT_DEGREES], 1
    )
    chosen = [int(np.argmin(lip_gap(shapes[candidates])))]
    distance = np.linalg.norm(key - key[chosen[0]], axis=1)
    while len(chosen) < OWN_MOUTHS and distance.max() > SAME_MOUTH:
        chosen.append(int(distance.argmax()))
        distance = np.minimum(distance, np.linalg.norm(key - key[chosen[-1]], axis=1))
    sharpest = {_sharpest(key, place, detail[candidates]) for place in chosen}
    return np.asarray(candidates[np.array(sorted(sharpest))])


def _sharpest(key: Array, place: int, detail: NDArray[np.floating]) -> int:
    alike = np.flatnonzero(np.linalg.norm(key - key[place], axis=1) < SAME_MOUTH)
    return int(alike[detail[alike].argmax()])


def fit_cost(
    wanted: MouthKeys, mouths: MouthKeys, rest_gap: float, forbidden_frames: float
) -> NDArray[np.float32]:
    """(T,K): how badly each of K mouths fits each of T output frames.

    The template's own mouths nearer than `forbidden_frames` to the frame under an output frame are out.
    `rest_gap` is the lip opening of the face at rest.
    """
    shape = _squared_distance(wanted.outline, mouths.outline) / 40 / OUTLINE_UNIT**2
    gap, filmed = wanted.gap[:, None], mouths.gap[None]
    closing = np.clip(1 - (gap - rest_gap) / CLOSING_GAP, 0, 1)  # (T,1)
    look = np.minimum((mouths.closed_look[None] / LOOK_UNIT) ** 2, LOOK_WORST)
    opening = ((gap - filmed) / GAP_UNIT) ** 2 * (1 - (1 - FILMED_WEIGHT) * closing) + closing * look
    stretch = (np.maximum(gap - OPEN_STRETCH * filmed - OPEN_SLACK, 0) / OPEN_UNIT) ** 2
    turn = _squared_distance(wanted.turn_degrees, mouths.turn_degrees) / TURN_UNIT_DEGREES**2
    light = _squared_distance(wanted.ring, mouths.ring) / wanted.ring.shape[1] / RING_UNIT**2
    octaves = np.log2((wanted.detail[:, None] + 1) / (mouths.detail[None] + 1))
    blur = (np.maximum(octaves - BLUR_SLACK_OCTAVES, 0) / BLUR_UNIT_OCTAVES) ** 2
    painted = mouths.frame == PAINTED
    cost = shape + opening + stretch + turn + light + blur + PAINTED_COST * painted
    near = np.abs(wanted.frame[:, None] - mouths.frame[None]) < forbidden_frames
    return np.where(near & ~painted, FORBIDDEN, cost).astype(np.float32)


def _squared_distance(a: NDArray[np.floating], b: NDArray[np.floating]) -> NDArray[np.floating]:
    """(T,...) and (K,...) -> (T,K)."""
    flat_a, flat_b = a.reshape(len(a), -1), b.reshape(len(b), -1)
    squared = (flat_a**2).sum(1)[:, None] + (flat_b**2).sum(1)[None] - 2 * flat_a @ flat_b.T
    return np.asarray(np.maximum(squared, 0))


def best_path(cost: NDArray[np.float32], frame: NDArray[np.int64]) -> NDArray[np.int64]:
    """(T,K) -> (T,) mouths of the cheapest path (Viterbi); neighbouring frames of one shot follow freely."""
    both_own = (frame[:, None] != PAINTED) & (frame[None] != PAINTED)
    follows = both_own & (np.abs(frame[:, None] - frame[None]) <= NEIGHBOUR_FRAMES)
    switch = np.where(follows | np.eye(len(frame), dtype=bool), 0.0, SWITCH_COST).astype(np.float32)
    best = cost[0]
    came_from = np.zeros(cost.shape, np.int32)
    for step in range(1, len(cost)):
        reach = best[:, None] + switch  # (K from, K to)
        came_from[step] = reach.argmin(0)
        best = reach.min(0) + cost[step]
    path = np.zeros(len(cost), np.int64)
    path[-1] = best.argmin()
    for step in range(len(cost) - 1, 0, -1):
        path[step - 1] = came_from[step, path[step]]
    return path


def cross_fade(path: NDArray[np.int64], step: int) -> list[tuple[int, float]]:
    """The mouths of one output frame and their weights: a switch is spread over three frames."""
    around = path[np.clip([step - 1, step, step + 1], 0, len(path) - 1)]
    weights: dict[int, float] = {}
    for mouth, weight in zip(around.tolist(), (0.25, 0.5, 0.25), strict=True):
        weights[mouth] = weights.get(mouth, 0.0) + weight
    return sorted(weights.items())
