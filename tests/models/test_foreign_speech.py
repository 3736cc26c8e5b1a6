"""Wav2Vec 2.0 and HuBERT folders load as they are: transformers' own classes, tiny."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from transformers.models.hubert import HubertConfig, HubertModel
from transformers.models.wav2vec2 import Wav2Vec2Config, Wav2Vec2ForCTC, Wav2Vec2Model

from heygem.errors import WeightsCorruptError
from heygem.models.catalog import placed_specs
from heygem.models.foreign_speech import ForeignSpeechEncoder
from heygem.models.manifest import Manifest
from heygem.models.registry import ModelRegistry
from heygem.models.resident import LoadContext
from heygem.models.speech import AudioEncoder
from heygem.models.status import ModelState, ModelStatus

CPU = torch.device("cpu")
TINY: dict[str, Any] = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "conv_dim": [8] * 7,
    "num_conv_pos_embeddings": 8,
    "num_conv_pos_embedding_groups": 2,
    "vocab_size": 8,
}


def put(folder: Path, kind: str, *, pickled: bool = False, with_head: bool = False) -> torch.nn.Module:
    """Write a folder as transformers would; returns the net in it."""
    torch.manual_seed(1)
    net: Any
    if kind == "hubert":
        net = HubertModel(HubertConfig(**TINY))
    else:
        config = Wav2Vec2Config(**TINY)
        net = Wav2Vec2ForCTC(config) if with_head else Wav2Vec2Model(config)
    folder.mkdir(parents=True)
    net.config.to_json_file(folder / "config.json")
    (folder / "preprocessor_config.json").write_text(json.dumps({"do_normalize": True}))
    weights = {name: weight.contiguous() for name, weight in net.state_dict().items()}
    old = {"parametrizations.weight.original0": "weight_g", "parametrizations.weight.original1": "weight_v"}
    for new_name, old_name in old.items():  # as they are stored by the models people have
        weights = {name.replace(new_name, old_name): weight for name, weight in weights.items()}
    if pickled:
        torch.save(weights, folder / "pytorch_model.bin")
    else:
        save_file(weights, folder / "model.safetensors")
    return net.eval()


def some_speech(seconds: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.random.default_rng(0).normal(size=seconds * 16000).astype(np.float32) / 10


@pytest.mark.parametrize("pickled", [False, True], ids=["safetensors", "bin"])
@pytest.mark.parametrize("kind", ["wav2vec2", "hubert"])
def test_features_are_those_of_transformers(tmp_path: Path, kind: str, pickled: bool) -> None:
    net: Any = put(tmp_path / kind, kind, pickled=pickled)
    encoder: AudioEncoder = ForeignSpeechEncoder(LoadContext(tmp_path / kind, CPU, "fp32"))
    speech = some_speech(2)
    features = encoder.encode(speech)
    normal = (speech - speech.mean()) / np.sqrt(speech.var() + 1e-7)
    with torch.inference_mode():
        states = net(torch.from_numpy(np.pad(normal, 40))[None], output_hidden_states=True).hidden_states
    assert features.shape == (100, 3, 16)
    torch.testing.assert_close(features, torch.cat(states).transpose(0, 1), atol=1e-5, rtol=1e-4)


def test_a_head_for_another_task_is_left_aside(tmp_path: Path) -> None:
    put(tmp_path / "ctc", "wav2vec2", with_head=True)
    encoder = ForeignSpeechEncoder(LoadContext(tmp_path / "ctc", CPU, "bf16"))
    assert encoder.encode(some_speech(4)).shape == (200, 3, 16)


def test_weights_of_another_net_are_refused(tmp_path: Path) -> None:
    put(tmp_path / "wrong", "wav2vec2")
    config = json.loads((tmp_path / "wrong" / "config.json").read_text())
    (tmp_path / "wrong" / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 3}))
    with pytest.raises(WeightsCorruptError, match="wrong lack encoder.layers.2"):
        ForeignSpeechEncoder(LoadContext(tmp_path / "wrong", CPU, "fp32"))


def test_a_folder_put_into_models_is_loaded_and_watched(tmp_path: Path) -> None:
    put(tmp_path / "models" / "wav2vec2-base-960h", "wav2vec2")
    manifest = Manifest([], [tmp_path / "models"], tmp_path / "verified.json", {"HF_HOME": str(tmp_path)})
    history: list[tuple[ModelStatus, ...]] = []
    registry = ModelRegistry(placed_specs(manifest), manifest, CPU, "auto", history.append)
    registry.preload_all()
    (status,) = registry.statuses()
    assert (status.name, status.state, status.tier) == ("wav2vec2-base-960h", ModelState.READY, "optional")
    assert status.transfer_bytes > 0
    assert isinstance(registry.get("wav2vec2-base-960h", ForeignSpeechEncoder), ForeignSpeechEncoder)
    weights = tmp_path / "models" / "wav2vec2-base-960h" / "model.safetensors"
    before = hashlib.sha256(weights.read_bytes()).hexdigest()
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    assert hashlib.sha256(weights.read_bytes()).hexdigest() != before
    with pytest.raises(WeightsCorruptError, match="--trust"):
        registry.reload("wav2vec2-base-960h")
