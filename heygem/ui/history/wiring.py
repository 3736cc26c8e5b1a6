"""What happens when the History tab is touched."""

import gradio as gr

from heygem.ui.answers import QUIET
from heygem.ui.history.handlers import HistoryHandlers
from heygem.ui.history.layout import HistoryTab
from heygem.ui.layout import SingleTab
from heygem.ui.wiring import Wiring, on_page


def connect_history(tab: HistoryTab, single: SingleTab, handlers: HistoryHandlers, wiring: Wiring) -> None:
    """Bind the handlers to the components."""
    query = [wiring.state, tab.words, tab.show]
    changes = [tab.words.input, tab.show.input]
    wiring.then_draw(
        gr.on(changes, on_page(handlers.search), query, [wiring.state], trigger_mode="always_last", **QUIET)
    )
    wiring.buttons(tab.rows, handlers.act, tab.message)
    wiring.buttons(tab.detail, handlers.act, tab.message)
    inputs = [single.audio, single.presenters, single.upload, *single.options]
    answers = [wiring.state, wiring.tabs, *inputs, tab.message]
    wiring.then_draw(tab.detail.again(on_page(handlers.use_again), [wiring.state], answers, **QUIET))
