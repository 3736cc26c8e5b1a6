"""The engine thread: how it comes up, what it makes of every kind of failure, and how it ends."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from threading import Event, Thread

import pytest

from heygem.engines.base import STAGES, JobContext, Stage
from heygem.engines.fake import FakeEngines
from heygem.engines.status import EngineState
from heygem.errors import DeviceLostError, DiskFullError, HeyGemError, NoFaceError, WeightsCorruptError
from heygem.hardware.device import Device
from heygem.jobs.database import Database
from heygem.jobs.engine_set import EngineSet
from heygem.jobs.errands import ErrandKind
from heygem.jobs.job import Job, JobSpec, JobState
from heygem.jobs.outputs import output_path
from heygem.jobs.store import ENGINE_ERROR_LIMIT, JobStore
from heygem.jobs.worker import EngineWorker
from heygem.media.check import check_video
from heygem.settings import Settings
from tests.tiny_media import write_clip, write_speech

WAIT_SECONDS = 20.0


def nothing(stage: Stage) -> None:
    return


class Faults:
    """An `on_stage` hook: raises the given errors, one at each visit of a stage, and remembers the visits."""

    def __init__(self, stage: Stage, *errors: Exception) -> None:
        self.visits: list[Stage] = []
        self._stage = stage
        self._errors = list(errors)

    def __call__(self, stage: Stage) -> None:
        self.visits.append(stage)
        if stage == self._stage and self._errors:
            raise self._errors.pop(0)


class Gate:
    """An `on_stage` hook that stands at one stage until it is opened."""

    def __init__(self, stage: Stage) -> None:
        self.reached, self.open = Event(), Event()
        self._stage = stage

    def __call__(self, stage: Stage) -> None:
        if stage == self._stage:
            self.reached.set()
            self.open.wait(WAIT_SECONDS)


class House:
    """A worker with a store and a fake engine of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings = Settings(
            data_dir=folder / "data",
            cache_dir=folder / "cache",
            model_cache_dir=folder / "models",
            output_dir=folder / "outputs",
            free_disk_reserve_bytes=100,
        )
        self.store = JobStore(Database(self.settings.jobs_path))
        speech, clip = write_speech(folder / "a.wav", 0.4), write_clip(folder / "t.mp4")
        self.spec = JobSpec(speech, clip, audio_name="a", template_name="t")
        self.fatal: list[str] = []
        self.free_bytes = 1000
        self.engines: list[FakeEngines] = []
        self.worker: EngineWorker

    def start(
        self,
        on_stage: Callable[[Stage], None] = nothing,
        *,
        wait_for_page: bool = False,
        **changes: object,
    ) -> EngineWorker:
        """Start a worker; `changes` are those of the fake engines."""

        def build(*arguments: object) -> FakeEngines:
            self.engines.append(partial(FakeEngines, on_stage=on_stage, **changes)(*arguments))
            return self.engines[-1]

        self.worker = EngineWorker(
            self.settings,
            self.store,
            build,
            on_fatal=self.fatal.append,
            free_bytes=lambda folder: self.free_bytes,
        )
        self.worker.start(wait_for_page=wait_for_page)
        return self.worker

    def submit(self, **changes: object) -> str:
        job = self.store.submit(replace(self.spec, **changes))
        self.worker.wake()
        return job.id

    def wait_state(self, job_id: str, state: JobState) -> Job:
        """The job, once it is in `state`."""
        assert self.until(lambda: self.store.get(job_id).state is state), self.store.get(job_id)
        return self.store.get(job_id)

    def until(self, is_so: Callable[[], bool]) -> bool:
        return self.worker.board.wait_until(is_so, WAIT_SECONDS)

    def until_state(self, state: EngineState) -> bool:
        return self.until(lambda: self.worker.board.status.state is state)

    def outputs(self) -> list[str]:
        folder = self.settings.output_dir
        return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    yield house
    house.worker.stop(WAIT_SECONDS)
    house.store.close()


# --- coming up -----------------------------------------------------------------------------------


