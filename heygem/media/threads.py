"""Carries frames between threads, so that decoding and encoding run beside the engine."""

from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from threading import Condition, Thread
from types import TracebackType
from typing import Generic, Self, TypeVar

from heygem.media.types import YuvFrame

T = TypeVar("T")


class _Channel(Generic[T]):
    """A bounded queue that either end can close; whoever waits at it then wakes up."""

    def __init__(self, depth: int) -> None:
        self._depth = depth
        self._items: deque[T] = deque()
        self._is_open = True
        self._changed = Condition()

    def put(self, item: T) -> bool:
        """Wait for room; False if the channel was closed, and the item with it dropped."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._items) < self._depth or not self._is_open)
            if self._is_open:
                self._items.append(item)
                self._changed.notify_all()
            return self._is_open

    def __iter__(self) -> Iterator[T]:
        """The items until the channel is closed and empty."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._items or not self._is_open)
                if not self._items:
                    return
                item = self._items.popleft()
                self._changed.notify_all()
            yield item

    def close(self, drop: bool = False) -> None:
        """Let nothing more in; with `drop`, forget what is waiting too."""
        with self._changed:
            self._is_open = False
            if drop:
                self._items.clear()
            self._changed.notify_all()


@contextmanager
def prefetched(iterator: Iterator[T], depth: int) -> Generator[Iterator[T], None, None]:
    """The items of `iterator`, made up to `depth` ahead in a thread of its own, from now on.

    What it raises is raised where the next item is asked for. At the end of the block the thread has ended
    and closed the iterator.
    """
    channel: _Channel[T] = _Channel(depth)
    errors: list[BaseException] = []

    def produce() -> None:
        try:
            for item in iterator:
                if not channel.put(item):
                    break
        except BaseException as error:  # whatever it is, it belongs to the thread that asks
            errors.append(error)
        finally:
            if isinstance(iterator, Generator):
                iterator.close()
            channel.close()

    def items() -> Iterator[T]:
        yield from channel
        if errors:
            raise errors[0]

    thread = Thread(target=copy_context().run, args=(produce,), name="prefetch", daemon=True)
    thread.start()
    try:
        yield items()
    finally:
        channel.close(drop=True)
        thread.join()


class FrameSink:
    """Hands frames to `write` (that of a `VideoWriter`) in a thread of its own; use it as a context manager.

    An error of `write` is raised by the next `put`, or by `close`.
    """

    def __init__(self, write: Callable[[YuvFrame], None], depth: int = 8) -> None:
        self._write = write
        self._channel: _Channel[YuvFrame] = _Channel(depth)
        self._error: BaseException | None = None
        self._thread = Thread(target=copy_context().run, args=(self._consume,), name="encode", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            self._channel.close(drop=True)
            self._thread.join()

    def put(self, frame: YuvFrame) -> None:
        """Queue a frame, waiting while the queue is full. It must not change until it is written."""
        if not self._channel.put(frame):
            self.close()

    def close(self) -> None:
        """Wait until every frame is written; raise what went wrong."""
        self._channel.close()
        self._thread.join()
        if self._error is not None:
            raise self._error

    def _consume(self) -> None:
        try:
            for frame in self._channel:
                self._write(frame)
        except BaseException as error:
            self._error = error
            self._channel.close(drop=True)
