"""Batches, the archive, and what the desk refuses."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heygem.errors import JobError, JobNotFoundError, QueueFullError, SettingsError
from heygem.jobs.archive import JobArchive, JobQuery
from heygem.jobs.batch import BatchSpec, Order, Source, expand
from heygem.jobs.database import Database
from heygem.jobs.desk import OrderDesk
from heygem.jobs.job import JobSpec, JobState
from heygem.jobs.store import JobStore
from heygem.jobs.uploads import UploadStore
from heygem.settings import Settings
from tests.tiny_media import write_clip, write_speech


class Office:
    """A desk with a store and an archive."""

    def __init__(self, folder: Path, most: int = 1000) -> None:
        settings = Settings(folder, folder, folder, folder / "out", max_pending_jobs=most)
        self.database = Database(folder / "jobs.db")
        self.store, self.archive = JobStore(self.database), JobArchive(self.database)
        self.uploads = UploadStore(folder / "uploads")
        self.wakes = 0
        self.desk = OrderDesk(settings, self.database, self.store, self.uploads, self.wake)
        self.speech = Source(write_speech(folder / "a.wav", 0.2), "你好")
        self.other = Source(write_speech(folder / "b.wav", 0.3))
        self.clip = Source(write_clip(folder / "t.mp4"), "Anna", "anna")

    def wake(self) -> None:
        self.wakes += 1


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    office = Office(tmp_path)
    yield office
    office.database.close()


def test_every_speech_is_said_by_every_template(office: Office) -> None:
    batch = BatchSpec((office.speech, office.other), (office.clip,), title="News")
    shown = office.archive.batch(office.desk.submit_batch(batch))
    jobs = office.archive.jobs_of_batch(shown.id)
    assert (shown.title, shown.total, shown.finished) == ("News", 2, 0)
    assert [job.spec.title for job in jobs] == ["Anna · 你好", "Anna · b"]
    assert len(list(office.uploads.folder.iterdir())) == 3, "each input is kept once"
    assert office.wakes == 1
    assert office.archive.batches() == (shown,)


@given(st.integers(1, 5), st.integers(1, 5), st.sampled_from(["template", "speech"]))
def test_the_order_is_the_one_asked_for(speeches: int, templates: int, order: Order) -> None:
    batch = BatchSpec(
        tuple(Source(Path(f"a{index}")) for index in range(speeches)),
        tuple(Source(Path(f"t{index}")) for index in range(templates)),
        order=order,
    )
    pairs = [(spec.audio_path.name, spec.template_path.name) for spec in expand(batch)]
    assert len(set(pairs)) == len(pairs) == speeches * templates
    outer = [pair[order == "template"] for pair in pairs]
    assert outer == sorted(outer)


def test_the_items_of_a_bad_input_fail_alone(office: Office, tmp_path: Path) -> None:
    bad = tmp_path / "bad.wav"
    bad.write_text("no sound")
    batch_id = office.desk.submit_batch(BatchSpec((Source(bad), office.speech), (office.clip,)))
    failed, waiting = office.archive.jobs_of_batch(batch_id)
    assert (failed.state, failed.error_code) == (JobState.FAILED, "media_unreadable")
    assert waiting.state is JobState.PENDING
    assert office.desk.retry_batch(batch_id) == 1
    assert office.archive.batch(batch_id).counts[JobState.PENDING] == 2
    assert office.desk.cancel_batch(batch_id) == 2
    assert office.desk.retry_batch(batch_id) == 0, "what was canceled was canceled on purpose"


def test_empty_and_too_large_batches_are_refused_whole(tmp_path: Path) -> None:
    office = Office(tmp_path, most=3)
    with pytest.raises(SettingsError, match="at least one"):
        office.desk.submit_batch(BatchSpec((), (office.clip,)))
    with pytest.raises(QueueFullError, match="at most 3"):
        office.desk.submit_batch(BatchSpec((office.speech, office.other), (office.clip, office.clip)))
    assert office.archive.batches() == ()
    office.database.close()


def test_a_batch_vanishes_with_its_last_job(office: Office) -> None:
    batch_id = office.desk.submit_batch(BatchSpec((office.speech,), (office.clip,)))
    office.desk.cancel_batch(batch_id)
    office.desk.delete(job.id for job in office.archive.jobs_of_batch(batch_id))
    assert office.archive.batches() == ()
    with pytest.raises(JobNotFoundError):
        office.archive.batch("x")


def test_a_pinned_video_is_not_deleted(office: Office) -> None:
    spec = JobSpec(office.speech.path, office.clip.path)
    job = office.desk.cancel(office.desk.submit(spec).id)
    office.store.pin(job.id, True)
    with pytest.raises(JobError, match="kept"):
        office.desk.delete([job.id])
    office.store.pin(job.id, False)
    assert office.desk.delete([job.id]) == 1


def test_words_states_and_pins_narrow_a_search(office: Office) -> None:
    spec = JobSpec(office.speech.path, office.clip.path)
    titles = ("Anna · 100% 新闻", "anna · news", "Marcus · _ 'x'")
    ids = [office.store.submit(replace(spec, title=title)).id for title in titles]
    office.store.pin(ids[1], True)
    office.store.cancel(ids[2])

    def found(**query: object) -> list[str]:
        page = office.archive.search(JobQuery(**query))  # type: ignore[arg-type]
        assert page.total == len(page.jobs)
        return [job.id for job in page.jobs]

    assert found() == ids[::-1]
    assert found(words="ANNA") == [ids[1], ids[0]]
    assert found(words="新闻 anna") == [ids[0]]
    assert found(words="%") == [ids[0]] and found(words="_") == [ids[2]] and found(words="'x'") == [ids[2]]
    assert found(states=(JobState.CANCELED,)) == [ids[2]]
    assert found(only_pinned=True, words="news") == [ids[1]]
    office.store.submit(spec, batch_id="b")
    assert found(only_single=True) == ids[::-1]
    assert len(found()) == 4
    assert office.archive.search(JobQuery(), 2, 2).total == 4


def test_places_in_line_follow_priority_and_then_order(office: Office) -> None:
    spec = JobSpec(office.speech.path, office.clip.path)
    ids = [office.store.submit(spec, priority=priority).id for priority in (0, 0, 5)]
    assert [office.archive.place_in_line(job_id) for job_id in ids] == [2, 3, 1]
    assert office.store.claim() is not None
    assert [office.archive.place_in_line(job_id) for job_id in ids] == [1, 2, 0]
    assert office.archive.place_in_line("unknown") == 0


def test_hits_are_counted_over_the_last_jobs(office: Office) -> None:
    for was_prepared in (False, True, True, None):
        office.store.submit(JobSpec(office.speech.path, office.clip.path))
        job = office.store.claim()
        assert job is not None
        office.store.finish(job.id, Path("o.mp4"), "", {}, was_prepared)
    assert office.archive.template_hits() == (2, 3)
    assert office.archive.template_hits(last=2) == (2, 2)
