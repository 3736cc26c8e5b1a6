"""Speech encoders that a motion net can be trained for: the bundled one, and those that users have."""

from pathlib import Path

import torch

from heygem.models.foreign_speech import ForeignSpeechEncoder
from heygem.models.placed import FOREIGN_TYPES, model_type
from heygem.models.resident import LoadContext
from heygem.models.speech import AudioEncoder, WhisperEncoder


def load_encoder(folder: Path, device: torch.device) -> AudioEncoder:
    """The encoder of a folder with `config.json` and weights: Whisper, Wav2Vec 2.0 or HuBERT, in fp32."""
    context = LoadContext(folder, device, "fp32")
    return ForeignSpeechEncoder(context) if model_type(folder) in FOREIGN_TYPES else WhisperEncoder(context)
