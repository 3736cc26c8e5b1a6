"""What stands where on the Batch tab."""

from dataclasses import dataclass

import gradio as gr
from gradio.components import Component

from heygem.library.template import Template
from heygem.ui.live import live_html
from heygem.ui.parts import bare_html, files_drop, heading, hint, options_panel
from heygem.ui.widgets import demo_voice_toggles, presenter_cards


@dataclass(frozen=True, slots=True)
class BatchTab:
    """Many voices, many presenters."""

    speeches: gr.File
    voices: gr.HTML
    presenters: gr.HTML
    uploads: gr.File
    title: gr.Textbox
    order: gr.Radio
    options: tuple[Component, ...]
    plan: gr.HTML
    start: gr.Button
    message: gr.HTML
    head: gr.HTML
    items: gr.HTML
    batches: gr.HTML


def lay_out_batch(i18n: gr.I18n, templates: tuple[Template, ...]) -> BatchTab:
    """Make the components, inside an open tab."""
    with gr.Row(elem_id="hg-batch"):
        with gr.Column(scale=5, min_width=320):
            with gr.Column(elem_classes="hg-section"):
                heading(i18n, "batch_speeches")
                hint(i18n, "batch_speech_files")
                speeches = files_drop(["audio", "video"], "hg-batch-speeches")
                hint(i18n, "batch_demo")
                voices = demo_voice_toggles()
            with gr.Column(elem_classes="hg-section"):
                heading(i18n, "batch_templates")
                presenters = presenter_cards(templates, "batch_presenters", "hg-batch-presenters", many=True)
                hint(i18n, "batch_template_files")
                uploads = files_drop(["video", "image"], "hg-batch-uploads")
            with gr.Row(elem_id="hg-batch-choices"):
                title = gr.Textbox(
                    label=i18n("batch_title"), placeholder=i18n("batch_title_hint"), max_length=80
                )
                orders = [(i18n("batch_by_template"), "template"), (i18n("batch_by_speech"), "speech")]
                order = gr.Radio(orders, value="template", label=i18n("batch_order"), elem_classes="hg-chips")
            options = options_panel(i18n)
            plan = bare_html(elem_id="hg-batch-plan")
            start = gr.Button(i18n("batch_start"), variant="primary", size="lg", elem_id="hg-batch-start")
            message = bare_html(elem_classes="hg-message-place")
        with gr.Column(scale=7, min_width=320, elem_id="hg-batch-outcome"):
            head = live_html("batch_head", elem_id="hg-batch-head")
            items = live_html("batch_items", elem_id="hg-batch-items")
            batches = live_html("batch_list", elem_id="hg-batch-list")
    return BatchTab(
        speeches,
        voices,
        presenters,
        uploads,
        title,
        order,
        options,
        plan,
        start,
        message,
        head,
        items,
        batches,
    )
