"""HTML of the library: cards, and what is known of one template."""

from collections.abc import Sequence
from html import escape

from heygem.library.shelf import CacheUse, TemplateLibrary, title_of
from heygem.library.template import IDLE_SHARE, Footage, Template, advice_on
from heygem.server.urls import preview_url, thumbnail_url
from heygem.ui import html
from heygem.ui.status import Tone, format_bytes, format_duration
from heygem.ui.texts import Language, error_sentence, text


def cache_line(use: CacheUse, language: Language) -> str:
    """How many are prepared, what that takes, and how often it paid."""
    first = text(
        language,
        "library_cache",
        prepared=use.prepared,
        total=use.total,
        used=format_bytes(use.bytes_on_disk),
        most=format_bytes(use.max_bytes),
    )
    second = text(language, "library_hits_none")
    if use.jobs:
        second = text(language, "library_hits", share=f"{use.hits / use.jobs:.0%}", jobs=use.jobs)
    full = min(1.0, use.bytes_on_disk / use.max_bytes)
    return (
        f'<div class="hg-cache"><p>{escape(first)} · {escape(second)}</p>'
        f'<i class="hg-meter"><b style="width:{full:.1%}"></b></i></div>'
    )


def cards(library: TemplateLibrary, templates: Sequence[Template], shown: str, language: Language) -> str:
    """Every template."""
    items = "".join(_card(library, template, template.id == shown, language) for template in templates)
    return f'<ul class="hg-templates">{items}</ul>'


def _card(library: TemplateLibrary, template: Template, is_shown: bool, language: Language) -> str:
    title, current = title_of(template, language), ' aria-current="true"' if is_shown else ""
    has_clip = template.is_default or not (template.footage and template.footage.is_photo)
    clip = (
        f'<video src="{preview_url(template.id)}" muted loop playsinline preload="none" tabindex="-1"'
        ' aria-hidden="true"></video>'
    )
    label, tone = state_of(library, template)
    return (
        f'<li data-key="{template.id}"><button type="button" class="hg-template-card" data-clip'
        f' data-action="pick" data-template="{template.id}" data-show="hg-template"{current}>'
        f'<span class="hg-still"><img src="{thumbnail_url(template.id)}" alt="" loading="lazy">'
        f"{clip if has_clip else ''}</span>"
        f'<span class="hg-card-words"><strong>{escape(title)}</strong>'
        f"<small>{escape(uses(template, language))}</small></span>"
        f"{html.pill(text(language, label), tone)}</button></li>"
    )


def state_of(library: TemplateLibrary, template: Template) -> tuple[str, Tone]:
    """Key of the word for how a template is, and its tone."""
    if library.is_preparing(template.id):
        return "template_preparing", "busy"
    if template.error_message:
        return "template_bad", "bad"
    if library.is_prepared(template):
        return "template_ready", "good"
    if library.will_prepare(template.id):
        return "template_waiting", "wait"
    return "template_cold", "idle"


def uses(template: Template, language: Language) -> str:
    """How often it was used."""
    key = f"template_uses_{template.use_count}" if template.use_count < 2 else "template_uses"
    words = text(language, key, count=template.use_count)
    return f"{text(language, 'template_default')} · {words}" if template.is_default else words


def detail(library: TemplateLibrary, template: Template | None, language: Language) -> str:
    """One template: picture, name, report, and what can be done with it."""
    if template is None:
        words = escape(text(language, "library_pick"))
        return f'<div class="hg-tile hg-empty"><p>{words}</p></div>'
    return (
        f'<section class="hg-detail" data-key="{template.id}"'
        f' aria-label="{escape(title_of(template, language))}">'
        f"{_picture(template, language)}{_name(template, language)}"
        f'<div class="hg-actions">{_actions(library, template, language)}</div>'
        f"{_report(library, template, language)}</section>"
    )


def _picture(template: Template, language: Language) -> str:
    """The still; where there are several faces, each is a button."""
    still = f'<img src="{thumbnail_url(template.id)}" alt="{escape(title_of(template, language))}">'
    boxes = template.look.face_boxes if template.look else ()
    if len(boxes) < 2 and template.face_point is None:
        return f'<figure class="hg-still hg-still-large"><span class="hg-frame">{still}</span></figure>'
    faces = "".join(_face(number, box, template, language) for number, box in enumerate(boxes, 1))
    point = ""
    if template.face_point is not None:
        x, y = template.face_point
        point = f'<i class="hg-point" style="left:{x:.2%};top:{y:.2%}"></i>'
    main = html.button(text(language, "face_main"), "face", template=template.id)
    return (
        '<figure class="hg-still hg-still-large"><span class="hg-frame" data-frame data-action="face"'
        f' data-point data-template="{template.id}">{still}{faces}{point}</span></figure>'
        f'<div class="hg-hint-row"><p class="hg-hint">{escape(text(language, "face_choose"))}</p>{main}</div>'
    )


