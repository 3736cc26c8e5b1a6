"""The path through the mouths: nearest mouth, few switches, forbidden neighbours."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from heygem.engines.mesh.bank import (
    FORBIDDEN,
    PAINTED,
    SWITCH_COST,
    MouthKeys,
    best_path,
    choose_own,
    cross_fade,
    fit_cost,
)


def bank_of(gaps: list[float], frames: list[int]) -> MouthKeys:
    count = len(gaps)
    outline = np.zeros((count, 40, 2), np.float32)
    outline[:, :20, 1] = np.array(gaps)[:, None] / 2
    outline[:, 20:, 1] = -np.array(gaps)[:, None] / 2
    detail, ring = np.full(count, 50, np.float32), np.full((count, 8, 3), 100, np.float32)
    return MouthKeys(
        outline, np.array(gaps), np.zeros((count, 2)), np.array(frames), detail, ring, np.zeros(count)
    )


def cost_of(bank: MouthKeys, gaps: list[float], forbidden_frames: float = 0.0) -> np.ndarray:
    return fit_cost(bank_of(gaps, list(range(len(gaps)))), bank, 0.0, forbidden_frames)


def test_the_mouth_that_fits_costs_least() -> None:
    bank = bank_of([0.0, 0.05, 0.1], [0, 50, 90])
    assert cost_of(bank, [0.0, 0.048, 0.11]).argmin(1).tolist() == [0, 1, 2]


def test_own_pixels_win_where_both_fit() -> None:
    bank = bank_of([0.05, 0.05], [PAINTED, 7])
    assert cost_of(bank, [0.05]).argmin(1).tolist() == [1]


def test_a_closed_mouth_is_no_source_for_an_open_one() -> None:
    bank = bank_of([0.0, 0.2], [3, PAINTED])
    assert cost_of(bank, [0.12]).argmin(1).tolist() == [1]


def test_near_frames_are_forbidden_but_painted_ones_never() -> None:
    bank = bank_of([0.05, 0.05, 0.0], [1, 60, PAINTED])
    cost = cost_of(bank, [0.05, 0.05], forbidden_frames=50)
    assert (cost[:, 0] == np.float32(FORBIDDEN)).all() and (cost[:, 1:] < FORBIDDEN).all()


def path_cost(cost: np.ndarray, path: np.ndarray) -> float:
    return float(cost[np.arange(len(path)), path].sum() + SWITCH_COST * (np.diff(path) != 0).sum())


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000))
def test_no_other_path_is_cheaper(seed: int) -> None:
    cost = np.random.default_rng(seed).uniform(0, 3, (5, 3)).astype(np.float32)
    frames = np.array([0, 100, 200])
    best = path_cost(cost, best_path(cost, frames))
    every = np.stack(np.meshgrid(*[range(3)] * 5), -1).reshape(-1, 5)
    assert best <= min(path_cost(cost, path) for path in every) + 1e-4


def test_a_switch_is_spread_over_three_frames() -> None:
    path = np.array([4, 4, 9, 9])
    assert cross_fade(path, 0) == [(4, 1.0)]
    assert cross_fade(path, 1) == [(4, 0.75), (9, 0.25)]
    assert cross_fade(path, 2) == [(4, 0.25), (9, 0.75)]


def test_turned_heads_take_turned_mouths() -> None:
    bank = replace(bank_of([0.05, 0.05], [0, 99]), turn_degrees=np.array([[0.0, 0], [30, 0]]))
    wanted = replace(bank_of([0.05], [5]), turn_degrees=np.array([[28.0, 0]]))
    assert fit_cost(wanted, bank, 0.0, 0).argmin(1).tolist() == [1]


def test_a_blurred_mouth_is_no_source_for_a_sharp_frame() -> None:
    bank = replace(bank_of([0.05, 0.06], [0, 99]), detail=np.array([3, 50], np.float32))
    assert cost_of(bank, [0.05]).argmin(1).tolist() == [1]


def test_a_mouth_with_a_finger_beside_it_is_no_source_for_a_free_one() -> None:
    bank = bank_of([0.05, 0.06], [0, 99])
    bank.ring[0, :3] += 60
    assert cost_of(bank, [0.05]).argmin(1).tolist() == [1]


def test_of_equal_mouths_the_sharpest_is_kept_and_smears_never() -> None:
    shapes = np.zeros((6, 468, 3))
    shapes[3:, 14, 1] = 0.2  # three closed, three open
    detail, usable = np.array([40.0, 60, 1, 50, 30, 90]), np.array([True] * 5 + [False])
    chosen = choose_own(shapes, np.zeros((6, 2)), detail, usable)
    assert chosen.tolist() == [1, 3]


def test_a_mouth_that_looks_open_when_closed_is_not_for_closures() -> None:
    bank = replace(bank_of([0.0, 0.012], [0, 99]), closed_look=np.array([0.02, 0.0]))
    assert cost_of(bank, [0.0]).argmin(1).tolist() == [1]
    assert fit_cost(bank_of([0.03], [5]), bank, 0.03, 0).argmin(1).tolist() == [
        1
    ]  # this face rests with it open
    gleams = replace(bank_of([0.03, 0.06], [0, 99]), closed_look=np.array([0.02, 0.0]))
    assert cost_of(gleams, [0.03]).argmin(1).tolist() == [0]  # but it may speak


def test_a_mouth_never_seen_closed_is_not_for_closures_either() -> None:
    bank = replace(bank_of([0.0, 0.012], [0, 99]), closed_look=np.array([np.inf, 0.0]))
    cost = cost_of(bank, [0.0, 0.05])
    assert np.isfinite(cost).all()
    assert cost[0].argmin() == 1
