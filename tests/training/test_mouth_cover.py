"""Lessons of what covers a mouth: covers are marked, beards are not, and the net learns from them."""

import numpy as np
import pytest
import torch

from heygem.models.cover import ANSWER_PX, COVER_PX
from heygem.models.mouth import CROP_PX
from training import covers
from training.mouth_cover import Faces, found, learn, mistaken

PLAIN = np.full((CROP_PX, CROP_PX, 3), (190.0, 140.0, 120.0), np.float32)
LIPS = np.zeros((CROP_PX, CROP_PX), np.float32)
LIPS[72:88, 50:110] = 1


@pytest.fixture
def faces() -> Faces:
    pictures = np.stack([PLAIN, PLAIN * 0.6]).astype(np.uint8)
    lips = np.stack([LIPS, LIPS]) * 255
    face = np.zeros((2, CROP_PX, CROP_PX), bool)
    face[:, :, 20:140] = True
    return Faces(pictures, lips.astype(np.uint8), face, np.array([0, 1]))


@pytest.mark.parametrize("shape", covers.SHAPES)
def test_a_drawn_cover_is_marked_where_it_is(shape: object) -> None:
    assert callable(shape)
    drawn = [shape(np.random.default_rng(seed)) for seed in range(12)]
    assert all(one.shape == (CROP_PX, CROP_PX) and one.min() >= 0 and one.max() <= 1 for one in drawn)
    assert 0.002 < np.mean(drawn) < 0.7


def test_what_is_worn_is_seen_but_no_cover() -> None:
    changed = marked = 0.0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        bearded = covers.with_beard(PLAIN, LIPS, rng)
        assert np.isfinite(bearded).all() and bearded.min() > -60 and bearded.max() < 320
        changed += float(np.abs(bearded - PLAIN).mean())
        made, truth = covers.lesson(PLAIN, LIPS, PLAIN, np.random.default_rng(seed))
        assert made.shape == PLAIN.shape and made.min() >= 0 and made.max() <= 255
        marked += float(truth.any())
    assert changed / 40 > 3
    assert 0.3 < marked / 40 < 0.8


def test_a_lesson_fits_the_net(faces: Faces) -> None:
    looked_at, truth, weight = faces.lesson(np.random.default_rng(3))
    assert looked_at.shape == (COVER_PX, COVER_PX, 3) and looked_at.dtype == np.uint8
    assert truth.shape == weight.shape == (ANSWER_PX, ANSWER_PX)
    assert weight.max() == pytest.approx(1) and weight.min() == pytest.approx(0.1)


def test_the_net_learns_and_is_measured(faces: Faces) -> None:
    net = learn(faces, torch.device("cpu"), seed=0, steps=3, batch=2, workers=0).eval()
    assert all(torch.isfinite(weight).all() for weight in net.parameters())
    figures = found(net, faces, count=3)
    assert all(0 <= figures[name] <= 1 for name in ("precision", "recall"))
    assert mistaken(net, faces)["of people"] == 2
