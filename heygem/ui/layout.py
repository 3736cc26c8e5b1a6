"""What stands where on the page."""

from dataclasses import dataclass

import gradio as gr
from gradio.components import Component

from heygem.library.template import Template
from heygem.ui.batch.layout import BatchTab, lay_out_batch
from heygem.ui.history.layout import HistoryTab, lay_out_history
from heygem.ui.library.layout import LibraryTab, lay_out_library
from heygem.ui.live import live_html, page_state
from heygem.ui.parts import bare_html, heading, hint, options_panel
from heygem.ui.state import TabName
from heygem.ui.texts import TEXTS
from heygem.ui.widgets import demo_voices, presenter_cards


@dataclass(frozen=True, slots=True)
class Header:
    """What is always on top."""

    clear: gr.Button
    clear_panel: gr.Column
    clear_words: gr.HTML
    clear_now: gr.Button
    clear_close: gr.Button


@dataclass(frozen=True, slots=True)
class SingleTab:
    """One voice, one presenter, one video."""

    audio: gr.Audio
    voices: gr.HTML
    presenters: gr.HTML
    upload: gr.File
    options: tuple[Component, ...]  # in the order of PageHandlers.generate
    generate: gr.Button
    message: gr.HTML
    job: gr.HTML


@dataclass(frozen=True, slots=True)
class SystemTab:
    """What is loaded; the other parts of the tab only show."""

    models: gr.HTML
    message: gr.HTML


@dataclass(frozen=True, slots=True)
class PageParts:
    """The components that handlers read and write."""

    header: Header
    state: gr.HTML  # see heygem.ui.live.page_state
    tabs: gr.Tabs
    tab_pages: tuple[gr.Tab, ...]  # in the order of heygem.ui.state.TABS
    single: SingleTab
    batch: BatchTab
    library: LibraryTab
    history: HistoryTab
    system: SystemTab


def translations() -> gr.I18n:
    """Every text, for the labels the browser translates itself."""
    return gr.I18n(
        en={key: english for key, (english, _) in TEXTS.items()},
        zh={key: chinese for key, (_, chinese) in TEXTS.items()},
    )


def lay_out(templates: tuple[Template, ...]) -> PageParts:
    """Make the components, inside an open `gr.Blocks`."""
    i18n = translations()
    state = page_state()
    bare_html(i18n("offline"), elem_id="hg-offline")
    header = _header(i18n)
    with gr.Tabs(elem_id="hg-tabs") as tabs:
        with _tab(i18n, "single") as single_page:
            single = _single_tab(i18n, templates)
        with _tab(i18n, "batch") as batch_page:
            batch = lay_out_batch(i18n, templates)
        with _tab(i18n, "library") as library_page:
            library = lay_out_library(i18n)
        with _tab(i18n, "history") as history_page:
            history = lay_out_history(i18n)
        with _tab(i18n, "system") as system_page:
            models = live_html("models", elem_id="hg-models")
            models_message = bare_html(elem_classes="hg-message-place")
            live_html("facts", elem_id="hg-facts")
            live_html("log")
    system = SystemTab(models, models_message)
    pages = (single_page, batch_page, library_page, history_page, system_page)
    return PageParts(header, state, tabs, pages, single, batch, library, history, system)


def _tab(i18n: gr.I18n, name: TabName) -> gr.Tab:
    return gr.Tab(i18n(f"tab_{name}"), id=name)


def _header(i18n: gr.I18n) -> Header:
    with gr.Row(elem_id="hg-header"):
        with gr.Column(elem_id="hg-brand", min_width=0):
            bare_html("<h1>HeyGem</h1>")
            bare_html(i18n("tagline"))
        live_html("banner", elem_id="hg-banner")
        live_html("figures", elem_id="hg-figures")
        clear = gr.Button(i18n("clear_cache"), size="sm", elem_id="hg-clear", min_width=0)
        with gr.Column(visible=False, elem_id="hg-clear-panel") as panel:
            words = bare_html()
            with gr.Row():
                now = gr.Button(i18n("clear_now"), size="sm", variant="primary", min_width=80)
                close = gr.Button(i18n("close"), size="sm", min_width=80)
    live_html("warnings", elem_id="hg-warnings")
    live_html("notice", elem_id="hg-notice")
    return Header(
        clear=clear,
        clear_panel=panel,
        clear_words=words,
        clear_now=now,
        clear_close=close,
    )


def _single_tab(i18n: gr.I18n, templates: tuple[Template, ...]) -> SingleTab:
    with gr.Row(elem_id="hg-single"):
        with gr.Column(scale=5, min_width=320):
            with gr.Column(elem_classes="hg-section"):
                heading(i18n, "section_speech")
                audio = gr.Audio(
                    sources=["upload", "microphone"],
                    type="filepath",
                    label=i18n("audio_label"),
                    buttons=[],
                    elem_id="hg-audio",
                )
                hint(i18n, "audio_demo")
                voices = demo_voices()
            with gr.Column(elem_classes="hg-section"):
                heading(i18n, "section_presenter")
                presenters = presenter_cards(templates, "presenters", "hg-presenters")
                hint(i18n, "upload_template")
                upload = gr.File(
                    file_types=["video", "image"], show_label=False, height=56, elem_id="hg-upload"
                )
            options = options_panel(i18n)
            generate = gr.Button(i18n("generate"), variant="primary", size="lg", elem_id="hg-generate")
            message = bare_html(elem_id="hg-message")
        with gr.Column(scale=7, min_width=320, elem_id="hg-outcome"):
            live_html("player", elem_id="hg-player")
            job = live_html("job", elem_id="hg-job")
    return SingleTab(audio, voices, presenters, upload, options, generate, message, job)
