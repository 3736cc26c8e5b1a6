"""The options panel gives its components in the order in which the handlers take them."""

import gradio as gr

from heygem.engines.base import LipSyncOptions
from heygem.ui.choices import Choices
from heygem.ui.layout import translations
from heygem.ui.parts import options_panel


def test_the_panel_starts_with_the_usual_options_in_the_order_of_choices() -> None:
    with gr.Blocks():
        parts = dict(zip(Choices._fields, options_panel(translations()), strict=True))
    assert Choices(*(part.value for part in parts.values())) == Choices.of(LipSyncOptions())
    ranges = {name: (part.minimum, part.maximum) for name, part in parts.items() if hasattr(part, "minimum")}
    assert ranges == {"expressiveness": (0.5, 1.5), "smile": (0, 1), "audio_offset_ms": (-500, 500)}
