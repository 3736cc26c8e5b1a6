"""The ladder for a device that runs out of memory in the middle of a job.

Work on many items goes step by step, each in one of the shapes the model was warmed for. A step that runs
out of memory is taken again: first after idle optional models were dropped, then in the next smaller shape.
What is done stays done, and the job goes on.

    for step in in_steps(len(items), (1, 8), relieve):
        with step:
            results[step.start : step.stop] = net(padded(items[step.start : step.stop], step.bucket))
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from types import TracebackType
from typing import TypeVar

from heygem.errors import DeviceMemoryError
from heygem.hardware.device import classify_device_error

T = TypeVar("T")
_log = logging.getLogger(__name__)


class Step:
    """Items `start` to `stop`, to be run in a shape of `bucket` items. As a context it forgives one thing."""

    def __init__(self, start: int, stop: int, bucket: int, *, is_last_chance: bool) -> None:
        self.start = start
        self.stop = stop
        self.bucket = bucket
        self.is_done = False
        self._is_last_chance = is_last_chance

    def __enter__(self) -> "Step":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self.is_done = error is None
        if error is None or self._is_last_chance:
            return False
        return isinstance(classify_device_error(error), DeviceMemoryError)


def nothing_to_drop() -> None:
    """The relief of a model that stands alone."""


def in_groups(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """The items, `size` at a time as long as there are so many, each group as soon as it is complete."""
    source = iter(items)
    while group := list(islice(source, size)):
        yield group


def in_steps(
    count: int, buckets: Sequence[int], relieve: Callable[[], None] = nothing_to_drop
) -> Iterator[Step]:
    """Cut `count` items into steps: the largest bucket that is filled by more than half, or the smallest.

    Args:
        buckets: ascending; the numbers of items the model was warmed for.
        relieve: makes room on the device; called after each failure.
    """
    sizes, failures, start = list(buckets), 0, 0
    while start < count:
        left = count - start
        bucket = next((size for size in reversed(sizes) if 2 * left > size), sizes[0])
        is_last_chance = failures > 0 and bucket == sizes[0]
        step = Step(start, min(start + bucket, count), bucket, is_last_chance=is_last_chance)
        yield step
        if step.is_done:
            start = step.stop
            continue
        relieve()
        if failures:
            sizes.pop()
        failures += 1
        _log.warning("out of memory with %d items at once: going on with %d", bucket, sizes[-1])