def test_it_comes_up_and_tells_each_step(house: House) -> None:
    seen: list[tuple[EngineState, str, int]] = []
    house.start(seconds_per_model=0.05, device=Device("cpu", note="No GPU."), wait_for_page=True)
    board = house.worker.board

    def look() -> bool:
        status = board.status
        seen.append((status.state, status.step, status.ready_models))
        return status.state is EngineState.READY

    house.worker.notify_page_bound()
    assert house.until(look)
    steps = [step for _, step, _ in seen]
    assert {"speech-encoder", "motion"} <= set(steps)
    assert [ready for _, _, ready in seen] == sorted(ready for _, _, ready in seen)
    status = board.status
    assert (status.state, status.step, status.ready_models) == (EngineState.READY, "", 2)
    assert (status.device, status.device_note) == ("cpu", "No GPU.")
    assert (status.ready_seconds or 0) >= 0.1


def test_nothing_is_imported_before_the_page_is_bound(house: House) -> None:
    house.start(wait_for_page=True)
    assert not house.worker.board.wait_until(lambda: bool(house.engines), 0.3)
    house.worker.notify_page_bound()
    assert house.until_state(EngineState.READY)


def test_without_preload_models_stay_absent(house: House) -> None:
    house.settings = replace(house.settings, preload=False)
    house.start()
    assert house.until_state(EngineState.READY)
    status = house.worker.board.status
    assert (status.preload, status.ready_models, len(status.models)) == (False, 0, 2)
    house.wait_state(house.submit(), JobState.SUCCEEDED)
    for _ in range(3):  # the engine thread goes round with nothing to do
        assert house.worker.clear_caches(WAIT_SECONDS)
    assert house.engines[0].engine.prepared == [house.spec.template_path]  # by the job; nothing ahead


def test_models_nobody_uses_go_and_come_back_with_a_job(house: House) -> None:
    house.settings = replace(house.settings, idle_unload_seconds=0.2)
    board = house.start().board
    assert house.until(lambda: board.status.ready_models == 2)
    assert house.until(lambda: not board.status.preload)  # the page says that they load on first use
    assert board.status.ready_models == 0
    assert board.status.state is EngineState.READY
    house.wait_state(house.submit(), JobState.SUCCEEDED)
    assert house.until(lambda: board.status.preload)
    assert house.until(lambda: board.status.ready_models == 2)


def test_models_stay_by_default(house: House) -> None:
    board = house.start().board
    assert house.until_state(EngineState.READY)
    assert not board.wait_until(lambda: not board.status.preload, 0.5)
    assert board.status.ready_models == 2


def test_an_early_job_waits_for_the_engine(house: House) -> None:
    early = house.store.submit(house.spec)
    house.start(seconds_per_model=0.1)
    assert house.store.get(early.id).state is JobState.PENDING
    house.wait_state(early.id, JobState.SUCCEEDED)


@pytest.mark.parametrize(
    ("error", "words"),
    [(WeightsCorruptError("motion.safetensors is damaged."), "motion"), (OSError("odd"), "OSError: odd")],
)
def test_an_engine_that_cannot_come_up_says_why_and_keeps_the_jobs(
    house: House, error: Exception, words: str
) -> None:
    def build(*arguments: object) -> FakeEngines:
        raise error

    house.worker = EngineWorker(house.settings, house.store, build, on_fatal=house.fatal.append)
    house.worker.start(wait_for_page=False)
    assert house.until_state(EngineState.FAILED)
    assert words in house.worker.board.status.problem
    job_id = house.submit()
    assert house.store.get(job_id).state is JobState.PENDING
    assert not house.worker.clear_caches(1.0)
    assert house.fatal == []


# --- jobs ----------------------------------------------------------------------------------------


def test_a_job_becomes_a_checked_file(house: House) -> None:
    house.start()
    job = house.wait_state(house.submit(), JobState.SUCCEEDED)
    assert job.output_path is not None
    assert house.outputs() == [job.output_path.name]
    assert job.output_path.name.endswith(f"_t_a_{job.id[:6]}.mp4")
    check_video(job.output_path, 10, Fraction(25), with_audio=True)
    assert (job.stage, job.attempt, set(job.timings)) == ("finish", 1, {"render"})
    assert len(job.output_sha256) == 64


