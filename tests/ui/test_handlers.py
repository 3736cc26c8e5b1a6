"""The page's buttons and its timer, on a fake engine."""

from pathlib import Path
from threading import Event
from typing import Any

import gradio as gr
import pytest

from heygem.engines.status import EngineState
from heygem.jobs.cleanup import ClearPreview, ClearReport, Usage
from heygem.jobs.job import JobState
from heygem.studio import Studio
from heygem.ui.answers import guarded
from heygem.ui.batch.handlers import BatchHandlers
from heygem.ui.handlers import PageHandlers, clear_preview_words, clear_report_words
from heygem.ui.history.handlers import HistoryHandlers
from heygem.ui.state import PageState
from heygem.ui.views import LOG_TAIL_BYTES, render, tail
from tests.fake_studio import CLIP, SPEECH, fake_studio, finished_job

ENGLISH = gr.Request(headers={"accept-language": "en-US"})
CHINESE = gr.Request(headers={"accept-language": "zh-CN,zh;q=0.9"})
SKIP = gr.skip()
SINGLE = PageState()


def click(data: dict[str, str]) -> gr.EventData:
    return gr.EventData(None, data)


def generate(
    handlers: PageHandlers,
    audio: Path | None = SPEECH,
    template: str = "anna",
    upload: Path | None = None,
    **more: Any,
) -> tuple[Any, str]:
    options = {
        "expressiveness": 1.0,
        "smile": 0.0,
        "audio_offset_ms": 0,
        "fps": "",
        "loop_mode": "pingpong",
        "quality_crf": 18,
        "visible_label": False,
        "living": "auto",
    }
    paths = [path and str(path) for path in (audio, upload)]
    request = more.pop("request", ENGLISH)
    chosen = (options | more).values()
    page, problem = handlers.generate(PageState(), paths[0], template, paths[1], *chosen, request)  # type: ignore[arg-type]
    return page.job_id if isinstance(page, PageState) else page, problem


def test_generate_orders_what_was_chosen(tmp_path: Path) -> None:
    with fake_studio(tmp_path, start=False) as studio:
        chosen = {
            "expressiveness": 1.2,
            "smile": 0.4,
            "audio_offset_ms": -40,
            "fps": "30",
            "loop_mode": "loop",
            "quality_crf": 14,
            "visible_label": True,
            "living": "off",
        }
        job_id, problem = generate(PageHandlers(studio), template="marcus", **chosen)
        assert problem == ""
        job = studio.jobs.get(job_id)
        options = job.spec.options
        assert {name: getattr(options, name) for name in chosen} == chosen | {"fps": 30}
        assert job.spec.title == "Marcus · Chinese, female voice"
        assert job.spec.template_path.name == "marcus.mp4"


def test_an_upload_wins_over_the_card(tmp_path: Path) -> None:
    with fake_studio(tmp_path, start=False) as studio:
        job_id, _ = generate(PageHandlers(studio), template="", upload=CLIP)
        assert studio.jobs.get(job_id).spec.template_name == CLIP.stem


def test_an_upload_keeps_the_quotes_of_its_name(tmp_path: Path) -> None:
    sent = tmp_path / "我的 %22一号%22.flac"  # what a browser makes of: 我的 "一号".flac
    sent.write_bytes(SPEECH.read_bytes())
    with fake_studio(tmp_path, start=False) as studio:
        job_id, _ = generate(PageHandlers(studio), sent)
        assert studio.jobs.get(job_id).spec.audio_name == '我的 "一号"'


@pytest.mark.parametrize(
    ("audio", "template", "words"),
    [(None, "anna", "语音"), (SPEECH, "", "人物"), (SPEECH, "../../etc/passwd", "模板")],
)
def test_what_is_missing_is_said(tmp_path: Path, audio: Path | None, template: str, words: str) -> None:
    with fake_studio(tmp_path, start=False) as studio:
        job_id, problem = generate(PageHandlers(studio), audio, template, request=CHINESE)
        assert job_id == SKIP
        assert words in problem
        assert studio.jobs.list_jobs() == ()


def test_a_bad_file_is_refused_in_one_sentence(tmp_path: Path) -> None:
    bad = tmp_path / "坏 'x'.mp4"
    bad.write_text("this is not a video")
    with fake_studio(tmp_path, start=False) as studio:
        handlers = PageHandlers(studio)
        _, english = generate(handlers, upload=bad)
        _, chinese = generate(handlers, upload=bad, request=CHINESE)
        assert "Traceback" not in english and "Error" not in english
        assert english.count("<p") == 1
        assert "音视频文件" in chinese and "坏" in chinese
        _, problem = generate(handlers)
        assert problem == "", "the next job is refused too"


