"""The mouth bank: a person's own mouths, filmed or painted once."""

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

# Units of shape and pose: a lip outline off by this much (canonical RMS), a head turned by this much.
OUTLINE_UNIT = 0.008
TURN_UNIT_DEGREES = 8.0
TOO_BLURRED = 0.25  # of the median sharpness: not taken into the bank
SAME_MOUTH = 0.5  # mouths nearer than this, in units of outline and turn, can stand for each other


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
class MouthLooks:
    """What is seen between the lips of K mouths: how unlike two are (K,K), how crisp one is (K,).

    See `inside.looks_of`.
    """

    unlike: NDArray[np.float32]
    crispness: Array


@dataclass(frozen=True, slots=True)
class MouthBank:
    """K mouths, their keys and looks.

    `opening_gain` says how much more a mouth is to be opened here so that it is seen to open as wanted. Where
    the clip has grain, the mouths are without it.
    """

    patches: tuple[MouthPatch, ...]
    keys: MouthKeys
    looks: MouthLooks
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
