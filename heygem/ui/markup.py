"""HTML of the parts of the page that change. Whatever comes from outside goes through `escape`."""

from collections.abc import Mapping, Sequence
from html import escape

from heygem.jobs.job import Job, JobState
from heygem.server.urls import job_template_url, result_url
from heygem.ui import html
from heygem.ui.status import Figure, Sentence
from heygem.ui.texts import Language, text

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
    return f'<div><dt>{escape(item.label)}</dt><dd title="{value}">{value}{meter}</dd></div>'


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


def hint(words: str) -> str:
    """A quiet sentence."""
    return f'<p class="hg-hint" role="status">{escape(words)}</p>'


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
    return html.player(result_url(job.id), job.spec.title)


def _template_tile(job: Job, language: Language) -> str:
    label = f"<figcaption>{escape(text(language, 'tile_template'))}</figcaption>"
    url = job_template_url(job.id)
    if job.spec.template_path.suffix.lower() in PHOTO_SUFFIXES:
        hide = "this.style.visibility='hidden'"  # inputs go when the cache is cleared
        picture = f'<img data-key="{url}" src="{url}" alt="" onerror="{hide}">'
    else:
        picture = (
            f'<video data-key="{url}" src="{url}" muted loop autoplay playsinline preload="metadata"></video>'
        )
    return f'<figure class="hg-tile hg-template">{picture}{label}</figure>'


def has_result(job: Job) -> bool:
    """Whether there is a file to play."""
    return job.state is JobState.SUCCEEDED and job.output_path is not None


def job_action(job: Job, language: Language) -> str:
    """Saves the result, or cancels what is not finished; nothing where there is neither."""
    if has_result(job):
        return html.link(text(language, "download"), result_url(job.id, download=True), is_primary=True)
    if job.state.is_final:
        return ""
    return html.button(text(language, "cancel"), "cancel", job=job.id, is_disabled=job.cancel_requested)


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
