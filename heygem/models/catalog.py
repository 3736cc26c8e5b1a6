"""The models HeyGem knows. Each loader imports its net only when it runs: the slow part of a cold start.

Tolerances: fp32 differs between kinds of CPU and GPU by rounding alone; half precision by what was measured,
times about three.
"""

import math

from heygem.models.manifest import Manifest
from heygem.models.placed import FOREIGN_TYPES, placed_of_types
from heygem.models.resident import LoadContext, ResidentModel
from heygem.models.spec import ModelSpec

SPEECH_ENCODER = "speech-encoder"
FACE_LANDMARKER = "face-landmarker"
MOTION = "motion"
MOUTH_REPAIR = "mouth-repair"
MOUTH_COVER = "mouth-cover"


def _load_speech_encoder(context: LoadContext) -> ResidentModel:
    from heygem.models.speech import WhisperEncoder

    return WhisperEncoder(context)


def _load_face_landmarker(context: LoadContext) -> ResidentModel:
    from heygem.models.landmarker import FaceLandmarker

    return FaceLandmarker(context)


def _load_motion(context: LoadContext) -> ResidentModel:
    from heygem.models.motion import MotionNet

    return MotionNet(context.folder / "model.safetensors", context.device)


def _load_mouth_cover(context: LoadContext) -> ResidentModel:
    from heygem.models.cover import CoverNet

    return CoverNet(context)


def _load_mouth_repair(context: LoadContext) -> ResidentModel:
    from heygem.models.mouth import MouthRepairNet

    return MouthRepairNet(context)


def _load_foreign_encoder(context: LoadContext) -> ResidentModel:
    from heygem.models.foreign_speech import ForeignSpeechEncoder

    return ForeignSpeechEncoder(context)


def placed_specs(manifest: Manifest) -> tuple[ModelSpec, ...]:
    """The encoders that the user has put into a models folder or pulled; they have no goldens."""
    return tuple(
        ModelSpec(
            found.name,
            f"Speech encoder ({found.name})",
            required=False,
            load=_load_foreign_encoder,
            tolerances=dict.fromkeys(("fp32", "fp16", "bf16"), math.inf),
            cuda_precision="fp16",
        )
        for found in placed_of_types(manifest.placed, FOREIGN_TYPES)
    )


CATALOG: tuple[ModelSpec, ...] = (
    ModelSpec(
        FACE_LANDMARKER,
        "Face landmarks (MediaPipe)",
        required=True,
        load=_load_face_landmarker,
        tolerances={"fp32": 1e-4},  # only fp32: landmarks must not tremble
    ),
    ModelSpec(
        MOUTH_COVER,
        "What covers a mouth (HeyGem)",
        required=True,
        load=_load_mouth_cover,
        tolerances={"fp32": 1e-4},  # only fp32: tiny, and it is asked only now and then
    ),
    ModelSpec(
        MOUTH_REPAIR,
        "Mouth repair (HeyGem)",
        required=True,
        load=_load_mouth_repair,
        tolerances={"fp32": 1e-4, "fp16": 5e-3, "bf16": 4e-2},
        cuda_precision="fp16",
    ),
    ModelSpec(
        MOTION,
        "Speech to motion (HeyGem)",
        required=True,
        load=_load_motion,
        tolerances={"fp32": 1e-3},  # only fp32: tiny, and recurrent
    ),
    ModelSpec(
        SPEECH_ENCODER,
        "Speech encoder (Whisper base)",
        required=True,
        load=_load_speech_encoder,
        tolerances={"fp32": 1e-3, "fp16": 5e-3, "bf16": 4e-2, "int8": 1e-2},
        cuda_precision="fp16",
    ),
)
