"""HTML: nothing of the outside gets in unescaped, and each situation shows what it should."""

from dataclasses import replace
from pathlib import Path

import pytest

from heygem.jobs.archive import Batch, JobPage
from heygem.jobs.job import Job, JobSpec, JobState
from heygem.models.status import ModelState, ModelStatus
from heygem.ui import markup
from heygem.ui.batch import markup as batch_markup
from heygem.ui.history import markup as history_markup
from heygem.ui.status import Figure, Sentence
from heygem.ui.system.markup import DeviceMemory, models_panel
from heygem.ui.texts import Language

EVIL = """<script>alert("1")</script>'${x}`"""
SPEC = JobSpec(Path("a.wav"), Path("t.mp4"), title=EVIL, audio_name=EVIL, template_name=EVIL)
DONE = Job(
    "a" * 32,
    SPEC,
    JobState.SUCCEEDED,
    created_at=0.0,
    started_at=1.0,
    finished_at=2.0,
    output_path=Path("out/<o>.mp4"),
)

BATCH = Batch("b" * 32, EVIL, 0.0, dict.fromkeys(JobState, 1))


@pytest.mark.parametrize(
    "html",
    [
        markup.sentence(Sentence("bad", EVIL, EVIL), kind="job"),
        markup.figures([Figure(EVIL, EVIL)]),
        markup.warnings([EVIL]),
        markup.notice(EVIL),
        markup.message(EVIL),
        history_markup.history_page(JobPage((DONE,), 1), 1, "", False, "en"),
        history_markup.job_detail(DONE, False, "en"),
        batch_markup.batch_head(BATCH, [DONE], "en"),
        batch_markup.batch_items([DONE], DONE.id, "en"),
        batch_markup.batch_list([BATCH, BATCH], "", "en"),
        models_panel(
            [
                ModelStatus(
                    EVIL, EVIL, False, ModelState.READY, problem=EVIL, note=EVIL, warmed_buckets=(EVIL,)
                )
            ],
            DeviceMemory(True, 10, 5),
            0.0,
            "en",
        ),
        markup.facts({EVIL: EVIL}),
        markup.log_tail(EVIL, "en"),
    ],
)
def test_foreign_words_stay_words(html: str) -> None:
    assert "<script" not in html
    assert 'alert("1")' not in html
    assert "&lt;script&gt;" in html


def test_the_player_shows_the_result_beside_the_template() -> None:
    html = markup.player(DONE, "en")
    assert f'src="/media/results/{DONE.id}" controls' in html
    assert f'src="/media/jobs/{DONE.id}/template" muted' in html


def test_a_photo_is_no_video() -> None:
    photo = replace(DONE, spec=replace(SPEC, template_path=Path("me.JPG")))
    assert "<img" in markup.player(photo, "en")
    assert markup.player(photo, "en").count("<video") == 1


def test_only_an_unfinished_job_shimmers() -> None:
    shimmers = {state: "hg-waiting" in markup.player(replace(DONE, state=state), "en") for state in JobState}
    assert shimmers == {state: not state.is_final for state in JobState}


def test_the_player_does_not_change_while_a_job_runs() -> None:
    """A changed player would start its videos anew."""
    running = replace(DONE, state=JobState.RUNNING, output_path=None)
    assert markup.player(replace(running, done=1), "en") == markup.player(replace(running, done=2), "en")


def test_actions_fit_the_state() -> None:
    def actions(job: Job) -> set[str]:
        html = history_markup.job_detail(job, False, "en")
        return {name for name in ("check", "cancel", "delete", "retry", "pin") if f'action="{name}"' in html}

    assert actions(DONE) == {"check", "delete", "pin"}
    assert actions(replace(DONE, state=JobState.RUNNING)) == {"cancel"}
    assert actions(replace(DONE, state=JobState.FAILED)) == {"delete", "retry"}
    assert actions(replace(DONE, output_path=None)) == {"delete"}


def test_a_failed_job_says_why() -> None:
    failed = replace(
        DONE, state=JobState.FAILED, output_path=None, error_code="face_none", error_message="No face."
    )
    for html in (history_markup.job_detail, batch_item):
        assert "No face." in html(failed, False, "en")
        assert "没有找到人脸" in html(failed, False, "zh")


def batch_item(job: Job, is_playing: bool, language: Language) -> str:
    return batch_markup.batch_items([job], job.id if is_playing else "", language)


def test_a_job_is_canceled_until_it_can_be_downloaded() -> None:
    assert "?download=true" in markup.job_action(DONE, "en")
    assert 'data-action="cancel"' in markup.job_action(replace(DONE, state=JobState.RUNNING), "en")
    assert markup.job_action(replace(DONE, state=JobState.FAILED), "en") == ""


def test_nothing_yet() -> None:
    assert "Your video appears here" in markup.player(None, "en")
    assert "还没有任何记录" in history_markup.history_page(JobPage((), 0), 1, "", False, "zh")
    assert markup.message("") == markup.notice("") == ""
