"""A motion net can be trained for an encoder that a user has: transformers' own classes, tiny."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from transformers.models.hubert import HubertConfig, HubertModel
from transformers.models.wav2vec2 import Wav2Vec2Config, Wav2Vec2Model

from heygem.models.motion import MotionNet, SpeechToMotion
from training.encoders import load_encoder
from training.motion import COMPONENTS, closing_motion, write_model
from training.motion_lesson import prepare_lesson, train
from training.motion_material import encode_clips
from training.motion_nets import ConvTeacher, WindowTeacher
from training.motion_scores import LIP_LANDMARKS
from training.motion_teachers import allowed, fit_ridge
from training.speech_lips import SAMPLES_PER_FRAME, Basis, Clip

CPU = torch.device("cpu")
FRAMES = 100
TINY: dict[str, Any] = {
    "hidden_size": 64,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "conv_dim": [8] * 7,
    "num_conv_pos_embeddings": 8,
    "num_conv_pos_embedding_groups": 2,
}


def put(folder: Path, kind: str) -> Path:
    """Write an encoder as transformers would."""
    folder.mkdir()
    torch.manual_seed(0)
    net: Any = (
        HubertModel(HubertConfig(**TINY)) if kind == "hubert" else Wav2Vec2Model(Wav2Vec2Config(**TINY))
    )
    net.config.to_json_file(folder / "config.json")
    save_file(
        {name: weight.contiguous() for name, weight in net.state_dict().items()}, folder / "model.safetensors"
    )
    return folder


def make_basis() -> Basis:
    ids = np.array(sorted(LIP_LANDMARKS), np.int64)
    rng = np.random.default_rng(0)
    components = rng.normal(0, 0.1, (COMPONENTS, len(ids), 3)).astype(np.float32)
    return Basis(np.zeros((len(ids), 3), np.float32), components, ids, eye_corners=0.556)


def make_clip(number: int) -> Clip:
    rng = np.random.default_rng(number)
    motion = rng.normal(0, 0.02, (FRAMES, COMPONENTS)).astype(np.float32)
    samples = rng.normal(0, 0.1, FRAMES * SAMPLES_PER_FRAME).astype(np.float32)
    opening = np.abs(motion[:, 0])
    return Clip(f"c{number}", "train", f"g{number}", "en", False, 1.0, samples, motion, opening)


@pytest.mark.parametrize("kind", ["wav2vec2", "hubert"])
def test_a_motion_net_learns_from_a_foreign_encoder(tmp_path: Path, kind: str) -> None:
    encoder = load_encoder(put(tmp_path / kind, kind), CPU)
    clips, basis = [make_clip(number) for number in range(2)], make_basis()
    material = encode_clips(clips, encoder, variant_count=1, seed=0, device=CPU)
    lesson = prepare_lesson(material, basis)
    assert lesson.feature_shape == (4, 64)
    everything = np.ones(len(clips), bool)
    net = train(
        SpeechToMotion(8, COMPONENTS, 0.1, lesson.feature_shape),
        lesson,
        allowed(material, lesson, everything),
        2,
        0,
    )
    closing = torch.from_numpy(closing_motion(clips, basis))
    write_model(tmp_path / "model.safetensors", [net], lesson, basis, 1.0, {"closing": closing})
    said = MotionNet(tmp_path / "model.safetensors", CPU).predict(
        encoder.encode(np.zeros(32_000, np.float32))
    )
    assert said.shape == (50, COMPONENTS)
    assert np.isfinite(said).all()


def test_teachers_take_any_features() -> None:
    features = torch.randn(2, 20, 4, 64)
    for teacher in (ConvTeacher((4, 64), 5, width=16), WindowTeacher((4, 64), 5, width=16)):
        assert teacher(features).shape == (2, 10, 5)


def test_ridge_regression_takes_any_features(tmp_path: Path) -> None:
    encoder = load_encoder(put(tmp_path / "hubert", "hubert"), CPU)
    clips = [make_clip(number) for number in range(5)]
    material = encode_clips(clips, encoder, variant_count=0, seed=0, device=CPU)
    ridge = fit_ridge(material, prepare_lesson(material, make_basis()), np.ones(5, bool))
    assert ridge(torch.randn(1, 40, 4, 64)).shape == (1, 20, COMPONENTS)
