"""The page as Gradio sees it."""

import os
import re
import time
from pathlib import Path

from starlette.testclient import TestClient

from heygem.server.app import create_app
from heygem.ui.page import build_page, mount_page, remove_older_than
from heygem.ui.theme import STYLESHEET
from tests.fake_studio import fake_studio


def test_the_page_is_served_and_asks_nobody_else(tmp_path: Path) -> None:
    with fake_studio(tmp_path, start=False) as studio:
        client = TestClient(
            mount_page(create_app(studio), build_page(studio)), base_url="http://localhost:7860"
        )
        page = client.get("/")
        assert page.status_code == 200
        assert "生成视频" in page.text and "Generate" in page.text
        assert client.get("/healthz").status_code == 200
        css = client.get("/theme.css").text + STYLESHEET.read_text(encoding="utf-8")
        assert not re.search(r"@import|url\(.?https?:|//fonts", css)


def test_status_needs_no_queue(tmp_path: Path) -> None:
    """A queued tick would wait behind other visitors, or be refused when the queue is full."""
    with fake_studio(tmp_path, start=False) as studio:
        config = build_page(studio).get_config_file()
        assert {dependency["queue"] for dependency in config["dependencies"]} <= {False, None}
        ticks = [d for d in config["dependencies"] if any(event == "tick" for _, event in d["targets"])]
        assert len(ticks) == 1
        assert ticks[0]["queue"] is False
        assert ticks[0]["show_progress"] == "hidden"


def test_another_page_cannot_press_its_buttons(tmp_path: Path) -> None:
    with fake_studio(tmp_path, start=False) as studio:
        client = TestClient(
            mount_page(create_app(studio), build_page(studio)), base_url="http://localhost:7860"
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
