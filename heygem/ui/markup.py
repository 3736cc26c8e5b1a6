"""HTML of the parts of the page that change. Whatever comes from outside goes through `escape`."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from html import escape

from heygem.jobs.job import Job, JobState
from heygem.server.urls import job_template_url, result_url
from heygem.ui.status import STATE_TONES, Figure, Sentence, format_duration
from heygem.ui.texts import Language, error_sentence, text

PHOTO_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")


def sentence(what: Sentence, *, kind: str, extra: str = "") -> str:
    """A headline, its detail and, where there is one, a bar. `kind` is "banner" or "job"; `extra` is HTML."""
    bar = ""
    if what.fraction is not None:
        bar = f'<div class="hg-bar"><i style="width:{what.fraction:.1%}"></i></div>'
    return (
        f'<div class="hg-{kind} hg-{what.tone}"><span class="hg-dot"></span>'
        f"{_words(what.headline, what.detail)}{extra}{bar}</div>"
    )


def _words(headline: str, detail: str) -> str:
    return f'<div class="hg-words"><strong>{escape(headline)}</strong><p>{escape(detail)}</p></div>'


def figures(items: Sequence[Figure]) -> str:
    """Device, memory and queue."""
    return '<dl class="hg-figures">' + "".join(_figure(item) for item in items) + "</dl>"


def _figure(item: Figure) -> str:
    meter = ""
    if item.fraction is not None:
        meter = f'<i class="hg-meter"><b style="width:{item.fraction:.0%}"></b></i>'
    value = escape(item.value)
    return f'<div><dt>{escape(item.label)}</dt><dd title="{value}">{value}</dd>{meter}</div>'


def warnings(sentences: Sequence[str]) -> str:
    """What the reader should look after."""
    return "".join(f'<p class="hg-warning">{escape(sentence)}</p>' for sentence in sentences)


def notice(words: str) -> str:
    """Floats in and out again by itself."""
    return f'<div class="hg-notice" role="status">{escape(words)}</div>' if words else ""


def message(words: str, *, is_error: bool = True) -> str:
    """One sentence below the button."""
    return (
        f'<p class="hg-message{" hg-bad" if is_error else ""}" role="alert">{escape(words)}</p>'
        if words
        else ""
    )


def player(job: Job | None, language: Language) -> str:
    """The result beside its template. It changes when the job or its outcome does, never while one plays."""
    if job is None:
        empty = _words(text(language, "job_none"), text(language, "job_none_detail"))
        return f'<div class="hg-player"><figure class="hg-tile hg-empty">{empty}</figure></div>'
    return f'<div class="hg-player">{_result_tile(job, language)}{_template_tile(job, language)}</div>'


def _result_tile(job: Job, language: Language) -> str:
    label = f"<figcaption>{escape(text(language, 'tile_result'))}</figcaption>"
    if has_result(job):
        return f'<figure class="hg-tile">{video(job)}{label}</figure>'
    return f'<figure class="hg-tile{"" if job.state.is_final else " hg-waiting"}">{label}</figure>'


def video(job: Job) -> str:
    """A player of a finished job."""
    return f'<video src="{result_url(job.id)}" controls playsinline preload="metadata"></video>'


def _template_tile(job: Job, language: Language) -> str:
    label = f"<figcaption>{escape(text(language, 'tile_template'))}</figcaption>"
    url = job_template_url(job.id)
    if job.spec.template_path.suffix.lower() in PHOTO_SUFFIXES:
        picture = f'<img src="{url}" alt="" onerror="this.remove()">'  # inputs go when the cache is cleared
    else:
        picture = f'<video src="{url}" muted loop autoplay playsinline preload="metadata"></video>'
    return f'<figure class="hg-tile hg-template">{picture}{label}</figure>'


def has_result(job: Job) -> bool:
    """Whether there is a file to play."""
    return job.state is JobState.SUCCEEDED and job.output_path is not None


def download_link(job: Job | None, language: Language) -> str:
    """Saves the result; nothing while there is none."""
    if job is None or not has_result(job):
        return ""
    url = result_url(job.id, download=True)
    return f'<a class="hg-button hg-primary" href="{url}" download>{escape(text(language, "download"))}</a>'


def history(jobs: Sequence[Job], language: Language) -> str:
    """The newest jobs, a row each."""
    if not jobs:
        return f'<p class="hg-nothing">{escape(text(language, "history_empty"))}</p>'
    return '<ul class="hg-history">' + "".join(_history_row(job, language) for job in jobs) + "</ul>"


def _history_row(job: Job, language: Language) -> str:
    when = datetime.fromtimestamp(job.created_at).strftime("%Y-%m-%d %H:%M")
    facts = [when]
    if job.finished_at is not None and job.started_at is not None:
        facts.append(format_duration(job.finished_at - job.started_at, language))
    if job.state is JobState.FAILED:
        facts.append(error_sentence(language, job.error_code, job.error_message))
    state = escape(text(language, f"state_{job.state.value}"))
    return (
        f'<li><span class="hg-state hg-{STATE_TONES[job.state]}">{state}</span>'
        f"{_words(job.spec.title, ' · '.join(facts))}"
        f'<div class="hg-actions">{_history_actions(job, language)}</div></li>'
    )


def _history_actions(job: Job, language: Language) -> str:
    if not job.state.is_final:
        return _action("cancel", job, text(language, "cancel"))
    actions = _action("delete", job, text(language, "history_delete"), text(language, "history_confirm"))
    if has_result(job):
        url = result_url(job.id, download=True)
        save = f'<a class="hg-button" href="{url}" download>{escape(text(language, "download"))}</a>'
        actions = _action("play", job, text(language, "history_play")) + save + actions
    return actions


def _action(name: str, job: Job, label: str, confirm: str = "") -> str:
    data = f'data-action="{name}" data-job="{job.id}" data-confirm="{escape(confirm)}"'
    return f'<button class="hg-button" {data}>{escape(label)}</button>'


def history_player(job: Job | None, language: Language) -> str:
    """The video picked in the history."""
    if job is None or not has_result(job):
        words = escape(text(language, "history_pick"))
        return f'<figure class="hg-tile hg-empty"><p>{words}</p></figure>'
    return f'<figure class="hg-tile">{video(job)}<figcaption>{escape(job.spec.title)}</figcaption></figure>'


def facts(rows: Mapping[str, str]) -> str:
    """Versions and folders."""
    return (
        '<dl class="hg-facts">'
        + "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in rows.items())
        + "</dl>"
    )


def log_tail(lines: str, language: Language) -> str:
    """The end of the app's log."""
    title = escape(text(language, "log"))
    return f'<h2 class="hg-log-title">{title}</h2><pre class="hg-log">{escape(lines)}</pre>'
