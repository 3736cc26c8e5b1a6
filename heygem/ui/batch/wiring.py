"""What happens when the Batch tab is touched."""

import gradio as gr

from heygem.ui.answers import QUIET
from heygem.ui.batch.handlers import BatchHandlers
from heygem.ui.batch.layout import BatchTab
from heygem.ui.wiring import Wiring, on_page

SHOW_BATCH = """
() => document.getElementById('hg-batch-outcome').scrollIntoView({behavior: 'smooth', block: 'nearest'})
"""


def connect_batch(tab: BatchTab, handlers: BatchHandlers, wiring: Wiring) -> None:
    """Bind the handlers to the components."""
    inputs = [tab.speeches, tab.voices, tab.presenters, tab.uploads]
    changes = [tab.speeches.change, tab.voices.select, tab.presenters.select, tab.uploads.change]
    gr.on([*changes, wiring.page_opened], handlers.plan, inputs, [tab.plan], **QUIET)
    ordered = [wiring.state, *inputs, tab.title, tab.order, *tab.options]
    started = tab.start.click(on_page(handlers.start), ordered, [wiring.state, tab.message], **QUIET)
    wiring.then_draw(started).then(js=SHOW_BATCH)
    for part in (tab.head, tab.items, tab.batches):
        wiring.buttons(part, handlers.act, tab.message)