@pytest.mark.parametrize("fault", ["truncated", "silent"])
def test_a_file_that_is_not_what_it_should_be_gets_no_name(house: House, fault: str) -> None:
    speech = write_speech(house.folder / "b.wav", 0.4)

    def spoil(stage: Stage) -> None:
        if stage == "finish":
            (partial_file,) = house.settings.output_dir.glob(".*")
            write_clip(partial_file, speech=None if fault == "silent" else speech)
            if fault == "truncated":
                partial_file.write_bytes(partial_file.read_bytes()[:-2000])

    house.start(spoil)
    assert house.wait_state(house.submit(), JobState.FAILED).error_code.startswith("media")
    assert house.until_state(EngineState.READY)
    assert house.outputs() == []


def test_a_video_published_by_a_process_that_died_is_not_made_again(house: House) -> None:
    faults = Faults("render")
    job = house.store.submit(house.spec)
    house.settings.output_dir.mkdir()
    published = output_path(house.settings.output_dir, job)
    write_clip(published)
    house.start(faults)
    assert house.wait_state(job.id, JobState.SUCCEEDED).output_path == published
    assert faults.visits == []


def test_the_status_names_the_job_at_work(house: House) -> None:
    gate = Gate("render")
    house.start(gate)
    job_id = house.submit()
    assert gate.reached.wait(WAIT_SECONDS)
    status = house.worker.board.status
    assert (status.state, status.job_id) == (EngineState.BUSY, job_id)
    gate.open.set()
    assert house.until_state(EngineState.READY)
    assert house.worker.board.status.job_id is None


def test_a_bad_input_fails_its_own_job_at_once(house: House) -> None:
    faults = Faults("template", NoFaceError("No face was found."))
    house.start(faults)
    bad, good = house.submit(), house.submit()
    job = house.wait_state(bad, JobState.FAILED)
    assert (job.attempt, job.error_code, job.error_message) == (1, "face_none", "No face was found.")
    house.wait_state(good, JobState.SUCCEEDED)
    assert house.fatal == []


def test_an_engine_error_is_tried_again(house: House) -> None:
    house.start(Faults("render", RuntimeError("odd"), RuntimeError("odd")))
    job = house.wait_state(house.submit(), JobState.SUCCEEDED)
    assert (job.attempt, job.error_message) == (3, "")


def test_an_engine_error_that_stays_fails_the_job_and_not_the_next(house: House) -> None:
    house.start(Faults("render", *[ValueError("odd")] * ENGINE_ERROR_LIMIT))
    job = house.wait_state(house.submit(), JobState.FAILED)
    assert job.attempt == ENGINE_ERROR_LIMIT
    assert "ValueError: odd" in job.error_message
    house.wait_state(house.submit(), JobState.SUCCEEDED)


def test_every_attempt_is_tidied_up_after(house: House) -> None:
    house.start(Faults("render", ValueError("odd")))
    house.wait_state(house.submit(), JobState.SUCCEEDED)  # at the second attempt
    house.wait_state(house.submit(), JobState.SUCCEEDED)
    assert house.worker.clear_caches(WAIT_SECONDS)  # the engine thread has come round
    assert house.engines[0].tidy_count == 3


def test_memory_is_given_back_before_another_try(house: House) -> None:
    house.start(Faults("render", RuntimeError("CUDA out of memory.")))
    house.wait_state(house.submit(), JobState.SUCCEEDED)
    assert house.engines[0].clear_count == 1


def test_a_lost_device_ends_the_process_and_keeps_the_job(house: House) -> None:
    house.start(Faults("render", RuntimeError("CUDA error: an illegal memory access was encountered")))
    job_id = house.submit()
    assert house.until_state(EngineState.FAILED)
    assert len(house.fatal) == 1
    assert house.store.get(job_id).state is JobState.PENDING


def test_a_device_lost_while_loading_ends_the_process(house: House) -> None:
    def build(*arguments: object) -> FakeEngines:
        raise DeviceLostError("The GPU is gone.")

    house.worker = EngineWorker(house.settings, house.store, build, on_fatal=house.fatal.append)
    house.worker.start(wait_for_page=False)
    assert house.until_state(EngineState.FAILED)
    assert house.fatal == ["The GPU is gone."]


