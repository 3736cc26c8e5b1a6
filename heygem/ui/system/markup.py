"""HTML of the System tab: the memory bar and one row for each model. Pure functions."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from heygem.models.status import ModelState, ModelStatus
from heygem.ui.status import format_bytes
from heygem.ui.texts import Language, error_sentence, text

_TONES = {ModelState.READY: "good", ModelState.FAILED: "bad", ModelState.ABSENT: "idle"}
_COLUMNS = ("model", "state", "bytes", "load", "warm", "used")


@dataclass(frozen=True, slots=True)
class DeviceMemory:
    """Of the device the models live on, in bytes; None: it does not say."""

    is_gpu: bool
    total_bytes: int | None
    free_bytes: int | None


def models_panel(
    models: Sequence[ModelStatus], memory: DeviceMemory, now_seconds: float, language: Language
) -> str:
    """The memory bar and the table. `now_seconds` is since the epoch."""
    if not models:
        return f'<p class="hg-nothing">{escape(text(language, "models_none"))}</p>'
    head = "".join(f"<th>{escape(text(language, f'column_{key}'))}</th>" for key in _COLUMNS)
    rows = "".join(_row(model, now_seconds, language) for model in models)
    label = escape(text(language, "column_model"))
    table = f'<table class="hg-models"><tr>{head}<td></td></tr>{rows}</table>'
    scroll = f'<div class="hg-scroll" tabindex="0" role="region" aria-label="{label}">{table}</div>'
    return f"{_memory_bar(models, memory, language)}{scroll}"


def _memory_bar(models: Sequence[ModelStatus], memory: DeviceMemory, language: Language) -> str:
    """Models, the rest that is taken, what work will need, what is then free; "" if nobody can tell."""
    if not memory.total_bytes or memory.free_bytes is None:
        return ""
    held = sum(model.bytes_resident for model in models)
    taken = max(held, memory.total_bytes - memory.free_bytes)
    work = min(memory.free_bytes, max(model.peak_bytes for model in models))
    parts = {
        "models": held,
        "other": taken - held,
        "work": work,
        "free": max(0, memory.total_bytes - taken - work),
    }
    label = text(
        language, "memory_vram" if memory.is_gpu else "memory_ram", total=format_bytes(memory.total_bytes)
    )
    bar = "".join(
        f'<i class="hg-memory-{key}" style="width:{size / memory.total_bytes:.2%}"></i>'
        for key, size in parts.items()
    )
    words = "".join(
        f'<li class="hg-memory-{key}">'
        f"{escape(text(language, f'memory_{key}', bytes=format_bytes(size)))}</li>"
        for key, size in parts.items()
    )
    return (
        f'<div class="hg-memory"><strong>{escape(label)}</strong>'
        f'<div class="hg-memory-bar">{bar}</div><ul>{words}</ul></div>'
    )


def _row(model: ModelStatus, now_seconds: float, language: Language) -> str:
    tone = _TONES.get(model.state, "wait")
    state = escape(text(language, f"model_{model.state.value}"))
    cells = (
        _title(model, language),
        f'<span class="hg-state hg-{tone}">{state}</span>' + _golden(model, language),
        _bytes(model, language),
        _two_lines(f"{model.load_seconds:.2f} s" if model.load_seconds else "–", _rate(model, language)),
        _warmed(model, language),
        escape(_last_use(model, now_seconds, language)),
        f'<div class="hg-actions">{_buttons(model, language)}</div>',
    )
    row = "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
    if model.problem:  # which file or device, why, and what to do: over the whole width
        code = model.problem_code or "internal"
        problem = escape(error_sentence(language, code, model.problem, model.problem_file))
        row += f'<tr><td class="hg-model-problem hg-bad" colspan="{len(cells)}">{problem}</td></tr>'
    return row


def _title(model: ModelStatus, language: Language) -> str:
    facts = [text(language, f"tier_{model.tier}"), model.precision, model.note]
    return _two_lines(model.title, " · ".join(filter(None, facts)))


def _golden(model: ModelStatus, language: Language) -> str:
    """Whether its warm-up output is the recorded one; nothing where there is none."""
    if model.golden_ok is None:
        return ""
    return f"<small>{escape(text(language, 'golden_ok' if model.golden_ok else 'golden_wrong'))}</small>"


def _bytes(model: ModelStatus, language: Language) -> str:
    peak = text(language, "model_peak", bytes=format_bytes(model.peak_bytes)) if model.peak_bytes else ""
    return _two_lines(f"{format_bytes(model.bytes_on_disk)} / {format_bytes(model.bytes_resident)}", peak)


def _rate(model: ModelStatus, language: Language) -> str:
    rate = model.transfer_bytes_per_second
    if rate is None:
        return ""
    words = f"{rate / 1e9:.1f}"
    if not model.ceiling_bytes_per_second:
        return text(language, "model_rate", rate=words)
    ceiling = f"{max(rate, model.ceiling_bytes_per_second) / 1e9:.1f}"
    return text(language, "model_wire", rate=words, ceiling=ceiling)


def _warmed(model: ModelStatus, language: Language) -> str:
    if not model.warmed_buckets:
        return "–"
    count, seconds = len(model.warmed_buckets), f"{model.warm_seconds:.1f}"
    return _two_lines(
        text(language, "model_warmed", count=count, seconds=seconds), ", ".join(model.warmed_buckets)
    )


def _last_use(model: ModelStatus, now_seconds: float, language: Language) -> str:
    if model.leases:
        return text(language, "used_now")
    if model.used_at is None:
        return text(language, "used_never")
    minutes = int((now_seconds - model.used_at) / 60)
    if minutes < 1:
        return text(language, "used_just")
    if minutes < 120:
        return text(language, "used_minutes", minutes=minutes)
    return text(language, "used_hours", hours=minutes // 60)


def _buttons(model: ModelStatus, language: Language) -> str:
    """What can be done now; nothing while a job uses it or it is on its way."""
    if model.leases or model.state not in (ModelState.READY, ModelState.ABSENT, ModelState.FAILED):
        return ""
    if model.state is not ModelState.READY:
        return _button("reload", model, text(language, "model_load"))
    question = text(language, "model_unload_confirm", title=model.title)
    unload = _button("unload", model, text(language, "model_unload"), question)
    return unload + _button("reload", model, text(language, "model_reload"))


def _button(action: str, model: ModelStatus, label: str, confirm: str = "") -> str:
    data = f'data-action="{action}" data-model="{escape(model.name)}" data-confirm="{escape(confirm)}"'
    return f'<button class="hg-button" {data}>{escape(label)}</button>'


def _two_lines(first: str, second: str) -> str:
    return escape(first) + (f"<small>{escape(second)}</small>" if second else "")
