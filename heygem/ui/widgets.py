"""The page's own inputs: cards of presenters and demo voices, to pick one or several of."""

from collections.abc import Iterable

import gradio as gr

from heygem.assets.catalog import DEFAULT_SPEECHES
from heygem.library.shelf import title_of
from heygem.library.template import Template
from heygem.server.urls import thumbnail_url

# Titles come in both languages, because the browser knows its own before it has asked us anything.
_CARDS_TEMPLATE = "<div class='hg-cards' role='group'></div>"

# Choosing redraws nothing, so that the keyboard keeps its place. Names are people's own words: they are
# put in as text.
_CARDS_JS = """
const chinese = navigator.language.startsWith('zh');
const list = element.querySelector('.hg-cards');
const make = (tag, properties) => Object.assign(document.createElement(tag), properties);
const card = ({ id, en, zh, thumbnail }) => {
    const label = make('label', { className: 'hg-card' });
    const input = make('input', { type: '%(kind)s', name: '%(name)s', value: id });
    const picture = make('img', { src: thumbnail, alt: '', loading: 'lazy' });
    const title = make('span', { textContent: chinese ? zh : en });
    label.append(input, picture, title);
    return label;
};
const mark = () => {
    const chosen = (props.value || '').split(',');
    list.querySelectorAll('input').forEach(input => { input.checked = chosen.includes(input.value); });
};
const deal = cards => { list.replaceChildren(...cards.map(card)); mark(); };
list.addEventListener('change', () => {
    props.value = [...list.querySelectorAll('input:checked')].map(input => input.value).join(',');
    trigger('select');
});
watch('value', mark);
(window.hgParts ??= {})['%(view)s'] = json => deal(JSON.parse(json));
deal(props.cards);
"""

_VOICES_TEMPLATE = (
    "<div class='hg-voices'>${voices.map(item => `<button type='button' class='hg-button'"
    " data-voice='${item.id}'>${navigator.language.startsWith('zh') ? item.zh : item.en}</button>`)"
    ".join('')}</div>"
)

_VOICES_JS = """
element.addEventListener('click', event => {
    const button = event.target.closest('[data-voice]');
    if (button) trigger('click', { voice: button.dataset.voice });
});
"""

_TOGGLES_JS = """
const mark = () => {
    const chosen = (props.value || '').split(',');
    element.querySelectorAll('[data-voice]').forEach(button => {
        button.setAttribute('aria-pressed', chosen.includes(button.dataset.voice));
    });
};
element.addEventListener('click', event => {
    const button = event.target.closest('[data-voice]');
    if (!button) return;
    button.setAttribute('aria-pressed', button.getAttribute('aria-pressed') !== 'true');
    const pressed = [...element.querySelectorAll('[aria-pressed=true]')];
    props.value = pressed.map(button => button.dataset.voice).join(',');
    trigger('select');
});
watch('value', mark);
mark();
"""


def card_items(templates: Iterable[Template]) -> list[dict[str, str]]:
    """What a card needs to know of each template that can be used."""
    return [
        {
            "id": template.id,
            "en": title_of(template, "en"),
            "zh": title_of(template, "zh"),
            "thumbnail": thumbnail_url(template.id),
        }
        for template in templates
        if not template.error_message
    ]


def presenter_cards(templates: Iterable[Template], view: str, elem_id: str, *, many: bool = False) -> gr.HTML:
    """The gallery, dealt anew with each `view` of that name.

    Its value is the id of the chosen card, or several with commas; `select` tells of a choice.
    """
    items = card_items(templates)
    return gr.HTML(
        items[0]["id"] if items and not many else "",
        html_template=_CARDS_TEMPLATE,
        js_on_load=_CARDS_JS % {"kind": "checkbox" if many else "radio", "name": elem_id, "view": view},
        cards=items,
        apply_default_css=False,
        elem_id=elem_id,
    )


def demo_voices() -> gr.HTML:
    """A button for each demo recording; `click` carries {"voice": name}."""
    return _voices(_VOICES_JS, "hg-demo-voices")


def demo_voice_toggles() -> gr.HTML:
    """Demo recordings to pick several of: the value is names with commas; `select` tells of a choice."""
    return _voices(_TOGGLES_JS, "hg-batch-voices")


def _voices(javascript: str, elem_id: str) -> gr.HTML:
    items = [{"id": speech.name, "en": speech.title_en, "zh": speech.title_zh} for speech in DEFAULT_SPEECHES]
    return gr.HTML(
        "",
        html_template=_VOICES_TEMPLATE,
        js_on_load=javascript,
        voices=items,
        apply_default_css=False,
        elem_id=elem_id,
    )
