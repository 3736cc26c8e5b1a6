"""What all tabs need to bind their handlers: the page's state, and drawing after something was done."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

import gradio as gr

from heygem.ui.answers import QUIET
from heygem.ui.live import DRAW_JS
from heygem.ui.state import PageState


@dataclass(frozen=True, slots=True)
class Wiring:
    """Of one page."""

    state: gr.HTML  # of heygem.ui.live.page_state
    tabs: gr.Tabs
    page_opened: Any  # the event of a page being opened

    def buttons(self, part: gr.HTML, act: Callable[..., Any], message: gr.HTML) -> None:
        """What the buttons of a live part do; `act` gives the page's new state and what is wrong."""
        self.then_draw(part.click(on_page(act), [self.state], [self.state, message], **QUIET))

    def then_draw(self, event: Any) -> Any:
        """Draw once `event` has been handled."""
        return event.then(js=DRAW_JS)


def on_page(handler: Callable[..., Any]) -> Callable[..., Any]:
    """The same handler, with its `PageState`, the first argument, as the browser keeps it, in and out."""

    @wraps(handler)
    def handle(page: str, *arguments: Any) -> Any:
        answer = handler(PageState.read(page or ""), *arguments)
        if isinstance(answer, tuple | list):
            return [_written(value) for value in answer]
        return _written(answer)

    return handle


def _written(value: Any) -> Any:
    return value.write() if isinstance(value, PageState) else value
