"""The path through the mouths: nearest mouth, few switches, forbidden neighbours."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from heygem.engines.mesh.bank import (
    FORBIDDEN,
    PAINTED,
    SWITCH_COST,
    MouthBank,
    best_path,
    cross_fade,
    fit_cost,
)


def bank_of(gaps: list[float], frames: list[int]) -> MouthBank:
    outline = np.zeros((len(gaps), 40, 2), np.float32)
    outline[:, :20, 1] = np.array(gaps)[:, None] / 2
    outline[:, 20:, 1] = -np.array(gaps)[:, None] / 2
    return MouthBank((), outline, np.array(gaps), np.zeros((len(gaps), 2)), np.array(frames))


def cost_of(bank: MouthBank, gaps: list[float], forbidden_frames: float = 0.0) -> np.ndarray:
    wanted = bank_of(gaps, list(range(len(gaps))))
    return fit_cost(
        bank, wanted.outline, wanted.gap, wanted.turn_degrees, np.arange(len(gaps)), forbidden_frames
    )


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
    wanted = bank_of([0.05], [5])
    cost = fit_cost(bank, wanted.outline, wanted.gap, np.array([[28.0, 0]]), np.array([5]), 0)
    assert cost.argmin(1).tolist() == [1]
