"""The one engine thread: it builds the engines, loads and warms their models, and then serves jobs.

Nothing else touches a model. Readers look at the board and never wait for this thread.
"""

import logging
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread
from typing import TypeVar

from heygem.engines.base import LipSyncResult
from heygem.engines.status import EngineState, EngineStatus
from heygem.errors import (
    DeviceLostError,
    DeviceMemoryError,
    DiskFullError,
    HeyGemError,
    JobCanceledError,
    StorageError,
)
from heygem.hardware.memory import disk_free_bytes
from heygem.jobs.board import StatusBoard
from heygem.jobs.engine_set import EngineBuilder, EngineSet, engine_named
from heygem.jobs.errands import Errand, ErrandList
from heygem.jobs.job import Job, JobState
from heygem.jobs.making import make_video
from heygem.jobs.orders import Orders, cleared
from heygem.jobs.outputs import output_path, partial_path, publish
from heygem.jobs.progress import JobWork, Work
from heygem.jobs.store import JobStore
from heygem.jobs.verdict import explain, is_users_fault
from heygem.jobs.watch import Watch
from heygem.log import job_log_context
from heygem.models.hashes import file_sha256
from heygem.settings import Settings

PAGE_WAIT_SECONDS = 10.0
PAUSE_SECONDS = 5.0  # between two looks at a full disk

_T = TypeVar("_T")
_log = logging.getLogger(__name__)


