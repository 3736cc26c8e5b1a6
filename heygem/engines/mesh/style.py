"""How a person speaks, as far as a template that talks shows it: how lively, and with how wide a mouth.

The sound tells when a mouth opens, not how far this person opens it, nor how wide they hold their lips.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heygem.engines.mesh.geometry import DrawMesh
from heygem.templates.canonical import LIPS, VERTEX_COUNT, CanonicalFace, lip_gap

Array = NDArray[np.float64]
TALKS_FROM = 0.02  # spread of the opening, in eye distances: below it the template rests
TYPICAL_SPREAD = 0.052  # of the speaker the motion net speaks for
LEAST, MOST = 0.7, 1.4  # a quiet clip does not mute the speech, a shouting one does not tear the mouth


@dataclass(frozen=True, slots=True)
class SpeakingStyle:
    """What to make of the net's motion on this face.

    Attributes:
        liveliness: factor on the motion.
        mean_lips_x: (40,) canonical x of the lip points over the clip; None where the template does not talk.
    """

    liveliness: float = 1.0
    mean_lips_x: Array | None = None

    @classmethod
    def of(cls, shapes: NDArray[np.floating], face: CanonicalFace) -> "SpeakingStyle":
        """From the frames (N,468,3) that show the face."""
        spread = float(lip_gap(shapes).std()) / face.eye_distance
        if spread < TALKS_FROM:
            return cls()
        mean_lips_x = shapes[:, LIPS, 0].mean(0).astype(np.float64)
        return cls(float(np.clip(spread / TYPICAL_SPREAD, LEAST, MOST)), mean_lips_x)

    def lip_offset(self, mean_shape: Array, mesh: DrawMesh, face: CanonicalFace) -> Array:
        """What to add to every wanted shape, (468,3), so that the mouth is as wide as this person's.

        `mean_shape` (468,3) is the mean of the wanted shapes. Skin follows the nearest lip, as far as it is
        part of the mouth.
        """
        offset = np.zeros((VERTEX_COUNT, 3))
        if self.mean_lips_x is not None:
            lips = list(LIPS)
            away = np.linalg.norm(face.vertices[:, None, :2] - face.vertices[None, lips, :2], axis=-1)
            nearest = away.argmin(1)  # (468,) which lip point
            missing = self.mean_lips_x - mean_shape[lips, 0]
            offset[:, 0] = mesh.mouth_alpha[:VERTEX_COUNT] * missing[nearest]
        return offset
