"""A face that smiles or was caught speaking, with its lips together.

Speech moves from a closed mouth. Where a template shows none, as a photo of a smile does, it has to be
guessed: of all moves that bring the lips together the one that people make most easily.
"""

import numpy as np
from numpy.typing import NDArray

from heygem.templates.canonical import INNER_LOWER, INNER_UPPER, MOUTH_CORNERS, lip_gap

Array = NDArray[np.float64]
APART_GAP = 0.015  # canonical lip gap from which on a face at rest is not closed
GAP_DOUBT = 0.003  # canonical: how exactly each pair of opposite points has to meet
CORNER_DOUBT = 0.012  # canonical: how far the corners may be from where they were, so that a smile stays one


def lips_together(rest: Array, moves: Array) -> Array:
    """A face (468,3) canonical -> the same, closed; itself where its lips are not apart.

    `moves` (K,468,3) are the principal moves of lips, each as large as its standard deviation. What is looked
    for is the most likely of them, as Gaussian ones, given what is to move by how much.
    """
    if lip_gap(rest) < APART_GAP:
        return rest
    apart = rest[list(INNER_LOWER), 1] - rest[list(INNER_UPPER), 1]  # (9,), y runs down
    opens = moves[:, INNER_LOWER, 1] - moves[:, INNER_UPPER, 1]  # (K,9)
    corners = moves[:, MOUTH_CORNERS, :2].reshape(len(moves), -1)  # (K,4)
    asked = np.concatenate([np.maximum(apart, 0), np.zeros(corners.shape[1])])
    doubt = np.repeat([GAP_DOUBT, CORNER_DOUBT], [len(apart), corners.shape[1]])
    told = np.concatenate([opens, corners], axis=1)  # (K,13)
    amount = told @ np.linalg.solve(told.T @ told + np.diag(doubt**2), asked)  # (K,) standard deviations
    return np.asarray(rest - np.tensordot(amount, moves, 1))
