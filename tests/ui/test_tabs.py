"""The Batch, Templates and History tabs, on a fake engine."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from heygem.assets.catalog import DEFAULT_SPEECHES
from heygem.engines.base import LipSyncOptions
from heygem.jobs.job import JobSpec, JobState
from heygem.studio import Studio
from heygem.ui.answers import SKIP
from heygem.ui.batch.handlers import BatchHandlers
from heygem.ui.history.handlers import HistoryHandlers
from heygem.ui.library.handlers import LibraryHandlers
from heygem.ui.state import PageState, TabName
from heygem.ui.views import render
from tests.fake_studio import CLIP, SPEECH, fake_studio, finished_job
from tests.tiny_media import write_clip, write_speech

ENGLISH = gr.Request(headers={"accept-language": "en-US"})


def click(**data: Any) -> gr.EventData:
    return gr.EventData(None, data)


def look(studio: Studio, tab: TabName, **where: Any) -> dict[str, str]:
    return render(studio, PageState(tab=tab, **where), "", "en")


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def start(handlers: BatchHandlers, speeches: list[str] | None, voices: str, cards: str) -> tuple[Any, str]:
    return handlers.start(
        PageState(),
        speeches,
        voices,
        cards,
        None,
        "",
        "template",
        1.0,
        0.0,
        0,
        "",
        "pingpong",
        18,
        False,
        "auto",
        ENGLISH,
    )


def order_batch(studio: Studio, files: list[Path], *, voices: str = "", cards: str = "anna") -> PageState:
    handlers = BatchHandlers(studio)
    speeches = [str(path) for path in files]
    page, problem = start(handlers, speeches, voices, cards)
    assert problem == ""
    assert isinstance(page, PageState)
    return page


# --- batch ---------------------------------------------------------------------------------------


def test_the_plan_counts_the_videos(tmp_path: Path) -> None:
    with fake_studio(tmp_path, start=False) as studio:
        handlers = BatchHandlers(studio)
        assert "3 × 2 = 6 videos" in handlers.plan(["a", "b"], "speech_zh_male", "anna,marcus", None, ENGLISH)
        assert "at least one" in handlers.plan(None, "", "anna", None, ENGLISH)
        _, problem = start(handlers, None, "", "anna")
        assert "first" in problem


def test_a_batch_with_a_bad_recording_makes_the_others_and_says_why(tmp_path: Path) -> None:
    bad, good = tmp_path / "bad.wav", write_speech(tmp_path / "good.wav", 0.2)
    bad.write_text("no sound")
    with fake_studio(tmp_path / "s") as studio:
        page = order_batch(studio, [bad, good], voices=DEFAULT_SPEECHES[0].name)
        until(lambda: studio.archive.batch(page.batch_id).finished == 3)
        views = look(studio, "batch", batch_id=page.batch_id)
        assert "<b>3</b> / 3" in views["batch_head"] and "1 failed" in views["batch_head"]
        assert "not a video or sound file" in views["batch_items"]
        assert f"/media/batches/{page.batch_id}.zip" in views["batch_head"]
        done = next(
            job for job in studio.archive.jobs_of_batch(page.batch_id) if job.state is JobState.SUCCEEDED
        )
        page, _ = BatchHandlers(studio).act(page, click(action="play", job=done.id), ENGLISH)
        assert f'src="/media/results/{done.id}"' in render(studio, page_of(page), "", "en")["batch_items"]


def page_of(page: PageState) -> PageState:
    return PageState(tab="batch", batch_id=page.batch_id, batch_playing=page.batch_playing)


def test_a_batch_is_canceled_and_retried_as_a_whole(tmp_path: Path) -> None:
    bad = tmp_path / "bad.wav"
    bad.write_text("no sound")
    with fake_studio(tmp_path / "s", start=False) as studio:
        handlers = BatchHandlers(studio)
        page = order_batch(studio, [SPEECH, bad], cards="anna,marcus")
        assert "Cancel the rest" in look(studio, "batch")["batch_head"]
        assert handlers.act(page, click(action="retry_batch", batch=page.batch_id), ENGLISH) == (SKIP, "")
        assert studio.archive.batch(page.batch_id).counts[JobState.PENDING] == 4
        handlers.act(page, click(action="cancel_batch", batch=page.batch_id), ENGLISH)
        assert studio.archive.batch(page.batch_id).counts[JobState.CANCELED] == 4
        second = order_batch(studio, [SPEECH])
        assert page.batch_id in look(studio, "batch")["batch_list"]
        assert (
            look(studio, "batch")["batch_head"] != look(studio, "batch", batch_id=page.batch_id)["batch_head"]
        )
        assert second.batch_id != page.batch_id


# --- templates -----------------------------------------------------------------------------------


def test_templates_are_added_and_bad_files_explained(tmp_path: Path) -> None:
    clip, bad = write_clip(tmp_path / "王 'x'.mp4"), tmp_path / "bad.mp4"
    bad.write_text("no video")
    with fake_studio(tmp_path / "s") as studio:
        page, message, _ = LibraryHandlers(studio).add(PageState(), [str(clip), str(bad)], ENGLISH)
        assert "Added: 王 &#x27;x&#x27;." in message and "bad.mp4:" in message
        until(lambda: studio.library.is_prepared(studio.library.get(page.template_id)))
        views = look(studio, "library", template_id=page.template_id)
        assert "120 pixels wide" in views["library_detail"]
        assert "not used yet" in views["library_cards"]
        studio.submit(JobSpec(SPEECH, clip, template_id=page.template_id))
        assert "used once" in look(studio, "library")["library_cards"]


def test_a_template_is_renamed_used_and_deleted(tmp_path: Path) -> None:
    with fake_studio(tmp_path, start=False) as studio:
        handlers, template = LibraryHandlers(studio), studio.library.add(CLIP)

        def act(**data: str) -> tuple[Any, ...]:
            return handlers.act(PageState(), click(template=template.id, **data), ENGLISH)

        assert act(action="rename", words="Neu")[-1] == ""
        assert studio.library.get(template.id).name == "Neu"
        assert "name" in act(action="rename", words=" ")[-1]
        page, tabs, card, upload, problem = act(action="use")
        assert (page.tab, card, upload, problem) == ("single", template.id, None, "")
        assert act(action="delete")[-1] == ""
        assert "not there" in act(action="delete")[-1]
        _, _, _, _, problem = handlers.act(PageState(), click(action="delete", template="anna"), ENGLISH)
        assert "stay" in problem


def test_one_of_several_faces_is_chosen_by_a_click(tmp_path: Path) -> None:
    two = ((0.1, 0.2, 0.3, 0.6), (0.6, 0.2, 0.9, 0.7))
    with fake_studio(tmp_path, face_boxes=two) as studio:
        template = studio.library.add(CLIP)
        until(lambda: studio.library.get(template.id).look is not None)
        shown = look(studio, "library", template_id=template.id)["library_detail"]
        assert shown.count('class="hg-face"') == 2 and "several faces" in shown
        handlers = LibraryHandlers(studio)
        handlers.act(PageState(), click(action="face", template=template.id, x=0.75, y=9), ENGLISH)
        assert studio.library.get(template.id).face_point == (0.75, 1.0)
        handlers.act(PageState(), click(action="face", template=template.id, x=0.75, y=0.5), ENGLISH)
        until(lambda: studio.library.get(template.id).look is not None)
        shown = look(studio, "library", template_id=template.id)["library_detail"]
        assert 'aria-pressed="true"' in shown
        handlers.act(PageState(), click(action="face", template=template.id), ENGLISH)
        assert studio.library.get(template.id).face_point is None


# --- history -------------------------------------------------------------------------------------


@pytest.fixture
def names() -> list[str]:
    return [f"Video {number}" for number in range(12)]


def test_history_is_paged_searched_and_filtered(tmp_path: Path, names: list[str]) -> None:
    with fake_studio(tmp_path, start=False) as studio:
        jobs = [studio.submit(JobSpec(SPEECH, CLIP, title=name)) for name in names]
        handlers = HistoryHandlers(studio)
        first = look(studio, "history")["history_rows"]
        assert first.count("data-pick=") == 0, "what is not finished cannot be deleted"
        assert "1–10 of 12" in first and "Video 11" in first and "Video 1<" not in first
        page, _ = handlers.act(PageState(tab="history"), click(action="page", page="2"), ENGLISH)
        assert "11–12 of 12" in render(studio, page, "", "en")["history_rows"]
        page = replace(page, words="video 7", page=1)
        assert "1–1 of 1" in render(studio, page, "", "en")["history_rows"]
        studio.cancel(jobs[0].id)
        page = replace(page, words="", show="canceled")
        assert render(studio, page, "", "en")["history_rows"].count("<li") == 1
        page = replace(page, words="nobody", show="all")
        assert "Nothing matches" in render(studio, page, "", "en")["history_rows"]


def test_a_video_is_pinned_checked_and_deleted(tmp_path: Path) -> None:
    with fake_studio(tmp_path) as studio:
        handlers, job = HistoryHandlers(studio), finished_job(studio)

        def act(action: str) -> tuple[Any, str]:
            return handlers.act(PageState(), click(action=action, job=job.id), ENGLISH)

        assert act("check") == (SKIP, "")
        until(lambda: bool(studio.jobs.get(job.id).checkup))
        shown = look(studio, "history", history_job=job.id)["history_detail"]
        assert "90% alike, in time" in shown and "Painting frames" in shown
        act("pin")
        assert "to be kept" in act("delete")[1]
        act("unpin")
        page, problem = act("delete")
        assert (page.history_job, problem) == ("", "")
        assert job.output_path is not None and not job.output_path.exists()


def test_ticked_videos_are_deleted_together(tmp_path: Path) -> None:
    with fake_studio(tmp_path) as studio:
        jobs = [finished_job(studio) for _ in range(3)]
        ids = [job.id for job in jobs[:2]]
        _, problem = HistoryHandlers(studio).act(PageState(), click(action="delete_picked", ids=ids), ENGLISH)
        assert problem == ""
        assert [job.id for job in studio.jobs.list_jobs()] == [jobs[2].id]


def test_a_job_is_used_again_with_its_names_and_options(tmp_path: Path) -> None:
    speech, clip = write_speech(tmp_path / "讲话.wav", 0.2), write_clip(tmp_path / "t.mp4")
    with fake_studio(tmp_path / "s", start=False) as studio:
        options = LipSyncOptions(expressiveness=1.3, smile=0.5, visible_label=True)
        job = studio.submit(JobSpec(speech, clip, options=options, template_name="我"))
        handlers = HistoryHandlers(studio)
        page, _, audio, card, upload, *rest = handlers.use_again(PageState(), click(job=job.id), ENGLISH)
        assert (page.tab, card, Path(audio).name, Path(upload).name) == ("single", "", "讲话.wav", "我.mp4")
        assert Path(audio).read_bytes() == speech.read_bytes()
        assert rest[:2] == [1.3, 0.5] and rest[6] is True and rest[-1] == ""
        job = studio.submit(JobSpec(SPEECH, CLIP, template_id="anna"))
        _, _, audio, card, upload, *_ = handlers.use_again(PageState(), click(job=job.id), ENGLISH)
        assert (audio, card, upload) == (str(SPEECH), "anna", None)
