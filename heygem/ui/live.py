"""Parts of the page that the server draws, and what asks it to.

Nothing here goes through Gradio's events: twenty open pages would cost more than a job.
"""

from pathlib import Path
from typing import Any

import gradio as gr

from heygem.ui.state import PageState

_LIVE_JS = Path(__file__).with_name("live.js").read_text(encoding="utf-8")
_PULSE_JS = Path(__file__).with_name("pulse.js").read_text(encoding="utf-8")
DRAW_JS = "() => window.hgDraw()"  # draws at once, where something was done that the page should show


def live_html(view: str, **options: Any) -> gr.HTML:
    """Shows one view of `heygem.ui.views`; `click` carries the data of a button in it."""
    return gr.HTML(
        "",
        html_template="<div class='hg-live'></div>",
        js_on_load=_LIVE_JS.replace("$NAME", view),
        apply_default_css=False,
        **options,
    )


def page_state() -> gr.HTML:
    """What the page looks at: a `PageState` as the browser keeps it. It also asks what to draw."""
    return gr.HTML(
        PageState().write(),
        html_template="",
        js_on_load=_PULSE_JS,
        apply_default_css=False,
        elem_id="hg-pulse",
    )
