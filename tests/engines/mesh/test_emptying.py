"""Between the lips a warp leaves stripes; they go, and nothing else does."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from heygem.engines.mesh.emptying import empty_mouth
from heygem.engines.mesh.geometry import DrawMesh
from heygem.engines.mesh.mouth_crop import MouthMasks
from heygem.media.types import YuvFrame
from heygem.models.mouth import CROP_PX
from heygem.templates.canonical import OUTER_LIPS, CanonicalFace
from training.mouth_lesson import emptied

FACE = Path(__file__).parents[3] / "models" / "face-landmarker" / "canonical_face.npz"
LIPS_LEVEL = 90


@pytest.fixture(scope="module")
def vertices() -> np.ndarray:
    """(V,2) of an open mouth, in pixels of a crop."""
    face = CanonicalFace.load(FACE)
    points = np.zeros((1, 478, 3), np.float32)
    points[0, :468] = face.vertices
    points[0, :468, 1] += np.where(points[0, :468, 1] > 0.24, 0.08, 0.0)
    middle = points[0, [61, 291]].mean(0)
    return DrawMesh.of(face).source_vertices((points - middle) * CROP_PX / 0.64 + CROP_PX / 2)[0]


@pytest.fixture
def striped(vertices: np.ndarray) -> YuvFrame:
    """Lips of one grey with stripes between them, in noise."""
    masks = MouthMasks.of(vertices)
    noise = np.random.default_rng(0).uniform(60, 200, (CROP_PX, CROP_PX))
    stripes = LIPS_LEVEL + 60 * np.sign(np.sin(np.arange(CROP_PX)))[None]
    luma = np.where(masks.lips > 0.01, LIPS_LEVEL, noise)
    luma = np.where(masks.inner > 0.01, stripes, luma)
    half = CROP_PX // 2
    chroma = [np.random.default_rng(n).integers(100, 150, (half, half)).astype(np.uint8) for n in (1, 2)]
    return YuvFrame(luma.astype(np.uint8), *chroma)


def test_stripes_become_the_colour_of_the_lips(striped: YuvFrame, vertices: np.ndarray) -> None:
    inside = cv2.erode(MouthMasks.of(vertices).inner, np.ones((7, 7))) > 0.99
    assert striped.y[inside].std() > 50
    empty_mouth(striped, vertices, 1.0)
    np.testing.assert_allclose(striped.y[inside], LIPS_LEVEL, atol=3)
    assert np.ptp(striped.u[inside[::2, ::2]]) <= 1


def test_nothing_changes_beside_the_lips(striped: YuvFrame, vertices: np.ndarray) -> None:
    before = striped.copy()
    empty_mouth(striped, vertices, 1.0)
    beside = cv2.dilate(MouthMasks.of(vertices).lips, np.ones((5, 5))) == 0
    assert np.array_equal(striped.y[beside], before.y[beside])
    assert np.array_equal(striped.v[beside[::2, ::2]], before.v[beside[::2, ::2]])


def test_a_mouth_at_the_rim_of_the_picture_is_emptied_as_far_as_it_is_there(striped: YuvFrame) -> None:
    points = np.full((468, 2), -30.0)
    points[list(OUTER_LIPS)] = [(x, 150.0 + x / 10) for x in range(len(OUTER_LIPS))]
    before = striped.copy()
    empty_mouth(striped, points, 1.0)
    assert np.array_equal(striped.y[:120], before.y[:120])


def test_training_empties_as_the_product_does(striped: YuvFrame, vertices: np.ndarray) -> None:
    masks = MouthMasks.of(vertices)
    stacked = torch.from_numpy(np.stack([masks.inner, masks.lips, masks.sharp, masks.reach]))[None]
    learnt = emptied(torch.from_numpy(striped.y.astype(np.float32))[None, None].expand(1, 3, -1, -1), stacked)
    empty_mouth(striped, vertices, 1.0)
    np.testing.assert_allclose(learnt[0, 0].numpy(), striped.y, atol=4)
