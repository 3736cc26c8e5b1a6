"""The net that marks covers: its shapes, its batches, and what was recorded of it."""

from pathlib import Path

import numpy as np
import pytest
import torch

from heygem.models.cover import ANSWER_PX, COVER_PX, CoverNet
from heygem.models.golden import deviation, read_goldens
from heygem.models.resident import LoadContext, warm_images

FOLDER = Path(__file__).parents[2] / "models" / "mouth-cover"


@pytest.fixture(scope="module")
def net() -> CoverNet:
    return CoverNet(LoadContext(FOLDER, torch.device("cpu"), "fp32"))


@pytest.mark.parametrize("count", [0, 1, 9])
def test_every_crop_gets_an_answer_of_its_own(net: CoverNet, count: int) -> None:
    mouths = warm_images(9, COVER_PX, seed=2)[:count]
    together = net.covered(mouths)
    assert together.shape == (count, ANSWER_PX, ANSWER_PX)
    assert ((together >= 0) & (together <= 1)).all()
    for mouth, answer in zip(mouths, together, strict=True):
        np.testing.assert_allclose(net.covered(mouth[None])[0], answer, atol=1e-4)


@pytest.mark.parametrize("bucket", CoverNet.buckets)
def test_it_gives_what_was_recorded(net: CoverNet, bucket: str) -> None:
    assert deviation(net.warm(bucket), read_goldens(FOLDER)[bucket]) < 1e-4
