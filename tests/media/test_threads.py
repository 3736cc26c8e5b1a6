"""Frames cross threads in order, errors come through, and no thread is left behind."""

import threading
from collections.abc import Iterator
from contextvars import ContextVar

import numpy as np
import pytest

from heygem.media.threads import FrameSink, prefetched
from heygem.media.types import YuvFrame


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = threading.active_count()
    yield
    assert threading.active_count() == before


def frame(number: int) -> YuvFrame:
    chroma = np.zeros((1, 1), np.uint8)
    return YuvFrame(np.full((2, 2), number, np.uint8), chroma, chroma)


@pytest.mark.parametrize("depth", [1, 3, 1000])
def test_items_come_in_order(depth: int) -> None:
    with prefetched(iter(range(500)), depth) as items:
        assert list(items) == list(range(500))


def test_it_is_made_ahead_but_not_further_than_the_depth() -> None:
    made: list[int] = []
    third_made = threading.Event()

    def numbers() -> Iterator[int]:
        for number in range(100):
            made.append(number)
            if number == 3:
                third_made.set()
            yield number

    with prefetched(numbers(), 2) as items:
        assert next(items) == 0
        assert third_made.wait(10)  # two wait in the queue, and one more is in hand
        assert made == [0, 1, 2, 3]


def test_it_begins_before_anything_is_asked_for() -> None:
    begun = threading.Event()

    def numbers() -> Iterator[int]:
        begun.set()
        yield 0

    with prefetched(numbers(), 2):
        assert begun.wait(10)


def test_an_error_of_the_producer_comes_after_its_items() -> None:
    def numbers() -> Iterator[int]:
        yield 1
        raise KeyError("broken")

    with prefetched(numbers(), 4) as items:
        assert next(items) == 1
        with pytest.raises(KeyError, match="broken"):
            next(items)


def test_stopping_early_closes_the_producer_in_its_thread() -> None:
    closed_in: list[str] = []

    def numbers() -> Iterator[int]:
        try:
            yield from range(10**9)
        finally:
            closed_in.append(threading.current_thread().name)

    with prefetched(numbers(), 4) as items:
        assert next(items) == 0
    assert closed_in == ["prefetch"]


def test_the_thread_knows_the_context_of_its_maker() -> None:
    job: ContextVar[str] = ContextVar("job", default="none")
    job.set("job 7")
    with prefetched((job.get() for _ in range(1)), 1) as items:
        assert list(items) == ["job 7"]


def test_a_sink_writes_every_frame_in_order() -> None:
    written: list[int] = []
    with FrameSink(lambda given: written.append(int(given.y[0, 0])), depth=2) as sink:
        for number in range(100):
            sink.put(frame(number))
    assert written == list(range(100))


def test_an_error_of_the_writer_reaches_who_puts() -> None:
    def fail(given: YuvFrame) -> None:
        raise OSError("disk")

    sink = FrameSink(fail, depth=1)
    with pytest.raises(OSError, match="disk"):
        for number in range(100):
            sink.put(frame(number))


def test_an_error_of_the_writer_at_the_last_frame_reaches_close() -> None:
    def fail(given: YuvFrame) -> None:
        raise OSError("disk")

    sink = FrameSink(fail, depth=4)
    sink.put(frame(0))
    with pytest.raises(OSError, match="disk"):
        sink.close()


def test_an_error_of_the_caller_drops_what_waits() -> None:
    may_write = threading.Event()
    written: list[YuvFrame] = []

    def write(given: YuvFrame) -> None:
        assert may_write.wait(10)
        written.append(given)

    later = threading.Timer(0.05, may_write.set)
    with pytest.raises(KeyError), FrameSink(write, depth=8) as sink:
        for number in range(5):
            sink.put(frame(number))
        later.start()
        raise KeyError
    later.join()
    assert len(written) <= 1
