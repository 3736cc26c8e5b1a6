"""What stands where on the History tab."""

from dataclasses import dataclass

import gradio as gr

from heygem.ui.live import live_html
from heygem.ui.parts import bare_html
from heygem.ui.state import SHOWS


@dataclass(frozen=True, slots=True)
class HistoryTab:
    """All jobs, page by page, and one of them from near."""

    words: gr.Textbox
    show: gr.Radio
    message: gr.HTML
    rows: gr.HTML
    detail: gr.HTML


def lay_out_history(i18n: gr.I18n) -> HistoryTab:
    """Make the components, inside an open tab."""
    with gr.Row(elem_id="hg-history-tab"):
        with gr.Column(scale=6, min_width=320):
            with gr.Row(elem_id="hg-history-query"):
                words = gr.Textbox(
                    label=i18n("history_search"),
                    max_lines=1,
                    elem_id="hg-history-words",
                    scale=2,
                    min_width=180,
                )
                shows = [(i18n(f"show_{show}"), show) for show in SHOWS]
                show = gr.Radio(
                    shows,
                    value="all",
                    label=i18n("history_show"),
                    elem_id="hg-history-show",
                    elem_classes="hg-chips",
                    scale=3,
                    min_width=280,
                )
            message = bare_html(elem_classes="hg-message-place")
            rows = live_html("history_rows", elem_id="hg-history")
        with gr.Column(scale=5, min_width=320, elem_id="hg-history-job"):
            detail = live_html("history_detail", elem_id="hg-history-detail")
    return HistoryTab(words, show, message, rows, detail)
