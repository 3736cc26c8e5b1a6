"""What other threads want done on the engine thread, which alone may touch a model."""

from collections.abc import Callable
from concurrent.futures import Future, wait
from queue import SimpleQueue
from typing import Any, TypeVar

from heygem.jobs.engine_set import EngineSet

_T = TypeVar("_T")


class Orders:
    """Put on any thread; carried out by the engine thread between two reports of a job, at the latest."""

    def __init__(self) -> None:
        self._waiting: SimpleQueue[tuple[Future[Any], Callable[[EngineSet], Any]]] = SimpleQueue()

    def put(self, do: Callable[[EngineSet], _T]) -> Future[_T]:
        """Ask for `do`; the future has its result, or the error it raised."""
        outcome: Future[_T] = Future()
        self._waiting.put((outcome, do))
        return outcome

    def ask(
        self, do: Callable[[EngineSet], _T], wake: Callable[[], None], timeout_seconds: float
    ) -> _T | None:
        """`put`, `wake` the engine thread, and wait; None when it did not come to it in time."""
        outcome = self.put(do)
        wake()
        wait([outcome], timeout_seconds)
        return None if outcome.cancel() else outcome.result()

    def carry_out(self, engines: EngineSet) -> None:
        """Do all that waits and was not given up meanwhile. Errors go to who asked."""
        while not self._waiting.empty():
            outcome, do = self._waiting.get_nowait()
            if outcome.set_running_or_notify_cancel():
                try:
                    outcome.set_result(do(engines))
                except Exception as error:
                    outcome.set_exception(error)


def cleared(engines: EngineSet) -> bool:
    """An order: clear what no job holds."""
    engines.clear_caches()
    return True
