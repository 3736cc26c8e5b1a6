"""The ladder: work that runs out of memory goes on in smaller shapes, and never twice."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heygem.models.steps import in_groups, in_steps

OUT_OF_MEMORY = RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
Faults = Callable[[int], Exception | None]


def no_fault(bucket: int) -> Exception | None:
    return None


class Work:
    """Runs items in steps on a device that may be full; `done` are the items in the order they were done."""

    def __init__(self, fault: Faults = no_fault) -> None:
        self.done: list[int] = []
        self.tried: list[int] = []
        self.relieved = 0
        self._fault = fault

    def run(self, count: int, buckets: tuple[int, ...] = (1, 8)) -> None:
        for step in in_steps(count, buckets, self._relieve):
            with step:
                self.tried.append(step.bucket)
                if (fault := self._fault(step.bucket)) is not None:
                    raise fault
                self.done += range(step.start, step.stop)

    def _relieve(self) -> None:
        self.relieved += 1


@given(count=st.integers(0, 100), many=st.integers(2, 16))
def test_steps_cover_everything_in_two_shapes(count: int, many: int) -> None:
    steps = []
    for step in in_steps(count, (1, many)):
        with step:
            steps.append(step)
    assert [item for step in steps for item in range(step.start, step.stop)] == list(range(count))
    assert all(step.stop - step.start <= step.bucket and step.bucket in (1, many) for step in steps)
    assert all(step.stop - step.start > step.bucket / 2 for step in steps)  # little is computed for nothing


@given(count=st.integers(0, 100), size=st.integers(1, 16))
def test_groups_hold_every_item_once_and_only_the_last_may_be_short(count: int, size: int) -> None:
    groups = list(in_groups(range(count), size))
    assert [item for group in groups for item in group] == list(range(count))
    assert all(len(group) == size for group in groups[:-1])


def test_memory_that_relief_brings_back_is_enough() -> None:
    work = Work(lambda bucket: OUT_OF_MEMORY if work.relieved == 0 else None)
    work.run(20)
    assert (work.done, work.relieved, work.tried) == (list(range(20)), 1, [8, 8, 8, 1, 1, 1, 1])


def test_the_batch_shrinks_when_relief_is_not_enough() -> None:
    work = Work(lambda bucket: OUT_OF_MEMORY if bucket > 2 else None)
    work.run(9, (1, 2, 4, 8))
    assert work.done == list(range(9))
    assert work.tried == [8, 8, 4, 2, 2, 2, 2, 1]
    assert work.relieved == 3


def test_what_does_not_fit_in_the_smallest_shape_is_an_error() -> None:
    work = Work(lambda bucket: OUT_OF_MEMORY)
    with pytest.raises(RuntimeError, match="out of memory"):
        work.run(20)
    assert (work.tried, work.relieved) == ([8, 8, 1], 2)


@pytest.mark.parametrize(
    "error", [ValueError("wrong"), RuntimeError("CUDA error: device-side assert triggered")]
)
def test_other_errors_pass_at_once(error: Exception) -> None:
    work = Work(lambda bucket: error)
    with pytest.raises(type(error), match=str(error)):
        work.run(20)
    assert (work.tried, work.relieved) == ([8], 0)


@given(faults=st.lists(st.booleans(), max_size=12), count=st.integers(1, 60))
def test_every_item_is_done_once_whenever_memory_runs_out(faults: list[bool], count: int) -> None:
    due = iter(faults)
    work = Work(lambda bucket: OUT_OF_MEMORY if bucket > 1 and next(due, False) else None)
    work.run(count, (1, 2, 4, 8))
    assert work.done == list(range(count))
