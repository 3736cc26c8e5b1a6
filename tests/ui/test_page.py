"""The page as Gradio sees it."""

import os
import re
import time
from pathlib import Path

import gradio as gr
from starlette.testclient import TestClient

from heygem.server.app import create_app
from heygem.ui.drawing import WORD_SECONDS
from heygem.ui.page import build_page, mount_page, remove_older_than
from heygem.ui.state import PageState
from heygem.ui.theme import STYLESHEET
from tests.fake_studio import fake_studio, finished_job


def test_the_page_is_served_and_asks_nobody_else(tmp_path: Path) -> None:
    with fake_studio(tmp_path, start=False) as studio:
        client = TestClient(
            mount_page(create_app(studio), build_page(studio), studio), base_url="http://localhost:7860"
        )
        page = client.get("/")
        assert page.status_code == 200
        assert "生成视频" in page.text and "Generate" in page.text
        assert client.get("/healthz").status_code == 200
        css = client.get("/theme.css").text + STYLESHEET.read_text(encoding="utf-8")
        assert not re.search(r"@import|url\(.?https?:|//fonts", css)


def test_nothing_of_the_page_waits_in_a_queue(tmp_path: Path) -> None:
    """A queued event would wait behind other visitors, or be refused when the queue is full."""
    with fake_studio(tmp_path, start=False) as studio:
        config = build_page(studio).get_config_file()
        assert {dependency["queue"] for dependency in config["dependencies"]} <= {False, None}


def test_an_idle_page_seldom_looks_into_the_queue(tmp_path: Path) -> None:
    """Gradio looks a thousand times a second, which costs a tenth of a core."""
    usual = vars(gr.Blocks()._queue)
    with fake_studio(tmp_path, start=False) as studio:
        ours = vars(build_page(studio)._queue)
    for pause in ("sleep_when_free", "progress_update_sleep_when_free"):
        assert ours[pause] >= 0.05 > usual[pause]


def ask(client: TestClient, **query: str) -> tuple[dict[str, str], dict[str, str]]:
    """What /draw answers: the views, and what to ask with next time."""
    answer = client.get("/draw", params=query)
    if answer.status_code == 204:
        return {}, query
    drawn = answer.json()
    marks = ",".join(f"{name}:{mark}" for name, (mark, _) in drawn["views"].items())
    views = {name: view for name, (_, view) in drawn["views"].items()}
    return views, query | {"word": drawn["word"], "was": drawn["state"], "seen": marks}


def test_only_what_changed_is_drawn(tmp_path: Path) -> None:
    with fake_studio(tmp_path) as studio:
        studio.wait_ready(30)
        client = TestClient(mount_page(create_app(studio), build_page(studio), studio))
        first, query = ask(client)
        assert "Ready" in first["banner"] and "history_rows" not in first, "nobody looks at that tab"
        second, query = ask(client, **query)
        assert set(second) <= {"figures"}, "only free memory may change by itself"
        finished_job(studio)
        time.sleep(WORD_SECONDS)
        third, _ = ask(client, **query)
        assert {"player", "job"} <= set(third) and "warnings" not in third
        state = PageState(tab="history").write()
        assert "history_rows" in ask(client, page=state)[0]
        assert "history_rows" not in ask(client, page="{broken")[0]
        chinese = client.get("/draw", headers={"accept-language": "zh"}).json()["views"]
        assert "已就绪" in chinese["banner"][1]


def test_a_page_that_has_seen_everything_gets_an_empty_answer(tmp_path: Path) -> None:
    with fake_studio(tmp_path, start=False) as studio:
        client = TestClient(mount_page(create_app(studio), build_page(studio), studio))
        word = client.get("/draw").json()["word"]
        answers = [client.get("/draw", params={"word": word}).status_code for _ in range(5)]
        assert 204 in answers


def test_another_page_cannot_press_its_buttons(tmp_path: Path) -> None:
    with fake_studio(tmp_path, start=False) as studio:
        client = TestClient(
            mount_page(create_app(studio), build_page(studio), studio), base_url="http://localhost:7860"
        )
        for path in ("/gradio_api/queue/join", "/gradio_api/run/predict", "/gradio_api/upload"):
            assert client.post(path, headers={"origin": "https://evil.example"}).status_code == 403


def test_leftover_uploads_are_swept(tmp_path: Path) -> None:
    old, new = tmp_path / "a" / "old.wav", tmp_path / "new.wav"
    old.parent.mkdir()
    for path in (old, new):
        path.write_bytes(b"x")
    os.utime(old, (time.time() - 100,) * 2)
    remove_older_than(50, tmp_path)
    assert new.exists() and not old.exists()
    remove_older_than(50, tmp_path / "missing")
