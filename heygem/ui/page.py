"""The page of a studio: its parts, and what happens when they are touched."""

import os
import time
from pathlib import Path

import gradio as gr
from fastapi import FastAPI

from heygem.assets.catalog import FOLDER as ASSETS
from heygem.studio import Studio
from heygem.ui.answers import QUIET
from heygem.ui.batch.handlers import BatchHandlers
from heygem.ui.batch.wiring import connect_batch
from heygem.ui.drawing import drawing_routes
from heygem.ui.handlers import PageHandlers
from heygem.ui.history.handlers import HistoryHandlers
from heygem.ui.history.wiring import connect_history
from heygem.ui.layout import Header, PageParts, SingleTab, lay_out, translations
from heygem.ui.library.handlers import LibraryHandlers
from heygem.ui.library.wiring import connect_library
from heygem.ui.state import TABS
from heygem.ui.system.handlers import SystemHandlers
from heygem.ui.theme import FAVICON, STYLESHEET, heygem_theme
from heygem.ui.wiring import Wiring, on_page

MAX_UPLOAD = "4gb"
UPLOADS_SWEPT_EVERY_SECONDS = 3600
UPLOADS_KEPT_SECONDS = 24 * 3600  # jobs keep copies of their own
# How often Gradio looks into its queue, in which nothing of this page waits. A thousand times a second, its
# own choice, costs a tenth of a core all day.
LOOK_FOR_EVENTS_SECONDS = 0.05

# On a phone the result is below the button; on a desk it is beside it, and nothing scrolls. What is wrong
# stands right below the button, where the window may end.
SHOW_OUTCOME = """
() => (document.querySelector('#hg-message .hg-bad') ?? document.getElementById('hg-outcome'))
    .scrollIntoView({behavior: 'smooth', block: 'nearest'})
"""


def build_page(studio: Studio) -> gr.Blocks:
    """The page of one studio; every visitor's browser has a state of its own."""
    uploads_dir = studio.settings.page_dir
    os.environ["GRADIO_TEMP_DIR"] = str(uploads_dir)  # Gradio has no other way to be told
    remove_older_than(UPLOADS_KEPT_SECONDS, uploads_dir)
    kept = (UPLOADS_SWEPT_EVERY_SECONDS, UPLOADS_KEPT_SECONDS)
    page: gr.Blocks = gr.Blocks(title="HeyGem", analytics_enabled=False, delete_cache=kept)
    page._queue.sleep_when_free = LOOK_FOR_EVENTS_SECONDS  # there is no public way to say it
    page._queue.progress_update_sleep_when_free = LOOK_FOR_EVENTS_SECONDS
    with page:
        _connect(page, lay_out(studio.library.all()), studio)
    return page


def remove_older_than(seconds: float, folder: Path) -> None:
    """Sweep up what pages of an earlier process uploaded: Gradio only knows the files of its own."""
    oldest = time.time() - seconds
    for path in folder.rglob("*"):
        if path.is_file() and path.stat().st_mtime < oldest:
            path.unlink(missing_ok=True)


def mount_page(app: FastAPI, page: gr.Blocks, studio: Studio) -> FastAPI:
    """Put the page of `studio` at the root of `app`."""
    app.include_router(drawing_routes(studio))
    mounted: FastAPI = gr.mount_gradio_app(
        app,
        page,
        path="/",
        theme=heygem_theme(),
        css_paths=STYLESHEET,
        i18n=translations(),
        allowed_paths=[str(ASSETS)],  # demo voices are played from there
        max_file_size=MAX_UPLOAD,
        footer_links=[],
        run_history=False,
        enable_monitoring=False,
        favicon_path=str(FAVICON),
        ssr_mode=False,
        mcp_server=False,
        pwa=False,
        show_error=False,
    )
    return mounted


def _connect(page: gr.Blocks, parts: PageParts, studio: Studio) -> None:
    handlers, state = PageHandlers(studio), parts.state
    wiring = Wiring(state, parts.tabs, page.load)
    for name, tab in zip(TABS, parts.tab_pages, strict=True):
        wiring.look(tab.select, f"{{tab: '{name}'}}")
    _connect_single(parts.single, handlers, wiring)
    connect_batch(parts.batch, BatchHandlers(studio), wiring)
    connect_library(parts.library, parts.single, LibraryHandlers(studio), wiring)
    connect_history(parts.history, parts.single, HistoryHandlers(studio), wiring)
    system = SystemHandlers(studio)
    wiring.then_draw(parts.system.models.click(system.act_on_model, None, [parts.system.message], **QUIET))
    _connect_clear(parts.header, handlers)


def _connect_single(single: SingleTab, handlers: PageHandlers, wiring: Wiring) -> None:
    single.voices.click(handlers.choose_voice, None, [single.audio], **QUIET)
    # One template at a time: an upload takes the mark off the cards, and a card takes the upload away.
    single.upload.upload(lambda: "", None, [single.presenters], **QUIET)
    single.presenters.select(lambda: None, None, [single.upload], **QUIET)
    wanted = [wiring.state, single.audio, single.presenters, single.upload, *single.options]
    ordered = single.generate.click(
        on_page(handlers.generate), wanted, [wiring.state, single.message], **QUIET
    )
    wiring.then_draw(ordered).then(js=SHOW_OUTCOME)
    wiring.then_draw(single.job.click(on_page(handlers.cancel), [wiring.state], [single.message], **QUIET))


def _connect_clear(header: Header, handlers: PageHandlers) -> None:
    preview = [header.clear_panel, header.clear_words, header.clear_now]
    header.clear.click(handlers.preview_clear, None, preview, **QUIET)
    header.clear_now.click(handlers.clear, None, [header.clear_words, header.clear_now], **QUIET)
    header.clear_close.click(lambda: gr.Column(visible=False), None, [header.clear_panel], **QUIET)
