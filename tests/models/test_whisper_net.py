"""The encoder and its mel filters are what transformers makes of the same numbers."""

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers.audio_utils import mel_filter_bank
from transformers.models.whisper.configuration_whisper import WhisperConfig
from transformers.models.whisper.modeling_whisper import WhisperEncoder as TheirEncoder

from heygem.models.mel import mel_filters
from heygem.models.whisper_net import WhisperNet, WhisperSize

ROOT = Path(__file__).parents[2]
SIZE = WhisperSize(width=32, heads=4, inner_width=48, layers=3, positions=60, mel_bins=80)
FRAMES = 2 * SIZE.positions  # of the spectrum; theirs takes no other length


@pytest.fixture
def theirs() -> TheirEncoder:
    torch.manual_seed(5)
    config = WhisperConfig(
        d_model=SIZE.width,
        encoder_attention_heads=SIZE.heads,
        encoder_ffn_dim=SIZE.inner_width,
        encoder_layers=SIZE.layers,
        max_source_positions=SIZE.positions,
        num_mel_bins=SIZE.mel_bins,
        dropout=0.0,
    )
    return TheirEncoder(config).eval().requires_grad_(False)


@pytest.fixture
def ours(theirs: TheirEncoder) -> WhisperNet:
    net = WhisperNet(SIZE)
    weights = theirs.state_dict()
    net.load_state_dict({name: weights[name] for name in net.state_dict()})
    return net.eval().requires_grad_(False)


def test_every_layer_says_what_theirs_says(ours: WhisperNet, theirs: TheirEncoder) -> None:
    mel = torch.randn(2, SIZE.mel_bins, FRAMES)
    heard = theirs(mel, output_hidden_states=True).hidden_states
    states = ours(mel)
    assert len(states) == SIZE.layers + 1 == len(heard)
    for own, their in zip(states[:-1], heard[:-1], strict=True):  # their last one is normalised besides
        torch.testing.assert_close(own, their, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(theirs.layer_norm(states[-1]), heard[-1], atol=1e-5, rtol=1e-4)


def test_shorter_sound_gives_fewer_features(ours: WhisperNet) -> None:
    assert ours(torch.randn(1, SIZE.mel_bins, 40))[-1].shape == (1, 20, SIZE.width)


@pytest.mark.parametrize(("bins", "frequencies", "rate_hz"), [(80, 201, 16_000), (40, 129, 8_000)])
def test_mel_filters_are_slaneys(bins: int, frequencies: int, rate_hz: int) -> None:
    expected = mel_filter_bank(
        frequencies, bins, 0.0, rate_hz / 2, rate_hz, norm="slaney", mel_scale="slaney"
    )
    np.testing.assert_allclose(mel_filters(bins, frequencies, rate_hz), expected.T, atol=1e-7)


def test_the_size_is_read_from_a_config_as_transformers_writes_it(tmp_path: Path) -> None:
    assert WhisperSize.read(ROOT / "models" / "speech-encoder" / "config.json").layers == 5
    WhisperConfig(d_model=24, encoder_layers=2, encoder_ffn_dim=7).save_pretrained(tmp_path)
    size = WhisperSize.read(tmp_path / "config.json")
    assert (size.width, size.layers, size.inner_width) == (24, 2, 7)
