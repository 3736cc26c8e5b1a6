"""The page of a studio: its parts, and what happens when they are touched."""

import os
import time
from pathlib import Path
from typing import Any

import gradio as gr
from fastapi import FastAPI

from heygem.assets.catalog import FOLDER as ASSETS
from heygem.studio import Studio
from heygem.ui.handlers import PageHandlers
from heygem.ui.layout import Header, PageParts, SingleTab, lay_out, translations
from heygem.ui.system.handlers import SystemHandlers
from heygem.ui.theme import FAVICON, STYLESHEET, heygem_theme
from heygem.ui.views import VIEWS

REFRESH_SECONDS = 1.0
MAX_UPLOAD = "4gb"
UPLOADS_SWEPT_EVERY_SECONDS = 3600
UPLOADS_KEPT_SECONDS = 24 * 3600  # jobs keep copies of their own

# On a phone the result is below the button; on a desk it is beside it, and nothing scrolls. What is wrong
# stands right below the button, where the window may end.
SHOW_OUTCOME = """
() => (document.querySelector('#hg-message .hg-bad') ?? document.getElementById('hg-outcome'))
    .scrollIntoView({behavior: 'smooth', block: 'nearest'})
"""

# Small things that answer at once: they need no place in Gradio's queue, and no spinner.
QUIET: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}


def build_page(studio: Studio) -> gr.Blocks:
    """The page of one studio; every visitor's browser has a state of its own."""
    uploads_dir = studio.settings.cache_dir / "page"
    os.environ["GRADIO_TEMP_DIR"] = str(uploads_dir)  # Gradio has no other way to be told
    remove_older_than(UPLOADS_KEPT_SECONDS, uploads_dir)
    kept = (UPLOADS_SWEPT_EVERY_SECONDS, UPLOADS_KEPT_SECONDS)
    page: gr.Blocks = gr.Blocks(title="HeyGem", analytics_enabled=False, delete_cache=kept)
    with page:
        _connect(page, lay_out(studio.templates()), studio)
    return page


def remove_older_than(seconds: float, folder: Path) -> None:
    """Sweep up what pages of an earlier process uploaded: Gradio only knows the files of its own."""
    oldest = time.time() - seconds
    for path in folder.rglob("*"):
        if path.is_file() and path.stat().st_mtime < oldest:
            path.unlink(missing_ok=True)


def mount_page(app: FastAPI, page: gr.Blocks) -> FastAPI:
    """Put the page at the root of `app`."""
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
    handlers = PageHandlers(studio)
    seen, job_id = gr.State({}), gr.State("")
    single, history = parts.single, parts.history
    views = [parts.views[name] for name in VIEWS]
    refresh: dict[str, Any] = {
        "fn": handlers.refresh,
        "inputs": [seen, job_id],
        "outputs": [seen, *views],
        **QUIET,
    }
    page.load(**refresh)
    gr.Timer(REFRESH_SECONDS).tick(**refresh)
    _connect_inputs(single, handlers)
    wanted = [single.audio, single.presenters, single.upload, *single.options]
    ordered = single.generate.click(handlers.generate, wanted, [job_id, single.message], **QUIET)
    ordered.then(**refresh).then(js=SHOW_OUTCOME)
    single.cancel.click(handlers.cancel, [job_id], [single.message], **QUIET).then(**refresh)
    history.rows.click(handlers.act_on_history, None, [history.player, history.message], **QUIET).then(
        **refresh
    )
    system = SystemHandlers(studio)
    parts.system.models.click(system.act_on_model, None, [parts.system.message], **QUIET).then(**refresh)
    page.load(handlers.no_history_video, None, [history.player], **QUIET)
    _connect_clear(parts.header, handlers)


def _connect_inputs(single: SingleTab, handlers: PageHandlers) -> None:
    single.voices.click(handlers.choose_voice, None, [single.audio], **QUIET)
    # One template at a time: an upload takes the mark off the cards, and a card takes the upload away.
    single.upload.upload(lambda: "", None, [single.presenters], **QUIET)
    single.presenters.select(lambda: None, None, [single.upload], **QUIET)


def _connect_clear(header: Header, handlers: PageHandlers) -> None:
    preview = [header.clear_panel, header.clear_words, header.clear_now]
    header.clear.click(handlers.preview_clear, None, preview, **QUIET)
    header.clear_now.click(handlers.clear, None, [header.clear_words, header.clear_now], **QUIET)
    header.clear_close.click(lambda: gr.Column(visible=False), None, [header.clear_panel], **QUIET)
