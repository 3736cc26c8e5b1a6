"""The whole way in a browser: start_app.sh, the page, the bundled engine, a video that plays, and kill -9."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from playwright.sync_api import Page, Request, expect, sync_playwright

ROOT = Path(__file__).parents[1]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
READY_MS, JOB_MS = 120_000, 240_000

# Stands in for a fresh machine's Python: the packages are those of this environment already.
PYTHON = f"""#!/bin/sh
case "$*" in
*"-m venv"*) for folder; do :; done; mkdir -p "$folder/bin" && cp "$0" "$folder/bin/python" ;;
*"-m pip"*) ;;
*) exec {sys.executable} "$@" ;;
esac
"""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
]


class RunningApp:
    """start_app.sh in a folder of its own, whose app is this project's."""

    def __init__(self, folder: Path) -> None:
        for name in ("start_app.sh", "deploy", "requirements.txt", "app.py"):
            (folder / name).symlink_to(ROOT / name)
        (folder / "start_app.sh").unlink()
        shutil.copy(ROOT / "start_app.sh", folder)  # it works in the folder it lies in
        binaries = folder / "bin"
        binaries.mkdir()
        (binaries / "python3").write_text(PYTHON)
        (binaries / "python3").chmod(0o755)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}/"
        self._process = subprocess.Popen(
            ["./start_app.sh", "--port", str(port), "--output-dir", str(folder / "outputs")],
            cwd=folder,
            env={**os.environ, "PATH": f"{binaries}:{os.environ['PATH']}"},
        )

    def kill_server(self) -> None:
        """kill -9 the program that serves; start_app.sh itself lives on."""
        servers = [
            child for child in psutil.Process(self._process.pid).children() if "app.py" in child.cmdline()
        ]
        assert len(servers) == 1
        servers[0].send_signal(signal.SIGKILL)

    def stop(self) -> int:
        self._process.terminate()
        return self._process.wait(60)


@pytest.fixture
def app(tmp_path: Path) -> Iterator[RunningApp]:
    running = RunningApp(tmp_path)
    try:
        yield running
    finally:
        assert running.stop() == 0


@pytest.fixture
def page(app: RunningApp) -> Iterator[Page]:
    """The page, opened as soon as it is served. It may talk to nobody but the app."""
    foreign: list[str] = []

    def note(request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme in ("http", "https", "ws", "wss") and address.hostname != "127.0.0.1":
            foreign.append(request.url)

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        tab = browser.new_page(locale="en-US", viewport={"width": 1440, "height": 900})
        tab.on("request", note)
        open_when_served(tab, app.url)
        yield tab
        browser.close()
    assert foreign == []


def open_when_served(tab: Page, url: str) -> None:
    address = urlsplit(url)
    assert address.hostname and address.port
    for _ in range(600):
        with socket.socket() as probe:
            if probe.connect_ex((address.hostname, address.port)) == 0:
                break
        tab.wait_for_timeout(100)
    tab.goto(url)


def order(page: Page, presenter: str, voice: str) -> None:
    page.locator(f"[data-voice={voice}]").click()
    expect(page.locator("#hg-audio .waveform-container")).to_be_visible(timeout=20_000)
    page.locator(f"#hg-presenters input[value={presenter}]").check(force=True)
    page.locator("#hg-generate").click()


def result_url(page: Page) -> str:
    """The address of the finished video on show."""
    video = page.locator("#hg-player video[controls]")
    expect(video).to_have_count(1, timeout=JOB_MS)
    return str(video.get_attribute("src"))


def test_from_initializing_to_a_video_that_plays_and_through_a_kill(page: Page, app: RunningApp) -> None:
    banner = page.locator(".hg-banner")
    expect(banner).to_contain_text("Initializing", timeout=READY_MS)
    order(page, "anna_idle", "speech_en_male")
    expect(page.locator("#hg-job")).to_contain_text("models are ready")  # it waits in line
    expect(page.locator(".hg-notice")).to_have_text("System ready", timeout=READY_MS)
    expect(page.locator("#hg-job")).to_contain_text(re.compile(r"frame \d+ of \d+"), timeout=JOB_MS)

    first = result_url(page)
    expect(banner).to_contain_text("Ready")
    page.evaluate("document.querySelector('#hg-player video[controls]').play()")
    page.wait_for_function("document.querySelector('#hg-player video[controls]').currentTime > 0.5")
    expect(page.locator("#hg-job a[download]")).to_be_visible()

    page.locator("#hg-clear").click()
    expect(page.locator("#hg-clear-panel")).to_contain_text("can be freed")
    page.get_by_role("button", name="Clear now").click()
    expect(page.locator("#hg-clear-panel")).to_contain_text(re.compile(r"Freed [1-9][\d.]* [KMG]B on disk"))
    page.get_by_role("button", name="Close").click()
    expect(page.locator("#hg-clear-panel")).to_be_hidden()

    page.reload()
    assert result_url(page) == first

    order(page, "marcus_idle", "speech_en_female")
    expect(page.locator("#hg-job")).to_contain_text(re.compile(r"frame \d+ of \d+"), timeout=JOB_MS)
    app.kill_server()
    expect(page.locator("#hg-job")).to_contain_text("Continued after a restart", timeout=READY_MS)
    expect(page.locator(f"#hg-player video[src='{first}']")).to_have_count(0)
    assert result_url(page) != first
    page.get_by_role("tab", name="History").click()
    expect(page.locator(".hg-history li")).to_have_count(2)
    expect(page.locator(".hg-history [data-action=open]")).to_have_count(2)
