"""Pieces of the layout that several tabs use."""

from typing import Any

import gradio as gr
from gradio.components import Component
from gradio.i18n import I18nData

FRAME_RATES = ("24", "25", "30", "50", "60")
QUALITIES = {"quality_best": 14, "quality_high": 18, "quality_small": 24}  # x264's constant rate factor
LOOP_MODES = ("pingpong", "loop", "freeze")
LIVING = ("auto", "on", "off")


def bare_html(value: Any = None, **options: Any) -> gr.HTML:
    """Bare: style.css alone says how it looks."""
    return gr.HTML(value, apply_default_css=False, **options)


def heading(i18n: gr.I18n, key: str) -> None:
    bare_html(i18n(key), elem_classes="hg-heading")


def hint(i18n: gr.I18n, key: str) -> None:
    bare_html(i18n(key), elem_classes="hg-hint")


def files_drop(kinds: list[str], elem_id: str) -> gr.File:
    """A place to drop several files on."""
    return gr.File(
        file_count="multiple", file_types=kinds, show_label=False, elem_id=elem_id, elem_classes="hg-files"
    )


def options_panel(i18n: gr.I18n) -> tuple[Component, ...]:
    """Folded away; in the order of `heygem.ui.choices.Choices`."""
    with gr.Accordion(i18n("options"), open=False, elem_classes="hg-options"):
        expressiveness = gr.Slider(
            0.5, 1.5, 1.0, step=0.05, label=i18n("expressiveness"), info=i18n("expressiveness_info")
        )
        smile = gr.Slider(0, 1, 0, step=0.05, label=i18n("smile"), info=i18n("smile_info"))
        offset = gr.Slider(-500, 500, 0, step=10, label=i18n("audio_offset"), info=i18n("audio_offset_info"))
        with gr.Row():
            rates: list[tuple[str | I18nData, str]] = [
                (i18n("fps_own"), ""),
                *((rate, rate) for rate in FRAME_RATES),
            ]
            fps = gr.Radio(rates, value="", label=i18n("fps"), elem_classes="hg-chips")
            qualities = [(i18n(key), crf) for key, crf in QUALITIES.items()]
            quality = gr.Radio(
                qualities, value=QUALITIES["quality_high"], label=i18n("quality"), elem_classes="hg-chips"
            )
        modes = [(i18n(f"loop_{mode}"), mode) for mode in LOOP_MODES]
        loop_mode = gr.Radio(modes, value=LOOP_MODES[0], label=i18n("loop_mode"), elem_classes="hg-chips")
        living = gr.Radio(
            [(i18n(f"living_{choice}"), choice) for choice in LIVING],
            value=LIVING[0],
            label=i18n("living"),
            elem_classes="hg-chips",
        )
        visible_label = gr.Checkbox(label=i18n("visible_label"))
    return expressiveness, smile, offset, fps, loop_mode, quality, visible_label, living
