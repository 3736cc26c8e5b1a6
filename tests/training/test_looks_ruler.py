"""The ruler for looks finds flicker, edges, folds and crossings, and nothing on still skin."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from heygem.engines.mesh.geometry import DrawMesh
from heygem.templates.canonical import INNER_LOWER, CanonicalFace
from training.looks_ruler import (
    SkinMap,
    crossing_count,
    flicker,
    fold_count,
    followed,
    outside_mask,
    seam_step,
)

FACE = CanonicalFace.load(Path(__file__).parents[2] / "models" / "face-landmarker" / "canonical_face.npz")
SKIN = SkinMap.of(FACE)
MESH = DrawMesh.of(FACE)
FACE_PX = FACE.vertices[:, :2] * 200 + 160
DOWN = np.array([0.0, 1.0])


def picture(seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).uniform(0, 255, (320, 320)).astype(np.float32)
    return cv2.GaussianBlur(noise, (0, 0), 3)


def test_skin_that_moves_with_the_face_does_not_flicker() -> None:
    base, textures = picture(), []
    for shift in (0, 2, 6, 2, 0):
        moved = np.roll(base, shift, axis=1)
        textures.append(SKIN.texture(moved, FACE_PX + (shift, 0)))
    assert flicker(np.stack(textures), SKIN.ring) < 0.01


def test_light_that_comes_and_goes_does() -> None:
    textures = np.stack([SKIN.texture(picture() + level, FACE_PX) for level in (0, 4, 0, 4)])
    assert flicker(textures, SKIN.ring) == pytest.approx(8, abs=0.01)
    assert flicker(textures, SKIN.chin) == pytest.approx(8, abs=0.01)


def test_a_mouth_of_another_light_shows_a_seam() -> None:
    real = SKIN.texture(picture(), FACE_PX)[None]
    made = real.copy()
    for inside, _ in SKIN.seams:
        made[:, inside] += 6
    assert seam_step(made, real, SKIN) == pytest.approx(6, abs=1e-3)
    assert seam_step(real + 6, real, SKIN) == pytest.approx(0, abs=1e-3)


def test_folds_and_crossings_are_counted() -> None:
    source = MESH.source_vertices(np.pad(FACE_PX, ((0, 0), (0, 1)))[None])[0]
    assert fold_count(source, source, MESH.triangles) == 0 and crossing_count(source, DOWN) == 0
    crossed = source.copy()
    crossed[list(INNER_LOWER)] -= (0, 30)
    assert fold_count(source, crossed, MESH.triangles) > 0
    assert crossing_count(crossed, DOWN) == len(INNER_LOWER)


def test_the_outside_is_where_no_triangle_goes() -> None:
    source = MESH.source_vertices(np.pad(FACE_PX, ((0, 0), (0, 1)))[None])[0]
    outside = outside_mask(source, source + (10, 0), MESH.triangles, (320, 320))
    x, y = FACE_PX[13].astype(int)
    assert outside[0, 0] and not outside[y, x]


def test_following_is_smooth_but_keeps_its_course() -> None:
    course = np.linspace(0, 30, 31)[:, None, None] + np.pad(FACE_PX, ((0, 10), (0, 0)))[None]
    np.testing.assert_allclose(followed(course)[5:-5], course[5:-5, :468], atol=1e-6)
