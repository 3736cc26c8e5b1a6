"""Draws the frames of a job in order: on a few threads where there is only a CPU."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

from heygem.engines.mesh.bank import MouthPatch
from heygem.engines.mesh.composer import Composer, Drawing
from heygem.engines.mesh.geometry import DrawMesh
from heygem.media.types import YuvFrame


class FrameDrawer(Protocol):
    """Holds no job's data between two calls."""

    def draw(
        self,
        frames: Iterable[YuvFrame],
        drawings: Iterable[Drawing | None],
        mouths: Sequence[MouthPatch],
    ) -> Iterator[YuvFrame]:
        """Each frame with its drawing in it, in order, a bounded number of them at work; None: left as it is.

        `mouths` are all the drawings may use. Closing the iterator ends the work.
        """


class ThreadDrawer:
    """One frame a thread, on the CPU."""

    def __init__(self, mesh: DrawMesh, threads: int) -> None:
        self._composer = Composer(mesh)
        self.threads = threads

    def draw(
        self,
        frames: Iterable[YuvFrame],
        drawings: Iterable[Drawing | None],
        mouths: Sequence[MouthPatch],
    ) -> Iterator[YuvFrame]:
        with ThreadPoolExecutor(self.threads, "draw") as pool:
            waiting: deque[Future[YuvFrame]] = deque()
            for frame, drawing in zip(frames, drawings, strict=True):
                waiting.append(pool.submit(self.draw_one, frame, drawing))
                if len(waiting) > self.threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

    def draw_one(self, frame: YuvFrame, drawing: Drawing | None) -> YuvFrame:
        return frame if drawing is None else self._composer.compose(frame, drawing)
