"""What stands where on the page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component
from gradio.i18n import I18nData

from heygem.studio import TemplateCard
from heygem.ui.texts import TEXTS
from heygem.ui.widgets import demo_voices, history_list, models_table, presenter_cards

FRAME_RATES = ("24", "25", "30", "50", "60")
QUALITIES = {"quality_best": 14, "quality_high": 18, "quality_small": 24}  # x264's constant rate factor
LOOP_MODES = ("pingpong", "loop", "freeze")
LIVING = ("auto", "on", "off")


@dataclass(frozen=True, slots=True)
class Header:
    """What is always on top."""

    banner: gr.HTML
    figures: gr.HTML
    warnings: gr.HTML
    notice: gr.HTML
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
    player: gr.HTML
    job: gr.HTML
    cancel: gr.Button


@dataclass(frozen=True, slots=True)
class HistoryTab:
    """The newest jobs and a player for them."""

    rows: gr.HTML
    message: gr.HTML
    player: gr.HTML


@dataclass(frozen=True, slots=True)
class SystemTab:
    """What is loaded, which versions, and the log."""

    models: gr.HTML
    message: gr.HTML
    facts: gr.HTML
    log: gr.HTML


@dataclass(frozen=True, slots=True)
class PageParts:
    """The components that handlers read and write."""

    header: Header
    single: SingleTab
    history: HistoryTab
    system: SystemTab

    @property
    def views(self) -> dict[str, Component]:
        """What changes by itself: a component for each of heygem.ui.views.VIEWS."""
        header, single, system = self.header, self.single, self.system
        return {
            "banner": header.banner,
            "figures": header.figures,
            "warnings": header.warnings,
            "notice": header.notice,
            "player": single.player,
            "job": single.job,
            "cancel": single.cancel,
            "history": self.history.rows,
            "models": system.models,
            "facts": system.facts,
            "log": system.log,
        }


def translations() -> gr.I18n:
    """Every text, for the labels the browser translates itself."""
    return gr.I18n(
        en={key: english for key, (english, _) in TEXTS.items()},
        zh={key: chinese for key, (_, chinese) in TEXTS.items()},
    )


def lay_out(cards: Sequence[TemplateCard]) -> PageParts:
    """Make the components, inside an open `gr.Blocks`."""
    i18n = translations()
    header = _header(i18n)
    with gr.Tabs(elem_id="hg-tabs"):
        with gr.Tab(i18n("tab_single")):
            single = _single_tab(i18n, cards)
        with gr.Tab(i18n("tab_history")):
            history = _history_tab()
        with gr.Tab(i18n("tab_system")):
            system = SystemTab(models_table(), _html(), _html(elem_id="hg-facts"), _html())
    return PageParts(header, single, history, system)


def _header(i18n: gr.I18n) -> Header:
    with gr.Row(elem_id="hg-header"):
        with gr.Column(elem_id="hg-brand", min_width=0):
            _html("<h1>HeyGem</h1>")
            _html(i18n("tagline"))
        banner = _html(elem_id="hg-banner")
        figures = _html(elem_id="hg-figures")
        clear = gr.Button(i18n("clear_cache"), size="sm", elem_id="hg-clear", min_width=0)
        with gr.Column(visible=False, elem_id="hg-clear-panel") as panel:
            words = _html()
            with gr.Row():
                now = gr.Button(i18n("clear_now"), size="sm", variant="primary", min_width=80)
                close = gr.Button(i18n("close"), size="sm", min_width=80)
    return Header(
        banner=banner,
        figures=figures,
        warnings=_html(elem_id="hg-warnings"),
        notice=_html(elem_id="hg-notice"),
        clear=clear,
        clear_panel=panel,
        clear_words=words,
        clear_now=now,
        clear_close=close,
    )


def _single_tab(i18n: gr.I18n, cards: Sequence[TemplateCard]) -> SingleTab:
    with gr.Row(elem_id="hg-single"):
        with gr.Column(scale=5, min_width=320):
            with gr.Column(elem_classes="hg-section"):
                _heading(i18n, "section_speech")
                audio = gr.Audio(
                    sources=["upload", "microphone"],
                    type="filepath",
                    label=i18n("audio_label"),
                    buttons=[],
                    elem_id="hg-audio",
                )
                _hint(i18n, "audio_demo")
                voices = demo_voices()
            with gr.Column(elem_classes="hg-section"):
                _heading(i18n, "section_presenter")
                presenters = presenter_cards(cards)
                _hint(i18n, "upload_template")
                upload = gr.File(
                    file_types=["video", "image"], show_label=False, height=56, elem_id="hg-upload"
                )
            options = _options(i18n)
            generate = gr.Button(i18n("generate"), variant="primary", size="lg", elem_id="hg-generate")
            message = _html(elem_id="hg-message")
        with gr.Column(scale=7, min_width=320, elem_id="hg-outcome"):
            player = _html(elem_id="hg-player")
            with gr.Row(elem_id="hg-job-row"):
                job = _html(elem_id="hg-job")
                cancel = gr.Button(i18n("cancel"), size="sm", visible=False, elem_id="hg-cancel", min_width=0)
    return SingleTab(audio, voices, presenters, upload, options, generate, message, player, job, cancel)


def _options(i18n: gr.I18n) -> tuple[Component, ...]:
    with gr.Accordion(i18n("options"), open=False, elem_id="hg-options"):
        expressiveness = gr.Slider(
            0.5, 1.5, 1.0, step=0.05, label=i18n("expressiveness"), info=i18n("expressiveness_info")
        )
        offset = gr.Slider(-500, 500, 0, step=10, label=i18n("audio_offset"), info=i18n("audio_offset_info"))
        with gr.Row():
            rates: list[tuple[str | I18nData, str]] = [
                (i18n("fps_own"), ""),
                *((rate, rate) for rate in FRAME_RATES),
            ]
            fps = gr.Radio(rates, value="", label=i18n("fps"))
            qualities = [(i18n(key), crf) for key, crf in QUALITIES.items()]
            quality = gr.Radio(qualities, value=QUALITIES["quality_high"], label=i18n("quality"))
        modes = [(i18n(f"loop_{mode}"), mode) for mode in LOOP_MODES]
        loop_mode = gr.Radio(modes, value=LOOP_MODES[0], label=i18n("loop_mode"))
        living = gr.Radio(
            [(i18n(f"living_{choice}"), choice) for choice in LIVING], value=LIVING[0], label=i18n("living")
        )
        visible_label = gr.Checkbox(label=i18n("visible_label"))
    return expressiveness, offset, fps, loop_mode, quality, visible_label, living


def _history_tab() -> HistoryTab:
    with gr.Row(elem_id="hg-history-tab"):
        with gr.Column(scale=6, min_width=320):
            rows = history_list()
            message = _html()
        with gr.Column(scale=5, min_width=320):
            player = _html(elem_id="hg-history-player")
    return HistoryTab(rows, message, player)


def _html(value: Any = None, **options: Any) -> gr.HTML:
    """Bare: style.css alone says how it looks."""
    return gr.HTML(value, apply_default_css=False, **options)


def _heading(i18n: gr.I18n, key: str) -> None:
    _html(i18n(key), elem_classes="hg-heading")


def _hint(i18n: gr.I18n, key: str) -> None:
    _html(i18n(key), elem_classes="hg-hint")
