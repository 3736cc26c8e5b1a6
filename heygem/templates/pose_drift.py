"""How landmarks drift when a head turns, and shapes without that.

The landmarks of a head that turns away or looks down are not those of the same face seen from the front: the
chin rises or sinks and the jaw narrows, by as much as speech moves them. What belongs to yaw and pitch, and
not to the mouth, was learnt once from many people (`training/pose_drift.py`).
"""

import numpy as np
from numpy.typing import NDArray

from heygem.templates.canonical import LIPS, lip_gap

Array = NDArray[np.float64]
UNIT_DEGREES = 10.0
FARTHEST_DEGREES = 45.0  # it was not seen beyond, and is the same there
FEATURES = 5
UNIT_OPENINGS = 10.0  # to a unit of lip gap: as large as a turn
SURE_FROM = (
    0.1  # variance of the turn, in its unit squared, from which a clip is believed more than people at large
)
STILL = 1e-9  # variance of the opening: in a film of a picture it does not change at all
LEAST_FRAMES = 50


def turn_features(turn_degrees: NDArray[np.floating]) -> Array:
    """(N,2) yaw and pitch -> (N,5): both, their squares and their product, in units of ten degrees."""
    near = np.clip(turn_degrees, -FARTHEST_DEGREES, FARTHEST_DEGREES)
    yaw, pitch = (np.asarray(near, np.float64) / UNIT_DEGREES).T
    return np.stack([yaw, pitch, yaw**2, pitch**2, yaw * pitch], 1)


def drift_of(shapes: Array, turn_degrees: Array, usual: Array) -> Array:
    """How one person's landmarks drift: (N,468,3) shapes at (N,2) turns -> (5,468,3).

    Ridge regression, towards the `usual` drift (5,468,3), on the turn beside the opening of the mouth. A head
    that hardly turns tells nothing. Lips drift as one: closed ones are closed in every pose.
    """
    if len(shapes) < LEAST_FRAMES:
        return usual
    gap = UNIT_OPENINGS * lip_gap(shapes)
    turn, mouth = turn_features(turn_degrees), np.stack([gap, np.sqrt(gap)], 1)
    features = np.concatenate([turn, mouth], 1)
    features -= features.mean(0)
    beyond = shapes - np.tensordot(turn, usual, axes=1)
    flat = (beyond - beyond.mean(0)).reshape(len(shapes), -1)
    doubt = np.diag([SURE_FROM] * FEATURES + [STILL] * mouth.shape[1]) * len(shapes)
    fitted = np.linalg.solve(features.T @ features + doubt, features.T @ flat)
    own = fitted[:FEATURES].reshape(usual.shape)
    own[:, LIPS] = own[:, LIPS].mean(1, keepdims=True)
    return np.asarray(usual + own)


def without_drift(
    shapes: NDArray[np.floating], turn_degrees: NDArray[np.floating], usual_degrees: Array, drift: Array
) -> Array:
    """(N,468,3) canonical shapes at (N,2) turns, as they would be at the turn `usual_degrees` (2,).

    `drift` (5,468,3) belongs to the features of `turn_features`.
    """
    beyond = turn_features(turn_degrees) - turn_features(usual_degrees[None])
    return np.asarray(shapes - np.tensordot(beyond, drift, axes=1))
