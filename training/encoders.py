"""Speech encoders that a motion net can be trained for: the bundled one, and those that users have."""

import json
from pathlib import Path

import torch

from heygem.models.resident import LoadContext
from heygem.models.speech import AudioEncoder, WhisperEncoder

FOREIGN_TYPES = ("wav2vec2", "hubert")  # as transformers names them in config.json


def load_encoder(folder: Path, device: torch.device) -> AudioEncoder:
    """The encoder of a folder with `config.json` and weights: Whisper, Wav2Vec 2.0 or HuBERT, in fp32."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    context = LoadContext(folder, device, "fp32")
    if config.get("model_type") in FOREIGN_TYPES:
        from heygem.models.foreign_speech import ForeignSpeechEncoder

        return ForeignSpeechEncoder(context)
    return WhisperEncoder(context)