def test_a_job_without_progress_ends_the_process_and_keeps_the_job(house: House) -> None:
    house.settings = replace(house.settings, job_stall_seconds=0.2)
    gate = Gate("render")
    house.start(gate)
    job_id = house.submit()
    assert gate.reached.wait(WAIT_SECONDS)
    house.worker.check_stall()
    assert house.fatal == []  # not yet
    time.sleep(0.25)
    house.worker.check_stall()
    assert "no progress" in house.fatal[0]
    assert house.worker.board.status.state is EngineState.FAILED
    assert house.store.get(job_id).state is JobState.PENDING
    gate.open.set()  # the engine wakes up after all: it must not touch the job any more
    assert house.worker.stop(WAIT_SECONDS)
    assert house.store.get(job_id).state is JobState.PENDING
    assert "no progress" in house.worker.board.status.problem
    assert house.outputs() == []


def test_a_slow_job_that_moves_is_left_alone(house: House) -> None:
    house.settings = replace(house.settings, job_stall_seconds=1.5)
    house.start(seconds_per_frame=0.2)
    job_id = house.submit()
    while not house.store.get(job_id).state.is_final:
        house.worker.check_stall()
        time.sleep(0.02)
    assert house.store.get(job_id).state is JobState.SUCCEEDED
    assert house.fatal == []


def test_an_unknown_engine_is_a_sentence(house: House) -> None:
    house.start()
    job = house.wait_state(house.submit(engine="magic"), JobState.FAILED)
    assert "choose one of mesh" in job.error_message
    assert job.attempt == 1


# --- cancel --------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", STAGES)
def test_cancel_works_at_every_stage(house: House, stage: Stage) -> None:
    gate = Gate(stage)
    house.start(gate, seconds_per_frame=0.15)
    job_id = house.submit()
    assert gate.reached.wait(WAIT_SECONDS)
    house.store.cancel(job_id)
    gate.open.set()
    canceled_at = time.monotonic()
    house.wait_state(job_id, JobState.CANCELED)
    assert time.monotonic() - canceled_at < 2.0
    assert house.until_state(EngineState.READY)
    assert house.outputs() == []


# --- the disk ------------------------------------------------------------------------------------


def test_a_full_disk_pauses_the_queue(house: House) -> None:
    house.free_bytes = 99
    house.start()
    job_id = house.submit()
    assert house.until_state(EngineState.READY)
    assert house.until(lambda: house.worker.is_paused) or house.worker.is_paused
    assert house.store.get(job_id).state is JobState.PENDING
    house.free_bytes = 100
    house.worker.wake()
    house.wait_state(job_id, JobState.SUCCEEDED)
    assert not house.worker.is_paused


def test_a_disk_that_fills_up_puts_the_job_back(house: House) -> None:
    def fill(stage: Stage) -> None:
        if stage == "render" and house.free_bytes > 100:
            house.free_bytes = 0
            raise DiskFullError("The disk is full.")

    house.start(fill)
    job_id = house.submit()
    assert house.until(lambda: house.store.get(job_id).error_code == "disk_full")
    assert house.store.get(job_id).state is JobState.PENDING
    house.free_bytes = 100
    house.worker.wake()
    house.wait_state(job_id, JobState.SUCCEEDED)


# --- between jobs --------------------------------------------------------------------------------


class Task:
    """An errand that counts its runs; it may be told to last until a job waits, or to fail."""

    kind: ErrandKind = "prepare"

    def __init__(self, key: str, *, goes_first: bool = False, lasts: bool = False, error: str = "") -> None:
        self.key, self.goes_first = key, goes_first
        self.runs = 0
        self.problems: list[str] = []
        self._lasts, self._error = lasts, error

    def run(self, engines: EngineSet, context: JobContext) -> None:
        self.runs += 1
        while self._lasts:
            time.sleep(0.01)
            context.report("template", self.runs, 9)
            if self.runs > 1:
                return
        if self._error:
            raise ValueError(self._error)

    def failed(self, error: HeyGemError) -> None:
        self.problems.append(str(error))


def test_an_errand_is_done_when_nothing_else_is_to_do(house: House) -> None:
    house.start()
    task = Task("a")
    house.worker.errands.add(task)
    wait_for(lambda: task.runs == 1 and "a" not in house.worker.errands)


def test_an_errand_gives_way_to_a_job_and_is_done_after_it(house: House) -> None:
    house.start()
    task = Task("a", lasts=True)
    house.worker.errands.add(task)
    wait_for(lambda: task.runs == 1)
    assert (house.worker.errands.running, house.worker.errands.running_kind) == ("a", "prepare")
    house.wait_state(house.submit(), JobState.SUCCEEDED)
    wait_for(lambda: task.runs == 2 and "a" not in house.worker.errands)


