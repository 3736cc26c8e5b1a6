"""What happens when the Templates tab is touched."""

from heygem.ui.answers import QUIET
from heygem.ui.layout import SingleTab
from heygem.ui.library.handlers import LibraryHandlers
from heygem.ui.library.layout import LibraryTab
from heygem.ui.wiring import Wiring, on_page


def connect_library(tab: LibraryTab, single: SingleTab, handlers: LibraryHandlers, wiring: Wiring) -> None:
    """Bind the handlers to the components."""
    outputs = [wiring.state, tab.message, tab.upload]
    wiring.then_draw(
        tab.upload.upload(
            on_page(handlers.add), [wiring.state, tab.upload], outputs, **QUIET | {"show_progress": "minimal"}
        )
    )
    answers = [wiring.state, wiring.tabs, single.presenters, single.upload, tab.message]
    for part in (tab.cards, tab.detail):
        wiring.then_draw(part.click(on_page(handlers.act), [wiring.state], answers, **QUIET))
