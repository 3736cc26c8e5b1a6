"""The path through the mouths: what fits, few switches and none that blinks, cuts where teeth would mix."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heygem.engines.mesh.bank import PAINTED, MouthKeys
from heygem.engines.mesh.inside import seen_part
from heygem.engines.mesh.mouth_path import (
    FORBIDDEN,
    SwitchCost,
    best_path,
    cross_fade,
    cuts,
    fit_cost,
    haste_cost,
    smear_cost,
)

OPEN = np.full(3, 0.1)


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


def unlike_by(pairs: dict[tuple[int, int], float], count: int = 3) -> np.ndarray:
    unlike = np.zeros((count, count), np.float32)
    for (one, other), much in pairs.items():
        unlike[one, other] = unlike[other, one] = much
    return unlike


def test_the_mouth_that_fits_costs_least() -> None:
    bank = bank_of([0.0, 0.05, 0.1], [0, 50, 90])
    assert cost_of(bank, [0.0, 0.048, 0.11]).argmin(1).tolist() == [0, 1, 2]


def test_a_closed_mouth_is_no_source_for_an_open_one() -> None:
    bank = bank_of([0.0, 0.2], [3, PAINTED])
    assert cost_of(bank, [0.12]).argmin(1).tolist() == [1]


def test_near_frames_are_forbidden_but_painted_ones_never() -> None:
    bank = bank_of([0.05, 0.05, 0.0], [1, 60, PAINTED])
    cost = cost_of(bank, [0.05, 0.05], forbidden_frames=50)
    assert (cost[:, 0] == np.float32(FORBIDDEN)).all() and (cost[:, 1:] < FORBIDDEN).all()


WIDE = 0.1  # lips so far apart show all there is to see


def path_cost(cost: np.ndarray, switch: SwitchCost, gap: np.ndarray, path: np.ndarray) -> float:
    total = float(cost[0, path[0]])
    for step in range(1, len(path)):
        seen = float(max(seen_part(gap)[step - 1 : step + 1]))
        total += float(cost[step, path[step]] + switch.at(seen)[path[step - 1], path[step]])
    return total


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000))
def test_no_other_path_is_cheaper(seed: int) -> None:
    rng = np.random.default_rng(seed)
    cost, always, shown = (rng.uniform(0, 3, shape).astype(np.float32) for shape in ((5, 3), (3, 3), (3, 3)))
    switch, gap = SwitchCost(always, shown), rng.uniform(0, WIDE, 5)
    best = path_cost(cost, switch, gap, best_path(cost, switch, gap))
    every = np.stack(np.meshgrid(*[range(3)] * 5), -1).reshape(-1, 5)
    assert best <= min(path_cost(cost, switch, gap, path) for path in every) + 1e-4


def test_a_switch_is_dearer_the_more_unlike_two_mouths_are_inside() -> None:
    frames = np.array([0, 100, 200])
    cost = SwitchCost.of(frames, OPEN, unlike_by({(0, 1): 0.05, (0, 2): 0.4, (1, 2): 0.3})).at(1)
    assert (np.diag(cost) == 0).all() and (cost == cost.T).all()
    assert 0 < cost[0, 1] < cost[1, 2] < cost[0, 2]


def test_a_switch_is_dearer_the_wider_the_lips_are_apart() -> None:
    switch = SwitchCost.of(np.array([0, 100]), OPEN[:2], unlike_by({(0, 1): 0.4}, 2))
    shut, half, wide = (switch.at(seen)[0, 1] for seen in (0, 0.5, 1))
    assert 0 < shut < half < wide


def test_neighbouring_frames_that_look_alike_follow_freely() -> None:
    cost = SwitchCost.of(np.array([50, 52, 90]), OPEN, unlike_by({})).at(1)
    assert cost[0, 1] == 0 < cost[0, 2]


def test_painted_teeth_beside_own_ones_are_dear_but_not_where_none_are_seen() -> None:
    frames = np.array([PAINTED, 100, 200])
    unlike = unlike_by({(0, 1): 0.1, (1, 2): 0.1})
    seen, shut = (SwitchCost.of(frames, gap, unlike).at(1) for gap in (OPEN, OPEN * 0))
    assert seen[0, 1] > seen[1, 2] + 2
    assert shut[0, 1] == shut[1, 2]


def test_closed_lips_may_open_upon_anything() -> None:
    frames, gap = np.array([0, 100, 200]), np.array([0.0, 0.1, 0.1])
    cost = SwitchCost.of(frames, gap, unlike_by({(0, 1): 0.5, (0, 2): 0.1, (1, 2): 0.5})).at(0)
    assert cost[0, 1] == cost[0, 2] == cost[1, 2]


def test_teeth_do_not_blink_where_a_mouth_fits_a_little_worse() -> None:
    """Two mouths of about one opening, with teeth and without: lips that tremble stay with one of them."""
    bank = bank_of([0.08, 0.106], [336, 258])
    asked = np.array([0.083, 0.091, 0.1, 0.105, 0.103, 0.092, 0.083, 0.081, 0.1, 0.105])
    cost = cost_of(bank, asked.tolist())
    alike, unlike = (
        SwitchCost.of(bank.frame, bank.gap, unlike_by(pairs, 2)) for pairs in ({}, {(0, 1): 0.37})
    )
    assert len(set(best_path(cost, alike, asked))) == 2
    assert len(set(best_path(cost, unlike, asked))) == 1


def test_open_mouths_are_painted_and_closed_ones_filmed() -> None:
    """Where both fit: painted ones have one set of teeth, closed lips show none."""
    bank = bank_of([0.09, 0.09, 0.005, 0.005], [50, PAINTED, 80, PAINTED])
    cost = cost_of(bank, [0.09, 0.005])
    assert cost[0].argmin() == 1 and cost[1].argmin() == 2


def test_a_mouth_filmed_open_that_looks_closed_when_drawn_so_serves_for_closed_lips() -> None:
    bank = bank_of([0.03, 0.0], [50, 80])
    bank.closed_look[:] = 0.001, 0.006
    bank.outline[:] = 0
    assert cost_of(bank, [0.0])[0].argmin() == 0


@pytest.mark.parametrize(("painted_px", "wins"), [(1.5, 1), (2.7, 0)])
def test_on_a_face_too_large_for_painted_mouths_filmed_ones_win(painted_px: float, wins: int) -> None:
    bank, wanted = bank_of([0.09, 0.09], [50, PAINTED]), bank_of([0.09], [0])
    assert fit_cost(wanted, bank, 0.0, 0.0, painted_px)[0].argmin() == wins


def test_a_filmed_mouth_serves_where_painted_ones_do_not_fit_at_all() -> None:
    bank = bank_of([0.09, 0.02], [50, PAINTED])
    assert cost_of(bank, [0.09])[0].argmin() == 0


def test_a_mouth_a_little_wider_or_narrower_than_asked_fits_as_well() -> None:
    bank = bank_of([0.09, 0.094, 0.12], [0, 100, 200])
    bank.outline[:] = 0
    wanted = bank_of([0.09], [5])
    wanted.outline[:] = 0
    cost = fit_cost(wanted, bank, 0.0, 0)[0]
    assert cost[0] == cost[1] < cost[2]


def test_a_mouth_filmed_in_haste_costs_and_a_painted_one_never() -> None:
    haste = np.array([0.0, 0.01, 0.06, 0.09])
    cost = haste_cost(np.array([0, 1, 2, 3, PAINTED]), haste)
    assert cost[0] == cost[1] == cost[4] == 0
    assert 0 < cost[2] < cost[3]


def test_a_mouth_less_crisp_inside_than_the_others_costs_where_it_is_open() -> None:
    gap, crispness = np.array([0.1, 0.1, 0.08, 0.06, 0.0]), np.array([1.0, 0.9, 0.3, 0.9, 0.01])
    cost = smear_cost(np.arange(5), crispness, gap)
    assert cost[2] > 1 and (cost[[0, 1, 3, 4]] == 0).all()
    two = np.arange(2)
    assert (smear_cost(two, np.array([0.0, 0.5]), np.zeros(2)) == 0).all()  # a bank of shut mouths
    assert np.isfinite(smear_cost(two, np.array([0.0, 0.5]), np.ones(2))).all()


def test_a_painted_mouth_is_no_smear() -> None:
    """It may show nothing but the dark, which is soft; and it does not tell how crisp film is."""
    crispness, gap = np.array([1.0, 0.9, 0.1, 9.0]), np.full(4, 0.1)
    assert (smear_cost(np.array([7, 8, PAINTED, PAINTED]), crispness, gap)[2:] == 0).all()
    filmed = smear_cost(np.array([7, 8]), crispness[:2], gap[:2])
    np.testing.assert_array_equal(smear_cost(np.array([7, 8, PAINTED, PAINTED]), crispness, gap)[:2], filmed)


def test_another_pose_or_light_costs_a_painted_mouth_less() -> None:
    bank, wanted = bank_of([0.09, 0.09], [50, PAINTED]), bank_of([0.09], [0])
    here = fit_cost(wanted, bank, 0.0, 0.0)[0]
    wanted.turn_degrees[:], wanted.ring[:] = 12.0, 15.0
    more = fit_cost(wanted, bank, 0.0, 0.0)[0] - here
    assert 0 < more[1] < 0.5 * more[0]


def test_a_switch_between_mouths_that_look_alike_is_spread_over_three_frames() -> None:
    path, is_cut = np.array([4, 4, 9, 9]), np.zeros(4, bool)
    assert cross_fade(path, is_cut, 0) == [(4, 1.0)]
    assert cross_fade(path, is_cut, 1) == [(4, 0.75), (9, 0.25)]
    assert cross_fade(path, is_cut, 2) == [(4, 0.25), (9, 0.75)]
    assert cross_fade(path, is_cut, 3) == [(9, 1.0)]


def test_mouths_that_look_unlike_inside_are_never_mixed() -> None:
    path = np.array([0, 0, 1, 1, 2, 2])
    is_cut = cuts(path, OPEN, unlike_by({(0, 1): 0.4, (1, 2): 0.05, (0, 2): 0.4}))
    assert is_cut.tolist() == [False, False, True, False, False, False]
    shares = [cross_fade(path, is_cut, step) for step in range(6)]
    assert shares[1] == [(0, 1.0)] and shares[2] == [(1, 1.0)]
    assert shares[3] == [(1, 0.75), (2, 0.25)]


def test_shut_mouths_are_mixed_with_each_other_and_with_no_open_one() -> None:
    path, unlike = np.array([0, 1, 2]), unlike_by({(0, 1): 0.4, (1, 2): 0.4})
    assert cuts(path, np.array([0.1, 0.0, 0.01]), unlike).tolist() == [False, True, False]


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=1, max_size=12))
def test_shares_add_up_to_one_and_never_reach_over_a_cut(steps: list[tuple[int, bool]]) -> None:
    path, is_cut = np.array([mouth for mouth, _ in steps]), np.array([cut for _, cut in steps])
    shot = np.cumsum(is_cut)
    for step in range(len(path)):
        shares = dict(cross_fade(path, is_cut, step))
        near = range(max(step - 1, 0), min(step + 2, len(path)))
        assert sum(shares.values()) == 1 and shares[path[step]] >= 0.5
        assert set(shares) <= {int(path[other]) for other in near if shot[other] == shot[step]}


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
