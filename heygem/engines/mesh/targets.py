"""Where the mesh goes: wanted shapes as vertices in the frame that neither fold nor cross.

The difference between wanted and own face moves the vertices. It fades where the head turns skin away from
the camera, where something covers the face, and where no face is.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heygem.engines.mesh.geometry import DrawMesh, doubled_areas
from heygem.engines.mesh.portrait import Portrait
from heygem.engines.mesh.profile import before_outline, held_in_profile, turned_to_camera
from heygem.engines.mesh.shaping import calm, pressed, wanted_gap
from heygem.templates.canonical import INNER_LOWER, INNER_UPPER, LIPS, VERTEX_COUNT, lip_gap
from heygem.templates.easing import smooth_step

Array = NDArray[np.float64]
# Lips moved by this much (canonical, RMS) get a mouth from the bank; nearer to their own place they stay. In
# between both are seen through each other: there is to be little between.
MOUTH_MOVES_FROM, MOUTH_MOVES_FULLY = 0.0003, 0.0015
CLOSED_BY = (
    0.12,
    0.18,
)  # canonical: lips drawn together so far take the skin below them from the mouth layer
RESHAPED = (
    0.012,
    0.020,
)  # canonical, RMS: pressed or pursed lips stretched by so much are no longer their own
CLOSED_GAP, OPEN_GAP = 0.010, 0.020  # canonical: between them the mouth layer fades in
LEAST_AREA_PX2 = 1.0  # twice the area from which on a triangle counts as one that could fold
FOLDED_AREA_PX2, UNFOLDED_AREA_PX2 = -0.1, 0.1  # at which it has, and to which it is opened again
CONTACT = 0.03  # canonical lip gap below which opposite points meet
TURN_ROUNDS, FLATTEN_ROUNDS, RETURN_ROUNDS = 40, 24, 12


@dataclass(frozen=True, slots=True)
class Targets:
    """A block of frames: vertices before and after (B,V,2), and how much mouth layer each shows (B,V)."""

    source_px: Array
    target_px: Array
    mouth_weight: Array


def aim(portrait: Portrait, wanted: Array, base: NDArray[np.int64], mesh: DrawMesh, drawn: slice) -> Targets:
    """Where the frames `drawn` of a block go.

    Args:
        wanted: (B,468,3) canonical shapes of the block and of up to `CALM_REACH_FRAMES` frames on both sides.
        base: (B,) the template's frames under them.
        drawn: the block itself, of the B.
    """
    own_gap, gap = lip_gap(portrait.own[base]), wanted_gap(wanted)
    was_open = smooth_step(own_gap, CLOSED_GAP, OPEN_GAP)
    closes = was_open * (1 - smooth_step(gap, CLOSED_GAP, OPEN_GAP))
    difference = calmed(pressed(wanted, closes) - portrait.own[base], mesh)
    pose = portrait.pose.take(base)
    source = mesh.source_vertices(portrait.track.filled_points[base])
    shown = turned_to_camera(pose.rotation, mesh.outward) * portrait.visible[base]  # (B,468)
    shown *= before_outline(source, portrait.turn_degrees[base, 0], pose.scale, mesh)
    shown *= portrait.strength[base][:, None]
    opened_by = gap - own_gap
    difference *= held_in_profile(portrait.turn_degrees[base, 0], opened_by, mesh)[..., None]
    difference *= (mesh.motion_weight * shown)[..., None]
    lips_moved = np.sqrt((difference[:, LIPS, :2] ** 2).sum(-1).mean(1))
    moved = np.clip((lips_moved - MOUTH_MOVES_FROM) / (MOUTH_MOVES_FULLY - MOUTH_MOVES_FROM), 0, 1)
    # Closed lips that stay closed and as they are keep their own pixels, which no other frame's fit as well.
    opens = smooth_step(np.maximum(own_gap, gap), CLOSED_GAP, OPEN_GAP)
    moved *= np.maximum(opens, smooth_step(lips_moved, *RESHAPED))
    mouth_weight = mouth_layer(-opened_by, mesh) * moved[:, None]
    mouth_weight[:, :VERTEX_COUNT] *= shown
    down = pose.displacement_to_px(np.array([0.0, 1.0, 0.0])[None, None].repeat(len(base), 0))[:, 0, :2]
    target = mesh.target_vertices(source, pose.displacement_to_px(difference)[..., :2])
    first = settled(source, target, down, mesh)
    # A fold comes and goes; what is done against it must not come and go from frame to frame.
    eased = calm(first - target)
    return Targets(
        source[drawn],
        settled(source[drawn], (target + eased)[drawn], down[drawn], mesh),
        mouth_weight[drawn],
    )


def mouth_layer(closed_by: Array, mesh: DrawMesh) -> Array:
    """Where the mouth layer shows, (B,V), when lips are drawn together by (B,) canonical.

    The lower edge of a wide open mouth is easily taken for higher than it is. Closed, it would leave a strip
    of its lip on the chin: there the layer reaches over it.
    """
    closing = smooth_step(closed_by, *CLOSED_BY)[:, None]
    return np.asarray(mesh.mouth_alpha + closing * (mesh.closing_alpha - mesh.mouth_alpha))


def calmed(difference: Array, mesh: DrawMesh) -> Array:
    """Smooth the difference (B,468,3) in time on the skin, and leave it to the lips as it is.

    A jaw is heavy: added syllables swing it without haste, and its own small quick moves stay in the picture.
    Lips have to be where they are wanted in each frame.
    """
    lips = mesh.mouth_alpha[:VERTEX_COUNT, None]
    return np.asarray(lips * difference + (1 - lips) * calm(difference))


def closed_lips(target_px: Array, down: Array) -> Array:
    """Let lips that touch meet point by point: (B,V,2) and the face's way down (B,2) in pixels a unit.

    Opposite points of crossing lips coincide; of lips nearly closed they approach each other across the way
    down, so that the strip between them never turns over.
    """
    length = np.maximum(np.linalg.norm(down, axis=1), 1e-9)
    unit, contact_px = down / length[:, None], CONTACT * length
    upper, lower = target_px[:, list(INNER_UPPER)], target_px[:, list(INNER_LOWER)]
    apart = lower - upper  # (B,9,2)
    gap = np.einsum("bkc,bc->bk", apart, unit)
    along = np.maximum(gap, 0)[..., None] * unit[:, None]
    across = apart - gap[..., None] * unit[:, None]
    open_part = np.clip(gap / contact_px[:, None], 0, 1)[..., None]
    middle, half = (upper + lower) / 2, (along + across * open_part) / 2
    closed = target_px.copy()
    closed[:, list(INNER_UPPER)], closed[:, list(INNER_LOWER)] = middle - half, middle + half
    return closed


def settled(source_px: Array, target_px: Array, down: Array, mesh: DrawMesh) -> Array:
    """Targets (B,V,2) in which no lips cross and no triangle that showed its outside shows its inside.

    Where a triangle does, its corners take the shortest way to turn it over again, round after round, as
    constraints are met in position-based dynamics (Mueller et al. 2007). What will not is flattened; where
    not even that helps, all of the frame moves less.
    """
    target = closed_lips(target_px, down)
    can_fold = doubled_areas(source_px, mesh.triangles) > LEAST_AREA_PX2
    frames = np.arange(len(target))
    for count in range(TURN_ROUNDS + FLATTEN_ROUNDS + RETURN_ROUNDS):
        folded = can_fold[frames] & (doubled_areas(target[frames], mesh.triangles) < FOLDED_AREA_PX2)  # (F,T)
        still = folded.any(1)
        frames, folded = frames[still], folded[still]
        if len(frames) == 0:
            break
        row, triangle = np.nonzero(folded)
        corners = mesh.triangles[triangle]  # (P,3)
        place = frames[row][:, None], corners
        if count < TURN_ROUNDS:
            # Neighbours, and lips that touch, undo some of it: what comes back is turned further.
            area_px2 = UNFOLDED_AREA_PX2 * (1 + count)
            target[frames] = _turned_over(target[frames], row, corners, area_px2)
        elif count < TURN_ROUNDS + FLATTEN_ROUNDS:
            target[place] = (target[place] + target[place].mean(1, keepdims=True)) / 2
        else:
            target[frames] = (target[frames] + source_px[frames]) / 2
            continue
        target[frames] = closed_lips(target[frames], down[frames])
    return target


def _turned_over(points: Array, row: NDArray[np.int64], corners: NDArray[np.int64], area_px2: float) -> Array:
    """Points (F,V,2) with the corners (P,3) of folded triangles moved; `row` (P,) is the frame of each.

    `area_px2` is twice what each is to have then, as far as one step along the gradient goes.
    A corner of several triangles moves by the mean of what they ask of it.
    """
    here = points[row[:, None], corners]  # (P,3,2)
    opposite = np.roll(here, -2, axis=1) - np.roll(here, -1, axis=1)
    away = np.stack([-opposite[..., 1], opposite[..., 0]], -1)  # what adds the most area
    area = (away[:, 0] * (here[:, 0] - here[:, 1])).sum(-1)
    missing = area_px2 - area
    step = away * (missing / np.maximum((away**2).sum((1, 2)), 1e-9))[:, None, None]
    places = (row[:, None] * points.shape[1] + corners).reshape(-1)  # (3P,)
    count = np.bincount(places)[places]
    moved = points.reshape(-1, 2).copy()
    np.add.at(moved, places, step.reshape(-1, 2) / count[:, None])
    return moved.reshape(points.shape)
