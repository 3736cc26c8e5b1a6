"""What stands where on the Templates tab."""

from dataclasses import dataclass

import gradio as gr

from heygem.ui.live import live_html
from heygem.ui.parts import bare_html, files_drop, hint


@dataclass(frozen=True, slots=True)
class LibraryTab:
    """All templates, and one of them from near."""

    upload: gr.File
    message: gr.HTML
    cards: gr.HTML
    detail: gr.HTML


def lay_out_library(i18n: gr.I18n) -> LibraryTab:
    """Make the components, inside an open tab."""
    with gr.Row(elem_id="hg-library"):
        with gr.Column(scale=7, min_width=320):
            with gr.Column(elem_classes="hg-section"):
                hint(i18n, "library_add")
                upload = files_drop(["video", "image"], "hg-library-upload")
            message = bare_html(elem_classes="hg-message-place")
            live_html("library_cache", elem_id="hg-library-cache")
            cards = live_html("library_cards", elem_id="hg-library-cards")
        with gr.Column(scale=5, min_width=320, elem_id="hg-template"):
            detail = live_html("library_detail", elem_id="hg-library-detail")
    return LibraryTab(upload, message, cards, detail)
