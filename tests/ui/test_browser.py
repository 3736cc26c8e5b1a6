"""Every tab in a real browser, on a fake engine: at a desk and on a phone, in both languages."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from heygem.soak.crowd import running_page
from heygem.ui.state import TABS
from heygem.ui.texts import Language, text
from tests.tiny_media import write_clip, write_speech

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
LOCALES: dict[Language, str] = {"en": "en-US", "zh": "zh-CN"}
WIDTHS = {"en": 1440, "zh": 390}
PATIENCE_MS = 30_000
WATCH_MS = 2_200  # some ticks of the status

# Sums what moved by itself: the browser's own measure of layout shift.
WATCH_SHIFTS = """
window.shifts = 0;
new PerformanceObserver(list => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifts += entry.value;
}).observe({ type: 'layout-shift', buffered: false });
"""
# What a screen reader would have no name for.
NAMELESS = """
() => [...document.querySelectorAll('button, a[href], input, video[controls], [role=progressbar]')]
    .filter(part => part.offsetParent)
    .filter(part => !(part.ariaLabel || part.textContent.trim() || part.title || part.labels?.length))
    .map(part => part.outerHTML.slice(0, 120))
"""

expect.set_options(timeout=PATIENCE_MS)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_page(tmp_path_factory.mktemp("page"), "tiny") as (_, port):
        yield f"http://127.0.0.1:{port}/"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


def open_page(browser: Browser, url: str, language: Language, width: int) -> Page:
    page = browser.new_page(locale=LOCALES[language], viewport={"width": width, "height": 900})
    page.set_default_timeout(PATIENCE_MS)
    page.goto(url)
    expect(page.locator(".hg-banner")).to_contain_text(text(language, "ready"), timeout=PATIENCE_MS)
    return page


def open_tab(page: Page, language: Language, name: str) -> None:
    page.get_by_role("tab", name=text(language, f"tab_{name}")).click()


def test_a_day_at_the_desk(browser: Browser, url: str, tmp_path: Path) -> None:
    """Add a template, batch two speeches over it, find a video again, keep it, use it again."""
    page = open_page(browser, url, "en", 1440)
    open_tab(page, "en", "library")
    page.locator("#hg-library-upload input[type=file]").set_input_files(write_clip(tmp_path / "Wang.mp4"))
    expect(page.locator("#hg-library-detail")).to_contain_text("Quality report")
    expect(page.locator("#hg-library-cards li", has_text="Wang")).to_contain_text("Ready")
    page.locator("#hg-library-detail input").fill("Herr Wang")
    page.keyboard.press("Enter")
    expect(page.locator("#hg-library-cards")).to_contain_text("Herr Wang")

    open_tab(page, "en", "batch")
    speeches = [write_speech(tmp_path / "hello.wav", 0.4), tmp_path / "bad.wav"]
    speeches[1].write_text("no sound")
    page.locator("#hg-batch-speeches input[type=file]").set_input_files(speeches)
    page.locator("#hg-batch-presenters .hg-card", has_text="Herr Wang").click()
    expect(page.locator("#hg-batch-plan")).to_contain_text("2 × 1 = 2 videos")
    page.locator("#hg-batch-start").click()
    expect(page.locator(".hg-count")).to_have_text("2 / 2")
    expect(page.locator("#hg-batch-items")).to_contain_text("not a video or sound file")
    page.locator("#hg-batch-items button", has_text="Play").click()
    expect(page.locator("#hg-batch-items video")).to_be_visible()
    with page.expect_download() as download:
        page.locator("#hg-batch-head a", has_text="ZIP").click()
    assert download.value.suggested_filename.endswith(".zip")

    open_tab(page, "en", "history")
    page.locator("#hg-history-words input").fill("WANG hello")
    expect(page.locator("#hg-history .hg-row")).to_have_count(1)
    page.locator("#hg-history .hg-row").focus()
    page.keyboard.press("Enter")
    detail = page.locator("#hg-history-detail")
    expect(detail.locator("video")).to_be_visible()
    detail.get_by_role("button", name="Check quality").click()
    expect(detail).to_contain_text("Mouth against sound")
    detail.get_by_role("button", name="Keep").click()
    expect(page.locator("#hg-history")).to_contain_text("kept")
    detail.get_by_role("button", name="Use again").click()
    expect(page.locator("#hg-generate")).to_be_visible()
    expect(page.locator("#hg-audio .waveform-container")).to_be_visible()
    expect(page.locator("#hg-presenters .hg-card:has(:checked)")).to_have_text("Herr Wang")
    page.close()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_tab_fits_keeps_still_and_has_names(browser: Browser, url: str, language: Language) -> None:
    page = open_page(browser, url, language, WIDTHS[language])
    for name in TABS:
        open_tab(page, language, name)
        page.wait_for_timeout(500)
        page.evaluate(WATCH_SHIFTS)
        page.wait_for_timeout(WATCH_MS)
        assert page.evaluate("window.shifts") < 0.01, f"{name} moves by itself"
        overflow = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert overflow <= 0, f"{name} is wider than the window"
        assert page.evaluate(NAMELESS) == [], name
    page.close()


def test_a_lost_server_is_said(browser: Browser, tmp_path: Path) -> None:
    with running_page(tmp_path, "tiny") as (_, port):
        page = open_page(browser, f"http://127.0.0.1:{port}/", "zh", 1440)
        expect(page.locator("#hg-offline")).to_be_hidden()
    expect(page.locator("#hg-offline")).to_contain_text("连接已断开")
    page.close()