def test_the_ready_notice_comes_once_and_only_after_waiting(tmp_path: Path) -> None:
    with fake_studio(tmp_path) as studio:
        studio.wait_ready(30)
        assert "系统已就绪" in render(studio, SINGLE, EngineState.INITIALIZING, "zh")["notice"]
        assert "notice" not in render(studio, SINGLE, EngineState.READY, "zh"), "it must not float in again"
        assert "notice" not in render(studio, SINGLE, "", "zh"), "a page opened later has nothing to announce"


def test_a_new_page_shows_the_running_job_and_then_the_last(tmp_path: Path) -> None:
    entered, go_on = Event(), Event()

    def wait(stage: str) -> None:
        if stage == "render":
            entered.set()
            go_on.wait(30)

    with fake_studio(tmp_path, on_stage=wait) as studio:
        handlers = PageHandlers(studio)
        running, _ = generate(handlers)
        waiting, _ = generate(handlers, template="marcus")
        assert entered.wait(30)
        new_page = render(studio, SINGLE, "", "en")
        assert running in new_page["player"] and 'data-action="cancel"' in new_page["job"]
        follower = render(studio, PageState(job_id=waiting), "", "en")
        assert waiting in follower["player"] and "In line, number 1" in follower["job"]
        go_on.set()
        studio.wait_job(waiting, 60)
        assert f"/media/results/{waiting}" in render(studio, SINGLE, "", "en")["player"]


def test_cancel_stops_the_job_on_show(tmp_path: Path) -> None:
    with fake_studio(tmp_path, seconds_per_frame=0.05) as studio:
        handlers = PageHandlers(studio)
        job_id, _ = generate(handlers)
        assert handlers.cancel(PageState(job_id=job_id), ENGLISH) == ""
        assert studio.wait_job(job_id, 30).state is JobState.CANCELED
        page = render(studio, PageState(job_id=job_id), "", "en")
        assert 'data-action="cancel"' not in page["job"] and "Canceled" in page["job"]


def test_a_forged_click_is_one_sentence(tmp_path: Path) -> None:
    with fake_studio(tmp_path, start=False) as studio:
        handlers = PageHandlers(studio)
        for act in (HistoryHandlers(studio).act, BatchHandlers(studio).act):
            for data in ({"action": "play"}, {"action": "delete"}, {"action": "../.."}, {}):
                _, problem = act(SINGLE, click(data), ENGLISH)
                assert "could not do this" in problem
        assert handlers.choose_voice(click({"voice": "../../etc/passwd"})) is None


def test_demo_voices_are_files(tmp_path: Path) -> None:
    with fake_studio(tmp_path, start=False) as studio:
        assert PageHandlers(studio).choose_voice(click({"voice": SPEECH.stem})) == str(SPEECH)


def test_clear_cache_previews_and_then_measures(tmp_path: Path) -> None:
    with fake_studio(tmp_path) as studio:
        studio.wait_ready(30)
        finished_job(studio)
        handlers = PageHandlers(studio)
        _, preview, _ = handlers.preview_clear(ENGLISH)
        assert "can be freed" in preview
        report, _ = handlers.clear(ENGLISH)
        assert "Freed" in report and "Measured" in report


def test_words_of_clearing() -> None:
    preview = clear_preview_words(ClearPreview(10**6, 2048, 0), "en")
    assert preview.headline == "1.0 MB can be freed"
    before = Usage(10**6, 0, 0, process_ram_bytes=2 * 10**9, used_vram_bytes=3 * 10**9)
    after = Usage(0, 0, 0, process_ram_bytes=10**9, used_vram_bytes=10**9)
    said = clear_report_words(ClearReport(before, after, engine_cleared=True), "en")
    assert (said.headline, said.detail) == ("Freed 1.0 MB on disk", "Measured: memory 1.0 GB, VRAM 2.0 GB.")
    assert "busy" in clear_report_words(ClearReport(before, after, engine_cleared=False), "en").detail


def test_the_unexpected_is_logged_and_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> str:
        raise ZeroDivisionError("secret")

    assert "secret" not in guarded(fail, "en", str)
    assert "ZeroDivisionError" in caplog.text


def test_the_log_tail_is_whole_lines(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    assert tail(log) == ""
    log.write_text("\n".join(f"line {number}" for number in range(5000)))
    lines = tail(log).splitlines()
    assert lines[-1] == "line 4999" and lines[0].startswith("line ") and len(tail(log)) <= LOG_TAIL_BYTES
    log.write_text("one\ntwo")
    assert tail(log) == "one\ntwo"


def test_two_studios_have_two_pages(tmp_path: Path) -> None:
    with (
        fake_studio(tmp_path / "a", start=False) as first,
        fake_studio(tmp_path / "b", start=False) as second,
    ):
        handlers: list[PageHandlers] = [PageHandlers(studio) for studio in (first, second)]
        generate(handlers[0])
        lengths = [len(studio.jobs.list_jobs()) for studio in (first, second)]
        assert lengths == [1, 0]
        assert isinstance(first, Studio)