def _face(number: int, box: tuple[float, float, float, float], template: Template, language: Language) -> str:
    x0, y0, x1, y1 = box
    style = f"left:{x0:.2%};top:{y0:.2%};width:{x1 - x0:.2%};height:{y1 - y0:.2%}"
    chosen = template.face_point is not None and _is_in(template.face_point, box)
    label = escape(text(language, "face_number", number=number))
    return (
        f'<button type="button" class="hg-face" style="{style}" aria-label="{label}"'
        f' aria-pressed="{str(chosen).lower()}" data-action="face" data-template="{template.id}"'
        f' data-x="{(x0 + x1) / 2:.4f}" data-y="{(y0 + y1) / 2:.4f}"></button>'
    )


def _is_in(point: tuple[float, float], box: tuple[float, float, float, float]) -> bool:
    return box[0] <= point[0] <= box[2] and box[1] <= point[1] <= box[3]


def _name(template: Template, language: Language) -> str:
    label, save = escape(text(language, "template_name")), escape(text(language, "template_save"))
    value = escape(title_of(template, language))
    return (
        f'<form class="hg-form" data-action="rename" data-template="{template.id}">'
        f'<label>{label} <input name="words" value="{value}" maxlength="80" required'
        ' autocomplete="off"></label>'
        f'<button class="hg-button">{save}</button></form>'
    )


def _actions(library: TemplateLibrary, template: Template, language: Language) -> str:
    actions = ""
    if not template.error_message:
        actions += html.button(text(language, "template_use"), "use", is_primary=True, template=template.id)
    if not library.is_prepared(template) and not library.is_preparing(template.id):
        actions += html.button(text(language, "template_prepare"), "prepare", template=template.id)
    if not template.is_default:
        confirm = text(language, "template_delete_confirm")
        actions += html.button(
            text(language, "template_delete"), "delete", confirm=confirm, template=template.id
        )
    return actions


def _report(library: TemplateLibrary, template: Template, language: Language) -> str:
    title = f"<h2 class='hg-sub'>{escape(text(language, 'template_report'))}</h2>"
    if template.error_message:
        problem = error_sentence(language, template.error_code, template.error_message)
        return f'{title}<p class="hg-advice hg-bad">{escape(problem)}</p>'
    if template.look is None or template.footage is None:
        return f"{title}<p class='hg-hint'>{escape(text(language, 'template_no_report'))}</p>"
    advice = [text(language, f"advice_{key.value}") for key in advice_on(template)]
    tone = "wait" if advice else "good"
    said = advice or [text(language, "template_good")]
    if not library.is_prepared(template):
        said.append(text(language, "template_cold_detail"))
    lines = "".join(f'<li class="hg-{tone}">{escape(line)}</li>' for line in said)
    return f'{title}{html.rows(facts(template, language))}<ul class="hg-advice">{lines}</ul>'


def facts(template: Template, language: Language) -> dict[str, str]:
    """The figures of the report."""
    look, footage = template.look, template.footage
    if look is None or footage is None:
        return {}
    mouth = text(language, "template_rests")
    if footage.is_photo:
        mouth = ""
    elif look.open_share >= IDLE_SHARE:
        mouth = text(language, "template_talks", share=f"{look.open_share:.0%}")
    absent = text(
        language, "template_absent_frames", count=template.frames_without_face, total=footage.frame_count
    )
    if footage.is_photo:
        absent = ""
    return {
        text(language, "template_picture"): _picture_words(footage, language),
        text(language, "template_face"): text(
            language, "template_face_width", width=round(look.face_width_px)
        ),
        text(language, "template_turn"): text(
            language, "template_turn_degrees", degrees=round(look.turned_degrees)
        ),
        text(language, "template_absent"): absent,
        text(language, "template_mouth"): mouth,
    }


def _picture_words(footage: Footage, language: Language) -> str:
    if footage.is_photo:
        return text(language, "template_photo", width=footage.width, height=footage.height)
    return text(
        language,
        "template_video",
        width=footage.width,
        height=footage.height,
        fps=f"{float(footage.fps):.5g}",
        duration=format_duration(footage.duration_seconds, language),
    )
