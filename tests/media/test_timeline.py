"""The exact rate is found from rounded times, and the nearest picture is the nearest."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heygem.media.timeline import Timeline, snap_rate

RATES = st.sampled_from(["24000/1001", "24", "25", "30000/1001", "30", "50", "60000/1001", "60"]).map(
    Fraction
)
TIME_BASES = st.sampled_from(["1/1000", "1/12800", "1/90000", "1/1000000"]).map(Fraction)


def timeline(
    ticks: list[int], time_base: Fraction = Fraction(1, 1000), keyframes: tuple[int, ...] = (0,)
) -> Timeline:
    return Timeline(np.array(ticks), np.array(keyframes), time_base, False)


def evenly(fps: Fraction, time_base: Fraction, count: int, first: int = 0) -> list[int]:
    return [first + round(number / fps / time_base) for number in range(count)]


@given(RATES, TIME_BASES, st.integers(2, 3000), st.integers(-500, 5000))
def test_a_declared_rate_is_taken_if_the_times_bear_it_out(
    fps: Fraction, time_base: Fraction, count: int, first: int
) -> None:
    assert timeline(evenly(fps, time_base, count, first), time_base).constant_rate((fps,)) == fps


@given(RATES, st.integers(400, 3000))
def test_a_wrong_declaration_is_found_out(fps: Fraction, count: int) -> None:
    times = timeline(evenly(fps, Fraction(1, 1000), count))
    assert times.constant_rate((Fraction(1000), fps * 2)) == fps


def test_drift_is_not_taken_for_jitter() -> None:
    """Ten minutes at 29.97 end 0.6 s later than at 30."""
    times = timeline(evenly(Fraction(30000, 1001), Fraction(1, 90000), 18000), Fraction(1, 90000))
    assert times.constant_rate((Fraction(30),)) == Fraction(30000, 1001)


def test_a_gap_makes_the_rate_uneven() -> None:
    times = timeline([0, 40, 80, 240, 280, 320])
    assert times.constant_rate((Fraction(25),)) is None
    assert times.uneven_rate() == 25
    assert times.duration_seconds == Fraction(36, 100)


def test_an_uneven_rate_is_at_most_sixty() -> None:
    assert timeline([0, 1, 2, 3, 900]).uneven_rate() == 60


@given(
    st.lists(st.integers(0, 2000), min_size=1, max_size=40, unique=True).map(sorted),
    RATES,
    st.integers(1, 60),
)
def test_nearest_is_nearest(ticks: list[int], fps: Fraction, count: int) -> None:
    found = timeline(ticks).nearest(fps, count)
    for number, picture in enumerate(found):
        wanted = ticks[0] + float(number * 1000 / fps)
        distances = [abs(tick - wanted) for tick in ticks]
        assert distances[picture] == pytest.approx(min(distances))
    assert (np.diff(found) >= 0).all()


def test_keyframes_around_a_picture() -> None:
    times = timeline(list(range(20)), keyframes=(0, 7, 14))
    assert [times.keyframe_before(index) for index in (0, 6, 7, 19)] == [0, 0, 7, 14]
    assert [times.keyframe_after(index) for index in (0, 1, 7, 15)] == [0, 7, 7, 20]


def test_odd_rates_stay_themselves() -> None:
    assert snap_rate(Fraction(1000, 17), tolerance=2e-4) == Fraction(1000, 17)
    assert snap_rate(Fraction(2997, 100), tolerance=2e-4) == Fraction(30000, 1001)
