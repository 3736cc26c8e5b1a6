"""What a head turned to the side still shows of its face, and how much of a wanted move it keeps there."""

import numpy as np
from numpy.typing import NDArray

from heygem.engines.mesh.geometry import DrawMesh, doubled_areas
from heygem.engines.mesh.shaping import calm
from heygem.templates.canonical import VERTEX_COUNT
from heygem.templates.easing import smooth_step

Array = NDArray[np.float64]
# Part of its frontal view at which skin stops to move, and from which on it moves freely.
TURNED_AWAY, TURNED_ENOUGH = 0.12, 0.45
EDGE_ON = 0.05  # a surface seen from the side at rest has no part of its view to lose
OUTLINE_DEGREES = (20.0, 30.0)  # yaw from which on the mouth can come near the outline, and does
PROFILE_DEGREES = (26.0, 35.0)  # yaw at which the jaw begins to be held, and is
JAW_CLOSED_IN_PROFILE = 0.35
OPENED, OPENED_IN_PROFILE = 0.02, 0.65  # canonical: lips that open by so much; how much of it they do there
EDGE_ON_PART = (0.0, 0.15)  # of its area at rest: a triangle seen edge-on, and one seen well enough


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
    seen = smooth_step(calm(np.minimum(least, 1)), *EDGE_ON_PART)
    return np.asarray(1 - turned * (1 - seen))
