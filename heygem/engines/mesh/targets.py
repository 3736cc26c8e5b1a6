"""Where the mesh goes: wanted shapes as vertices in the frame that neither fold nor cross.

The difference between wanted and own face moves the vertices. It fades where the head turns skin away from
the camera, where something covers the face, and where no face is.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from heygem.engines.mesh.geometry import DrawMesh, doubled_areas
from heygem.engines.mesh.portrait import Portrait
from heygem.engines.mesh.shaping import wanted_gap
from heygem.templates.canonical import INNER_LOWER, INNER_UPPER, LIPS, VERTEX_COUNT, lip_gap
from heygem.templates.easing import smooth_step

Array = NDArray[np.float64]
# Lips moved by this much (canonical, RMS) get a mouth from the bank; nearer to their own place they stay.
MOUTH_MOVES_FROM, MOUTH_MOVES_FULLY = 0.0015, 0.006
CLOSED_BY = (
    0.12,
    0.18,
)  # canonical: lips drawn together so far take the skin below them from the mouth layer
CLOSED_GAP, OPEN_GAP = 0.010, 0.020  # canonical: between them the mouth layer fades in
# Part of its frontal view at which skin stops to move, and from which on it moves freely.
TURNED_AWAY, TURNED_ENOUGH = 0.12, 0.45
EDGE_ON = 0.05  # a surface seen from the side at rest has no part of its view to lose
OUTLINE_DEGREES = (20.0, 30.0)  # yaw from which on the mouth can come near the outline, and does
PROFILE_DEGREES = (26.0, 35.0)  # yaw at which the jaw begins to be held, and is
JAW_CLOSED_IN_PROFILE = 0.5
OPENED, OPENED_IN_PROFILE = 0.02, 0.65  # canonical: lips that open by so much; how much of it they do there
EDGE_ON_PART = (0.0, 0.15)  # of its area at rest: a triangle seen edge-on, and one seen well enough
LEAST_AREA_PX2 = 1.0  # twice the area from which on a triangle counts as one that could fold
FOLDED_AREA_PX2 = -0.1  # and at which it has
CONTACT = 0.03  # canonical lip gap below which opposite points meet
CALM_FRAMES, CALM_REACH_FRAMES = 1.2, 4
UNFOLD_ROUNDS, SHRINK_ROUNDS = 40, 12


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
    difference = calmed(wanted - portrait.own[base], mesh)
    pose = portrait.pose.take(base)
    source = mesh.source_vertices(portrait.track.filled_points[base])
    shown = turned_to_camera(pose.rotation, mesh.outward) * portrait.visible[base]  # (B,468)
    shown *= before_outline(source, portrait.turn_degrees[base, 0], pose.scale, mesh)
    shown *= portrait.strength[base][:, None]
    own_gap, gap = lip_gap(portrait.own[base]), wanted_gap(wanted)
    opened_by = gap - own_gap
    difference *= held_in_profile(portrait.turn_degrees[base, 0], opened_by, mesh)[..., None]
    difference *= (mesh.motion_weight * shown)[..., None]
    lips_moved = np.sqrt((difference[:, LIPS, :2] ** 2).sum(-1).mean(1))
    moved = np.clip((lips_moved - MOUTH_MOVES_FROM) / (MOUTH_MOVES_FULLY - MOUTH_MOVES_FROM), 0, 1)
    # Closed lips that stay closed keep their own pixels, which no other frame's fit as well.
    moved *= np.clip((np.maximum(own_gap, gap) - CLOSED_GAP) / (OPEN_GAP - CLOSED_GAP), 0, 1)
    mouth_weight = mouth_layer(-opened_by, mesh) * moved[:, None]
    mouth_weight[:, :VERTEX_COUNT] *= shown
    down = pose.displacement_to_px(np.array([0.0, 1.0, 0.0])[None, None].repeat(len(base), 0))[:, 0, :2]
    target = mesh.target_vertices(source, pose.displacement_to_px(difference)[..., :2])
    first = settled(source, target, down, mesh)
    # A fold comes and goes; what is done against it must not come and go from frame to frame.
    eased = gaussian_filter1d(first - target, CALM_FRAMES, axis=0, mode="nearest", radius=CALM_REACH_FRAMES)
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
    calm = gaussian_filter1d(difference, CALM_FRAMES, axis=0, mode="nearest", radius=CALM_REACH_FRAMES)
    return np.asarray(lips * difference + (1 - lips) * calm)


def turned_to_camera(rotation: Array, outward: Array) -> Array:
    """How much of its frontal view each vertex still shows: (B,3,3) and (468,2) -> (B,468) in 0..1.

    Only turns to the side count: a chin looks down at any time and moves all the same.
    """
    camera = rotation[:, [0, 2], 2] * -1.0  # (B,2) x and z of the way to the camera, canonical
    camera /= np.maximum(np.linalg.norm(camera, axis=1, keepdims=True), 1e-9)
    now, at_rest = camera @ outward.T, -outward[:, 1]
    part = np.maximum(now, 0) / np.maximum(at_rest, EDGE_ON)
    return np.asarray(smooth_step(part, TURNED_AWAY, TURNED_ENOUGH))


def held_in_profile(yaw_degrees: Array, opened_by: Array, mesh: DrawMesh) -> Array:
    """How much of the difference heads turned to the side keep, per vertex: (B,), (B,) -> (B,468) in 0..1.

    Where the chin is the outline, one half of it cannot be drawn, and the other must not move on without it.
    Lips open less (`opened_by`, canonical): a wide open mouth would reach beyond the face. For them to close
    fully the jaw has to follow half of the way.
    """
    profile = smooth_step(np.abs(yaw_degrees), *PROFILE_DEGREES)[:, None]
    opens = smooth_step(opened_by, 0.0, OPENED)[:, None]
    lips, jaw = 1 - (1 - OPENED_IN_PROFILE) * opens, JAW_CLOSED_IN_PROFILE * (1 - opens)
    kept = jaw + (lips - jaw) * mesh.mouth_alpha[:VERTEX_COUNT]
    return np.asarray(1 - profile * (1 - kept))


def before_outline(source_px: Array, yaw_degrees: Array, scale: Array, mesh: DrawMesh) -> Array:
    """0 for vertices (B,468) that lie on the outline of a head turned to the side, rising to 1 before it.

    Landmarks tell less of a turn than there is: what their triangles look like in the picture tells the rest.
    One seen edge-on cannot be drawn, and what is drawn must have faded out where it begins.
    """
    turned = smooth_step(np.abs(yaw_degrees), *OUTLINE_DEGREES)[:, None]
    if not turned.any():
        return np.ones((len(source_px), VERTEX_COUNT))
    areas = doubled_areas(source_px, mesh.on_face) * scale[:, None] ** 2  # (B,F) canonical
    part = areas / mesh.on_face_areas
    least = np.full((len(source_px), VERTEX_COUNT), np.inf)
    for corner in range(3):
        np.minimum.at(least.T, mesh.on_face[:, corner], part.T)
    calm = gaussian_filter1d(
        np.minimum(least, 1), CALM_FRAMES, axis=0, mode="nearest", radius=CALM_REACH_FRAMES
    )
    return np.asarray(1 - turned * (1 - smooth_step(calm, *EDGE_ON_PART)))


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

    Where a triangle does, its corners are drawn towards its mean displacement, again and again, as strain is
    limited in cloth (Provot 1995): a triangle that only shifts cannot fold. What is left moves less and less.
    """
    target = closed_lips(target_px, down)
    can_fold = doubled_areas(source_px, mesh.triangles) > LEAST_AREA_PX2
    frames = np.arange(len(target))
    for count in range(UNFOLD_ROUNDS + SHRINK_ROUNDS):
        folded = can_fold[frames] & (doubled_areas(target[frames], mesh.triangles) < FOLDED_AREA_PX2)  # (F,T)
        still = folded.any(1)
        frames, folded = frames[still], folded[still]
        if len(frames) == 0:
            break
        row, triangle = np.nonzero(folded)
        corners = mesh.triangles[triangle]  # (P,3)
        moved = target[frames] - source_px[frames]
        if count < UNFOLD_ROUNDS:
            calmer = _drawn_together(moved, row, corners)
        else:
            calmer = moved[row[:, None], corners] / 2
        place = frames[row][:, None], corners
        target[place] = source_px[place] + calmer
        if count < UNFOLD_ROUNDS:
            target[frames] = closed_lips(target[frames], down[frames])
    return target


def _drawn_together(moved: Array, row: NDArray[np.int64], corners: NDArray[np.int64]) -> Array:
    """Displacements (F,V,2) at corners (P,3) of folded triangles, half-way to their means: (P,3,2).

    `row` (P,) says in which of the frames each triangle is.
    """
    here = moved[row[:, None], corners]  # (P,3,2)
    places = (row[:, None] * moved.shape[1] + corners).reshape(-1)  # (3P,)
    means = np.repeat(here.mean(1), 3, axis=0)
    count = np.bincount(places)[places]
    total = [np.bincount(places, means[:, axis])[places] for axis in (0, 1)]
    return np.asarray((here + (np.stack(total, 1) / count[:, None]).reshape(here.shape)) / 2)
