"""The page's own components: cards of presenters, demo voices, and the rows of the history."""

from collections.abc import Iterable

import gradio as gr

from heygem.assets.catalog import DEFAULT_SPEECHES
from heygem.server.urls import thumbnail_url
from heygem.studio import TemplateCard

# Titles come in both languages, because the browser knows its own before it has asked us anything.
_TITLE = "navigator.language.startsWith('zh') ? item.zh : item.en"

_CARDS_TEMPLATE = (
    "<div class='hg-cards' role='radiogroup'>${cards.map(item => `<label class='hg-card'>"
    "<input type='radio' name='presenter' value='${item.id}'>"
    "<img src='${item.thumbnail}' alt='' loading='lazy'><span>${"
    + _TITLE
    + "}</span></label>`).join('')}</div>"
)

# The template names no value, so choosing redraws nothing and the keyboard keeps its place.
_CARDS_JS = """
const mark = () => {
    element.querySelectorAll('input').forEach(input => { input.checked = input.value === props.value; });
};
element.addEventListener('change', event => { props.value = event.target.value; trigger('select'); });
watch('value', mark);
mark();
"""

_VOICES_TEMPLATE = (
    "<div class='hg-voices'>${voices.map(item => `<button class='hg-button' data-voice='${item.id}'>${"
    + _TITLE
    + "}</button>`).join('')}</div>"
)

_VOICES_JS = """
element.addEventListener('click', event => {
    const button = event.target.closest('[data-voice]');
    if (button) trigger('click', { voice: button.dataset.voice });
});
"""

_HISTORY_JS = """
element.addEventListener('click', event => {
    const { action, job, confirm: question } = event.target.closest('[data-action]')?.dataset ?? {};
    if (action && (!question || window.confirm(question))) trigger('click', { action, job });
    if (action === 'play') {
        document.getElementById('hg-history-player').scrollIntoView({ behavior: 'smooth', block: 'nearest' });
    }
});
"""


_MODELS_JS = """
element.addEventListener('click', event => {
    const { action, model, confirm: question } = event.target.closest('[data-action]')?.dataset ?? {};
    if (action && (!question || window.confirm(question))) trigger('click', { action, model });
});
"""


def presenter_cards(cards: Iterable[TemplateCard]) -> gr.HTML:
    """The gallery. Its value is the id of the chosen card, "" for none; `select` tells of a choice."""
    items = [
        {"id": card.id, "en": card.title_en, "zh": card.title_zh, "thumbnail": thumbnail_url(card.id)}
        for card in cards
    ]
    first = items[0]["id"] if items else ""
    return gr.HTML(
        first,
        html_template=_CARDS_TEMPLATE,
        js_on_load=_CARDS_JS,
        cards=items,
        apply_default_css=False,
        elem_id="hg-presenters",
    )


def demo_voices() -> gr.HTML:
    """A button for each demo recording; `click` carries {"voice": name}."""
    items = [{"id": speech.name, "en": speech.title_en, "zh": speech.title_zh} for speech in DEFAULT_SPEECHES]
    return gr.HTML(
        html_template=_VOICES_TEMPLATE,
        js_on_load=_VOICES_JS,
        voices=items,
        apply_default_css=False,
        elem_id="hg-demo-voices",
    )


def models_table() -> gr.HTML:
    """The rows of `heygem.ui.system.markup`; `click` carries {"action": name, "model": name} of a button."""
    return gr.HTML(js_on_load=_MODELS_JS, apply_default_css=False, elem_id="hg-models")


def history_list() -> gr.HTML:
    """The rows of `heygem.ui.markup.history`; `click` carries {"action": name, "job": id} of a button."""
    return gr.HTML(js_on_load=_HISTORY_JS, apply_default_css=False, elem_id="hg-history")
