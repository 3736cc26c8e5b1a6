"""The resident models of the mesh engine, looked up in the registry at each use.

So a model that was unloaded or reloaded in between is never held on to, and with `--no-preload` each one
loads when it is first needed.
"""

from dataclasses import dataclass

from heygem.models.catalog import FACE_LANDMARKER, MOTION, MOUTH_COVER, MOUTH_REPAIR, SPEECH_ENCODER
from heygem.models.cover import CoverNet
from heygem.models.landmarker import FaceLandmarker
from heygem.models.motion import MotionNet
from heygem.models.mouth import MouthRepairNet
from heygem.models.registry import ModelRegistry
from heygem.models.speech import WhisperEncoder


@dataclass(frozen=True, slots=True)
class MeshModels:
    """By what they are for."""

    registry: ModelRegistry

    @property
    def landmarker(self) -> FaceLandmarker:
        return self.registry.get(FACE_LANDMARKER, FaceLandmarker)

    @property
    def cover(self) -> CoverNet:
        return self.registry.get(MOUTH_COVER, CoverNet)

    @property
    def encoder(self) -> WhisperEncoder:
        return self.registry.get(SPEECH_ENCODER, WhisperEncoder)

    @property
    def motion(self) -> MotionNet:
        return self.registry.get(MOTION, MotionNet)

    @property
    def mouth_repair(self) -> MouthRepairNet:
        return self.registry.get(MOUTH_REPAIR, MouthRepairNet)
