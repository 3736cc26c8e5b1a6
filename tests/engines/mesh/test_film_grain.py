"""Grain is measured where there is some, taken out, and drawn anew for every frame."""

from dataclasses import replace

import numpy as np
import pytest

from heygem.engines.mesh.composer import Composer, Drawing
from heygem.engines.mesh.film_grain import (
    SIZES_PX,
    TILE_PX,
    FilmGrain,
    GrainCut,
    grain_tiles,
    measured_grain,
    without_grain,
)
from heygem.engines.mesh.mouth_maker import pack_bank, unpack_bank
from heygem.media.types import YuvFrame
from tests.drawn_face import bank_of, landmarks, photo_of, portrait_of
from tests.engines.mesh.test_composer import MESH, own_mouth, vertices_at

LIPS_AT = (slice(232, 240), slice(312, 328))  # rows, columns of a mouth at (320, 200), 220 px large


def scene(shift_px: float = 0.0) -> np.ndarray:
    """(200,240) smooth shades, and texture in their middle, moved to the side."""
    y, x = np.mgrid[:200, :240].astype(np.float32)
    x += shift_px
    texture = 20 * np.sin(x / 3) * np.sin(y / 4) * ((abs(x - 120) < 50) & (abs(y - 100) < 50))
    return np.asarray(120 + 40 * np.sin(x / 70) + 20 * np.cos(y / 50) + texture)


def filmed(shift_px: float, strength: float, size: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    grain = np.roll(grain_tiles()[size], rng.integers(0, TILE_PX, 2), (0, 1))[:200, :240]
    return np.clip(scene(shift_px) + strength * grain + 0.5, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("size", range(len(SIZES_PX)))
@pytest.mark.parametrize("strength", [3.0, 8.0])
def test_grain_is_measured_beside_things_that_move(strength: float, size: int) -> None:
    pairs = [
        (filmed(number, strength, size, 2 * number), filmed(number + 0.7, strength, size, 2 * number + 1))
        for number in range(8)
    ]
    found = measured_grain(pairs)
    assert found is not None
    assert found.strength == pytest.approx(strength, rel=0.12)
    assert found.size == size


def test_without_grain_none_is_found() -> None:
    moving = [(filmed(number, 0, 0, 0), filmed(number + 0.7, 0, 0, 0)) for number in range(8)]
    assert measured_grain(moving) is None
    still = filmed(0, 8.0, 0, 0)
    assert measured_grain([(still, still)] * 8) is None  # noise of a picture that was frozen
    assert measured_grain([]) is None
    assert measured_grain([(still[:9, :9], still[:9, :9])]) is None


def test_cleaning_takes_the_grain_and_leaves_the_picture() -> None:
    cleaned = without_grain(filmed(0, 5.0, 1, 3), FilmGrain(5.0, 1)).astype(float)
    assert (cleaned - scene()).std() < 0.5 * 5.0


def test_tiles_go_on_beyond_their_edges() -> None:
    for tile in grain_tiles():
        assert abs(tile.mean()) < 1e-3 and tile.std() == pytest.approx(1, abs=1e-3)
        inside = np.abs(np.diff(tile, axis=1)).mean()
        assert np.abs(tile[:, 0] - tile[:, -1]).mean() == pytest.approx(inside, rel=0.2)


def test_every_frame_has_a_grain_of_its_own_the_same_in_every_run() -> None:
    grain = FilmGrain(4.0, 1)
    first, second = (GrainCut.at(grain, step).over(10, 20, 300, 40) for step in (5, 6))
    assert first.shape == (40, 300)
    assert first.std() == pytest.approx(4.0, rel=0.1)
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.1
    np.testing.assert_array_equal(first, GrainCut.at(grain, 5).over(10, 20, 300, 40))


@pytest.mark.parametrize("strength", [0.3, 0.7, 1.0])
def test_a_clean_mouth_laid_over_a_grainy_frame_is_as_grainy(strength: float) -> None:
    """Half a mouth over half a frame as much as a whole one; what no mouth covers keeps every bit."""
    grain, vertices = FilmGrain(6.0, 0), vertices_at(320, 200, 220)
    flat, chroma = np.full((480, 640), 120, np.uint8), np.full((240, 320), 128, np.uint8)
    mouths = [(own_mouth(YuvFrame(flat, chroma, chroma), vertices), 1.0)]
    lips = []
    for step in range(12):
        noise = np.random.default_rng(step).normal(0, 6.0, flat.shape)
        frame = YuvFrame(np.clip(flat + noise + 0.5, 0, 255).astype(np.uint8), chroma, chroma)
        weight = MESH.mouth_alpha * strength
        drawing = Drawing(vertices, vertices, mouths, weight, grain=GrainCut.at(grain, step))
        drawn = Composer(MESH).compose(frame, drawing)
        np.testing.assert_array_equal(drawn.y[:150], frame.y[:150])
        np.testing.assert_array_equal(drawn.u, frame.u)
        lips.append(drawn.y[LIPS_AT].astype(float))
    assert np.std(lips, axis=0).mean() == pytest.approx(6.0, rel=0.12)


@pytest.mark.parametrize("grain", [None, FilmGrain(4.5, 2)])
def test_a_bank_remembers_its_grain(grain: FilmGrain | None) -> None:
    points = landmarks()
    bank = replace(bank_of(photo_of(points), portrait_of(points)), grain=grain)
    assert unpack_bank(pack_bank(bank)).grain == grain
