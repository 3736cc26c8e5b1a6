"""Asks the engine thread to clear its caches, for only that thread touches them."""

from collections.abc import Callable
from concurrent.futures import Future, wait
from queue import SimpleQueue


class ClearRequests:
    """Any thread asks; the engine thread answers, between two reports of a job at the latest."""

    def __init__(self) -> None:
        self._waiting: SimpleQueue[Future[None]] = SimpleQueue()

    def ask(self, wake: Callable[[], None], timeout_seconds: float) -> bool:
        """Wait for an answer; False when none came in time. Raises what clearing raised."""
        request: Future[None] = Future()
        self._waiting.put(request)
        wake()
        wait([request], timeout_seconds)
        if request.cancel():
            return False
        request.result()
        return True

    def answer(self, clear: Callable[[], None]) -> None:
        """Clear once for each request."""
        while not self._waiting.empty():
            request = self._waiting.get_nowait()
            if request.set_running_or_notify_cancel():
                try:
                    clear()
                    request.set_result(None)
                except Exception as error:
                    request.set_exception(error)  # raised where it was asked for
