"""The repair net: its shapes, its batches, and what was recorded of it."""

from pathlib import Path

import numpy as np
import pytest
import torch

from heygem.models.golden import deviation, read_goldens
from heygem.models.mouth import CROP_PX, INPUT_CHANNELS, MouthRepairNet
from heygem.models.resident import FloatArray, LoadContext, warm_noise

FOLDER = Path(__file__).parents[2] / "models" / "mouth-repair"


@pytest.fixture(scope="module")
def net() -> MouthRepairNet:
    return MouthRepairNet(LoadContext(FOLDER, torch.device("cpu"), "fp32"))


@pytest.fixture(scope="module")
def inputs() -> FloatArray:
    return warm_noise((9, INPUT_CHANNELS, CROP_PX, CROP_PX), seed=1) * 2 - 1


@pytest.mark.parametrize("count", [0, 1, 2])
def test_every_crop_gives_one_residual(net: MouthRepairNet, inputs: FloatArray, count: int) -> None:
    residual = net.repair(inputs[:count])
    assert residual.shape == (count, 3, CROP_PX, CROP_PX)
    assert residual.dtype == np.float32


def test_a_batch_is_its_crops_one_by_one(net: MouthRepairNet, inputs: FloatArray) -> None:
    together = net.repair(inputs)  # eight and one
    singly = np.concatenate([net.repair(crop[None]) for crop in inputs])
    np.testing.assert_allclose(together, singly, atol=1e-4)
    assert np.abs(together[0] - together[1]).mean() > 1e-2


def test_the_whole_crop_matters(net: MouthRepairNet, inputs: FloatArray) -> None:
    """Every channel speaks: none of the inputs is lost on the way."""
    calm = net.repair(inputs[:1])
    for channel in range(INPUT_CHANNELS):
        changed = inputs[:1].copy()
        changed[:, channel] *= -1
        assert np.abs(net.repair(changed) - calm).mean() > 1e-4


@pytest.mark.parametrize("bucket", MouthRepairNet.buckets)
def test_it_gives_what_was_recorded(net: MouthRepairNet, bucket: str) -> None:
    assert deviation(net.warm(bucket), read_goldens(FOLDER)[bucket]) < 1e-4


def test_half_precision_stays_near(net: MouthRepairNet, inputs: FloatArray) -> None:
    half = MouthRepairNet(LoadContext(FOLDER, torch.device("cpu"), "bf16"))
    assert half.bytes_resident * 2 == net.bytes_resident
    exact, rounded = net.repair(inputs[:1]), half.repair(inputs[:1])
    assert np.abs(exact - rounded).mean() < 0.05 * np.abs(exact).mean()