class EngineWorker:
    """Owns the engine thread; `board` says how it is."""

    def __init__(
        self,
        settings: Settings,
        store: JobStore,
        build_engines: EngineBuilder,
        *,
        on_fatal: Callable[[str], None],
        free_bytes: Callable[[Path], int] = disk_free_bytes,
    ) -> None:
        """Args:
        on_fatal: called once with a reason when only a new process helps.
        free_bytes: free space of the disk a folder is on.
        """
        self.board = StatusBoard(EngineStatus(preload=settings.preload))
        self.is_paused = False  # the disk is too full to make anything
        self._settings = settings
        self._store = store
        self._build_engines = build_engines
        self._on_fatal = on_fatal
        self._free_bytes = free_bytes
        self.errands = ErrandList(self.wake)
        self._wake = Event()  # something may be there to do
        self._is_stopping = False
        self._fatal_error: Exception | None = None
        self._engines: EngineSet | None = None
        self._watch = Watch()
        self._orders = Orders()
        self._page_bound = Event()
        self._thread = Thread(target=self._main, name="engine", daemon=True)

    def start(self, *, wait_for_page: bool) -> None:
        """Start the thread; if it is to wait, it works from `notify_page_bound` on, or after 10 s."""
        if not wait_for_page:
            self._page_bound.set()
        self._thread.start()

    def notify_page_bound(self) -> None:
        """The page is served: heavy imports may begin."""
        self._page_bound.set()

    def wake(self) -> None:
        """A job was submitted or canceled."""
        self._wake.set()
        self.board.notify()

    def stop(self, timeout_seconds: float) -> bool:
        """Put a running job back in line and end the thread as soon as the engine reports; True if it has."""
        self._is_stopping = True
        if self.board.status.state in (EngineState.READY, EngineState.BUSY):
            self.board.publish(state=EngineState.DRAINING)
        self._page_bound.set()
        self._wake.set()
        if self._thread.ident is not None:  # it was started
            self._thread.join(timeout_seconds)
        if self._thread.is_alive():
            _log.warning("the engine thread did not end within %.0f s", timeout_seconds)
            return False
        if self.board.status.state is not EngineState.FAILED:
            self.board.publish(state=EngineState.STOPPED, step="", job_id=None)
        return True

    def check_stall(self) -> None:
        """Give up work that has not moved on for too long; called now and then by another thread."""
        seconds = self._settings.job_stall_seconds
        work = self._watch.abandoned_after(seconds)
        if work is None:
            return
        error = HeyGemError(f"The engine showed no progress for {seconds:.0f} s; HeyGem has to start again.")
        if isinstance(work, JobWork):
            self._persist(lambda: self._store.retry(work.job_id, work.beat.stage, error))
        self._end_for_good(str(error))

    def order(self, do: Callable[[EngineSet], _T], timeout_seconds: float) -> _T | None:
        """Have something done on the engine thread, between two reports of a job at the latest.

        None when the engine is not up, or did not come to it in time. Raises what `do` raises.
        """
        if self.board.status.state not in (EngineState.READY, EngineState.BUSY):
            return None
        return self._orders.ask(do, self._wake.set, timeout_seconds)

    def clear_caches(self, timeout_seconds: float) -> bool:
        """Clear what no job holds; False when the engine is not up or did not come to it. See `order`."""
        return bool(self.order(cleared, timeout_seconds))

    @property
    def clearable_template_bytes(self) -> int:
        """Prepared templates that no job holds."""
        return 0 if self._engines is None else self._engines.template_cache.unleased_bytes()

    def _main(self) -> None:
        self._page_bound.wait(PAGE_WAIT_SECONDS)
        try:
            if not self._is_stopping:
                self._engines = self._load()
                self._serve(self._engines)
        except Exception as error:
            _log.exception("the engine failed")
            verdict = explain(error, self._settings.log_dir)
            self.board.fail(str(verdict), verdict.code)
            if isinstance(verdict, DeviceLostError):
                self._end_for_good(str(verdict), error)

    def _load(self) -> EngineSet:
        started_at = time.monotonic()
        self.board.publish(step="importing", started_at_seconds=started_at)
        engines = self._build_engines(self._settings, self.board.publish_models)
        self.board.publish(device=engines.device.name, device_note=engines.device.note)
        if self._settings.preload:
            engines.preload()
        self.board.serve(time.monotonic() - started_at)
        return engines

    def _serve(self, engines: EngineSet) -> None:
        while not self._is_stopping:
            self._wake.clear()
            self._orders.carry_out(engines)
            free_bytes = self._free_bytes(self._settings.output_dir)
            self.is_paused = free_bytes < self._settings.free_disk_reserve_bytes
            if self.is_paused or not self._do_next(engines):
                self._rest(engines)

    def _rest(self, engines: EngineSet) -> None:
        """Wait until something may be there to do; where that takes very long, models go if they are to."""
        seconds = PAUSE_SECONDS if self.is_paused else self._settings.idle_unload_seconds or None
        if not self._wake.wait(seconds) and not self.is_paused:
            engines.let_go()
            self.board.rest(self._settings.preload)

    def _do_next(self, engines: EngineSet) -> bool:
        """An errand somebody waits for, a job, or any errand; False when there is nothing to do."""
        urgent = self.errands.next(only_first=True)
        job = None if urgent else self._claim()
        if job is not None:
            self._run(engines, job)
            return True
        errand = urgent or self.errands.next(only_first=False)
        if errand is not None and not self.is_paused:
            self._do_errand(engines, errand)
        return errand is not None and not self.is_paused

    def _claim(self) -> Job | None:
        try:
            return self._store.claim()
        except StorageError:
            _log.exception("no job could be taken from the store")
            self.is_paused = True
            return None

    def _run(self, engines: EngineSet, job: Job) -> None:
        """One attempt at one job, to whatever end."""
        work = JobWork(job.id, self._store, lambda: self._on_report(engines))
        partial = partial_path(self._settings.output_dir, job.id)
        self.board.publish(state=EngineState.BUSY, job_id=job.id)
        with job_log_context(job.id):
            try:
                self._make(engines, job, work, partial)
            except Exception as error:
                if not work.is_abandoned:
                    self._settle(engines, job, work.beat.stage, error)
            finally:
                partial.unlink(missing_ok=True)
        if not self._is_stopping:
            self.board.rest(self._settings.preload)
            engines.tidy()

    def _make(self, engines: EngineSet, job: Job, work: JobWork, partial: Path) -> None:
        final = output_path(self._settings.output_dir, job)
        result: LipSyncResult | None = None
        if not final.exists():  # else a process died after publishing the video, before it could say so
            engine = engine_named(engines, job.spec.engine)
            with self._watch.over(work), engines.leased(engine.name):
                result = make_video(engine, job, work, partial)
            publish(partial, final)
        seconds, was_prepared = (result.stage_seconds, result.template_was_prepared) if result else ({}, None)
        self._persist(lambda: self._store.finish(job.id, final, file_sha256(final), seconds, was_prepared))
        _log.info("made %s", final.name)

    def _settle(self, engines: EngineSet, job: Job, stage: str, error: Exception) -> None:
        """Decide what becomes of a job whose attempt has ended with an error."""
        if isinstance(error, JobCanceledError):
            self._persist(lambda: self._store.requeue(job.id))
            return
        _log.error("the attempt failed", exc_info=error)
        verdict = explain(error, self._settings.log_dir)
        if isinstance(verdict, DiskFullError):
            self._pause_for_room(job, verdict)
        elif is_users_fault(verdict):
            self._persist(lambda: self._store.fail(job.id, verdict))
        else:
            self._persist(lambda: self._store.retry(job.id, stage, verdict))
        if isinstance(verdict, DeviceMemoryError):
            engines.relieve()
        elif isinstance(verdict, DeviceLostError):
            self._end_for_good(str(verdict), error)

    def _pause_for_room(self, job: Job, why: DiskFullError) -> None:
        """The disk is full, whatever its figures say: the job goes back in line and waits with the rest."""
        self.is_paused = True
        self._persist(lambda: self._store.requeue(job.id, why))
        self._wake.clear()
        self._wake.wait(PAUSE_SECONDS)

    def _do_errand(self, engines: EngineSet, errand: Errand) -> None:
        work = Work(lambda: self._give_way(engines, errand))
        self.errands.start(errand)
        is_done = True
        try:
            with self._watch.over(work):
                errand.run(engines, work)
        except JobCanceledError:
            is_done = work.is_abandoned
        except Exception as error:
            _log.warning("%s could not be done", errand.key, exc_info=error)
            errand.failed(verdict := explain(error, self._settings.log_dir))
            if isinstance(verdict, DeviceLostError):
                self._end_for_good(str(verdict), error)
        finally:
            self.errands.stop(errand, is_done=is_done)
            self.board.notify()

    def _on_report(self, engines: EngineSet) -> None:
        self._orders.carry_out(engines)
        if self._is_stopping:
            raise JobCanceledError("HeyGem stops; the job goes back in line.")

    def _give_way(self, engines: EngineSet, errand: Errand) -> None:
        self._on_report(engines)
        if errand.key not in self.errands:
            raise JobCanceledError("Nobody wants it any more.")
        if not errand.goes_first and self._wake.is_set() and self._store.counts()[JobState.PENDING]:
            raise JobCanceledError("A job goes first.")

    def _persist(self, write: Callable[[], Job]) -> None:
        """Write the outcome of a job, waiting for room on the disk if that is what it takes."""
        while True:
            try:
                write()
                break
            except StorageError:
                _log.exception("the outcome of a job could not be written")
                if self._is_stopping:
                    return
                self._wake.clear()
                self._wake.wait(PAUSE_SECONDS)
        self.board.notify()

    def _end_for_good(self, reason: str, error: Exception | None = None) -> None:
        # Kept, with all that the failed work holds: freeing what a lost device shares may abort the process.
        self._is_stopping, self._fatal_error = True, error
        self.board.fail(reason, DeviceLostError.code)
        self._on_fatal(reason)
