"""The motion net: a tiny one of the real class for its contract, the shipped one for what it says."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file

from heygem.media.audio import decode_speech
from heygem.models.motion import MotionNet, SpeechToMotion, press_lips
from heygem.models.resident import LoadContext
from heygem.models.speech import RATE_HZ, WhisperEncoder

ROOT = Path(__file__).parents[2]
CPU = torch.device("cpu")
EYE_CORNERS = 0.556  # canonical distance of the outer eye corners
COMPONENTS = torch.arange(3 * 265 * 3, dtype=torch.float32).reshape(3, 265, 3)
VERTEX_IDS = torch.arange(265) + 7


@pytest.fixture
def tiny_file(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    net = SpeechToMotion(width=8, component_count=3)
    net.feature_mean += torch.randn(6, 512)
    net.feature_std *= 2
    tensors = {f"net0.{name}": tensor.half() for name, tensor in net.state_dict().items()}
    basis = {"components": COMPONENTS, "vertex_ids": VERTEX_IDS, "closing": torch.zeros(3)}
    save_file(tensors | basis, tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


@pytest.fixture(scope="module")
def shipped() -> MotionNet:
    return MotionNet(ROOT / "models" / "motion" / "model.safetensors", CPU)


@pytest.fixture(scope="module")
def encoder() -> WhisperEncoder:
    return WhisperEncoder(LoadContext(ROOT / "models" / "speech-encoder", CPU, "fp32"))


def opening(net: MotionNet, coefficients: NDArray[np.float32]) -> NDArray[np.float32]:
    """(T,K) -> (T,) how far the inner lips part, in eye-corner distances."""
    lower, upper = (int(np.flatnonzero(net.vertex_ids == landmark)[0]) for landmark in (14, 13))
    row = net.components[:, lower, 1] - net.components[:, upper, 1]
    return np.asarray(coefficients @ row / EYE_CORNERS, np.float32)


def test_every_bucket_gives_25_motions_a_second(tiny_file: Path) -> None:
    net = MotionNet(tiny_file, CPU)
    shapes = {bucket: net.warm(bucket).shape for bucket in net.buckets}
    assert shapes == {"2s": (50, 3), "4s": (100, 3), "8s": (200, 3), "16s": (400, 3), "28s": (700, 3)}


def test_the_basis_comes_with_the_net(tiny_file: Path) -> None:
    net = MotionNet(tiny_file, CPU)
    np.testing.assert_array_equal(net.components, COMPONENTS.numpy())
    np.testing.assert_array_equal(net.vertex_ids, VERTEX_IDS.numpy())
    assert (net.components.dtype, net.vertex_ids.dtype) == (np.float32, np.int64)


def test_features_are_standardised_with_the_stored_statistics(tiny_file: Path) -> None:
    """At the mean of all features only biases speak, so the scale of the features cannot matter there."""
    stored = load_file(tiny_file)
    at_the_mean = stored["net0.feature_mean"].float().expand(20, 6, 512)
    calm = MotionNet(tiny_file, CPU).predict(at_the_mean)
    save_file(stored | {"net0.feature_std": stored["net0.feature_std"] * 3}, tiny_file)
    np.testing.assert_allclose(MotionNet(tiny_file, CPU).predict(at_the_mean), calm, atol=1e-6)
    assert np.abs(MotionNet(tiny_file, CPU).predict(at_the_mean + 1) - calm).max() > 1e-3


def test_several_nets_speak_with_one_voice(tiny_file: Path) -> None:
    """The same net twice is that net; beside one that says nothing it says half."""
    stored = load_file(tiny_file)
    alone = MotionNet(tiny_file, CPU).warm("2s")
    twin = {
        name.replace("net0.", "net1."): tensor.clone() for name, tensor in stored.items() if "net0." in name
    }
    save_file(stored | twin, tiny_file)
    np.testing.assert_allclose(MotionNet(tiny_file, CPU).warm("2s"), alone, atol=1e-6)
    silent = {name: tensor * 0 if "leave" in name else tensor for name, tensor in twin.items()}
    save_file(stored | silent, tiny_file)
    np.testing.assert_allclose(MotionNet(tiny_file, CPU).warm("2s"), alone / 2, atol=1e-6)


def test_lips_that_surely_touch_are_closed_and_others_left_alone() -> None:
    """The first coefficient opens the mouth, the second moves it aside."""
    row, closing = np.float32([1, 0]), np.float32([1, 0.5])
    said = np.float32([[0.1, 0.2, -9], [0.1, 0.2, 9], [-0.1, 0.2, 9]])
    pressed = press_lips(said, row, closing)
    np.testing.assert_allclose(pressed, [[0.1, 0.2], [0.0, 0.15], [-0.1, 0.2]], atol=1e-4)


def test_the_same_features_give_the_same_motion(shipped: MotionNet) -> None:
    first = shipped.warm("2s")
    shipped.warm("4s")
    np.testing.assert_array_equal(shipped.warm("2s"), first)


def test_the_shipped_net_counts_its_bytes(shipped: MotionNet) -> None:
    assert 2_500_000 < shipped.bytes_resident < 12_000_000  # at most 3 million parameters of four bytes


def test_the_shipped_basis_is_a_basis_of_the_lower_face(shipped: MotionNet) -> None:
    rows = shipped.components.reshape(len(shipped.components), -1)
    np.testing.assert_allclose(rows @ rows.T, np.eye(len(rows)), atol=1e-4)
    assert len(np.unique(shipped.vertex_ids)) == 265
    assert shipped.vertex_ids.max() < 468


def test_silence_keeps_the_mouth_closed(shipped: MotionNet, encoder: WhisperEncoder) -> None:
    silence = np.zeros(4 * RATE_HZ, np.float32)
    assert opening(shipped, shipped.predict(encoder.encode(silence)))[5:].max() < 0.02


@pytest.mark.parametrize("name", ["speech_en_male.flac", "speech_zh_female.flac"])
def test_speech_moves_the_lips_and_a_pause_closes_them(
    shipped: MotionNet, encoder: WhisperEncoder, name: str
) -> None:
    speech = decode_speech(ROOT / "heygem" / "assets" / name).samples[: 3 * RATE_HZ]
    paused = np.concatenate([speech, np.zeros(RATE_HZ, np.float32), speech, np.zeros(RATE_HZ, np.float32)])
    lips = opening(shipped, shipped.predict(encoder.encode(paused)))  # (200,)
    pauses = np.concatenate([lips[80:100], lips[180:200]])  # from 200 ms on
    assert pauses.max() < 0.02
    assert 0.02 < lips[:75].std() < 0.12  # people: 0.03-0.1
    assert lips[:75].max() > 0.1