def test_an_errand_somebody_waits_for_goes_before_the_next_job(house: House) -> None:
    gate = Gate("render")
    house.start(gate)
    first, second = house.submit(), house.submit()
    assert gate.reached.wait(WAIT_SECONDS)
    task = Task("a", goes_first=True)
    house.worker.errands.add(task)
    gate.open.set()
    wait_for(lambda: task.runs == 1)
    assert house.store.get(first).state is JobState.SUCCEEDED
    house.wait_state(second, JobState.SUCCEEDED)


def test_an_errand_that_fails_says_why_and_stops_nothing(house: House) -> None:
    house.start()
    task = Task("a", error="odd")
    house.worker.errands.add(task)
    wait_for(lambda: "a" not in house.worker.errands)
    assert "ValueError: odd" in task.problems[0]
    house.wait_state(house.submit(), JobState.SUCCEEDED)


def test_an_errand_that_is_dropped_ends(house: House) -> None:
    house.start()
    task = Task("a", lasts=True)
    house.worker.errands.add(task)
    wait_for(lambda: task.runs == 1)
    house.worker.errands.drop("a")
    wait_for(lambda: house.worker.errands.running == "")
    assert task.runs == 1


def wait_for(is_so: Callable[[], bool]) -> None:
    """Until something that nobody announces is so."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


# --- clear cache ---------------------------------------------------------------------------------


def test_caches_are_cleared_on_the_engine_thread_even_during_a_job(house: House) -> None:
    gate = Gate("motion")
    house.start(gate)
    assert house.until_state(EngineState.READY)
    assert house.worker.clear_caches(WAIT_SECONDS)
    job_id = house.submit()
    assert gate.reached.wait(WAIT_SECONDS)
    cleared: list[bool] = []
    asking = Thread(target=lambda: cleared.append(house.worker.clear_caches(WAIT_SECONDS)))
    asking.start()
    gate.open.set()
    asking.join()
    assert cleared == [True]
    assert house.engines[0].clear_count == 2
    house.wait_state(job_id, JobState.SUCCEEDED)


def test_what_a_job_holds_is_not_cleared(house: House) -> None:
    gate = Gate("render")
    house.start(gate, seconds_per_frame=0.02)
    job_id = house.submit()
    assert gate.reached.wait(WAIT_SECONDS)
    assert house.worker.clearable_template_bytes == 0
    gate.open.set()
    assert house.worker.clear_caches(WAIT_SECONDS)
    held = house.engines[0].template_cache.bytes_on_disk
    house.wait_state(job_id, JobState.SUCCEEDED)
    assert held > 0
    assert house.worker.clearable_template_bytes == held


def test_an_engine_that_is_stuck_does_not_hold_up_clearing(house: House) -> None:
    gate = Gate("motion")
    house.start(gate)
    house.submit()
    assert gate.reached.wait(WAIT_SECONDS)
    assert not house.worker.clear_caches(0.05)
    gate.open.set()


# --- the end -------------------------------------------------------------------------------------


def test_stopping_puts_the_running_job_back(house: House) -> None:
    house.start(seconds_per_frame=0.1)
    job_id = house.submit()
    assert house.until(lambda: house.store.get(job_id).state is JobState.RUNNING)
    assert house.worker.stop(WAIT_SECONDS)
    job = house.store.get(job_id)
    assert (job.state, job.deaths) == (JobState.PENDING, 0)
    assert house.worker.board.status.state is EngineState.STOPPED
    assert house.outputs() == []


def test_stopping_before_the_page_is_bound_builds_nothing(house: House) -> None:
    house.start(wait_for_page=True)
    assert house.worker.stop(WAIT_SECONDS)
    assert house.engines == []
    assert house.worker.board.status.state is EngineState.STOPPED


def test_stopping_does_not_wait_for_a_stuck_engine(house: House) -> None:
    gate = Gate("motion")
    house.start(gate)
    house.submit()
    assert gate.reached.wait(WAIT_SECONDS)
    assert not house.worker.stop(0.05)
    assert house.worker.board.status.state is EngineState.DRAINING
    gate.open.set()
