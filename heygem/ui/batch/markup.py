"""HTML of one batch: how far it is, and a row for every video."""

from collections.abc import Sequence
from datetime import datetime
from html import escape
from statistics import median

from heygem.jobs.archive import Batch
from heygem.jobs.job import Job, JobState
from heygem.server.urls import batch_zip_url, result_url, thumbnail_url
from heygem.ui import html
from heygem.ui.markup import has_result
from heygem.ui.status import STATE_TONES, format_duration, job_fraction
from heygem.ui.texts import Language, error_sentence, text

SEGMENTS = (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELED)


def no_batch(language: Language) -> str:
    """Before the first one."""
    headline, detail = text(language, "batch_none"), text(language, "batch_none_detail")
    return (
        '<div class="hg-tile hg-empty hg-batch-empty"><div class="hg-words">'
        f"<strong>{escape(headline)}</strong><p>{escape(detail)}</p></div></div>"
    )


def batch_head(batch: Batch, jobs: Sequence[Job], language: Language) -> str:
    """Title, "3 / 12", a bar of what became of them, and what can be done."""
    counts = batch.counts
    notes = [_mood(batch, language)]
    if left := seconds_left(jobs):
        notes.append(text(language, "batch_left", duration=format_duration(left, language)))
    for state in (JobState.FAILED, JobState.CANCELED):
        if counts[state]:
            notes.append(text(language, f"batch_{state.value}", count=counts[state]))
    return (
        f'<section class="hg-batch-head" aria-label="{escape(batch.title)}">'
        f'<div class="hg-batch-title"><h2>{escape(batch.title)}</h2><p>{escape(" · ".join(notes))}</p></div>'
        f'<p class="hg-count"><b>{batch.finished}</b> / {batch.total}</p>'
        f"{_bar(batch, jobs)}"
        f'<div class="hg-actions">{_head_actions(batch, jobs, language)}</div></section>'
    )


def _mood(batch: Batch, language: Language) -> str:
    if batch.finished < batch.total:
        is_running = bool(batch.counts[JobState.RUNNING])
        return text(language, "batch_at_work" if is_running else "batch_in_line")
    all_done = batch.counts[JobState.SUCCEEDED] == batch.total
    return text(language, "batch_all_done" if all_done else "batch_over")


def seconds_left(jobs: Sequence[Job]) -> float | None:
    """What the unfinished jobs will take, judged by the finished ones; None before there is one."""
    took = [
        job.finished_at - job.started_at
        for job in jobs
        if job.state is JobState.SUCCEEDED and job.finished_at and job.started_at
    ]
    open_parts = sum(1 - job_fraction(job) for job in jobs if not job.state.is_final)
    return median(took) * open_parts if took and open_parts else None


def _bar(batch: Batch, jobs: Sequence[Job]) -> str:
    parts = [
        f'<i class="hg-{STATE_TONES[state]}" style="width:{batch.counts[state] / batch.total:.2%}"></i>'
        for state in SEGMENTS
    ]
    running = sum(job_fraction(job) for job in jobs if job.state is JobState.RUNNING)
    parts.append(f'<i class="hg-busy" style="width:{running / batch.total:.2%}"></i>')
    return (
        f'<div class="hg-segments" role="progressbar" aria-label="{escape(batch.title)}" aria-valuemin="0"'
        f' aria-valuemax="{batch.total}" aria-valuenow="{batch.finished}">{"".join(parts)}</div>'
    )


def _head_actions(batch: Batch, jobs: Sequence[Job], language: Language) -> str:
    actions = []
    if batch.finished < batch.total:
        confirm = text(language, "batch_cancel_confirm")
        label = text(language, "batch_cancel")
        actions.append(html.button(label, "cancel_batch", confirm=confirm, batch=batch.id))
    if batch.counts[JobState.FAILED]:
        actions.append(html.button(text(language, "batch_retry"), "retry_batch", batch=batch.id))
    if any(map(has_result, jobs)):
        label = text(language, "batch_zip")
        actions.append(html.link(label, batch_zip_url(batch.id), is_primary=batch.finished == batch.total))
    return "".join(actions)


def batch_items(jobs: Sequence[Job], playing: str, language: Language) -> str:
    """Every video of the batch, in order."""
    items = "".join(_item(number, job, job.id == playing, language) for number, job in enumerate(jobs, 1))
    label = escape(text(language, "batch_items"))
    return f'<ol class="hg-items" aria-label="{label}">{items}</ol>'


def _item(number: int, job: Job, is_playing: bool, language: Language) -> str:
    state = html.pill(text(language, f"state_{job.state.value}"), STATE_TONES[job.state])
    video = (
        f'<div class="hg-tile">{html.player(result_url(job.id), job.spec.title)}</div>' if is_playing else ""
    )
    bar = ""
    if job.state is JobState.RUNNING:
        bar = f'<div class="hg-bar hg-busy"><i style="width:{job_fraction(job):.1%}"></i></div>'
    return (
        f'<li data-key="{job.id}"><span class="hg-number">{number}</span>{_thumbnail(job)}'
        f'<div class="hg-words"><strong>{escape(job.spec.title)}</strong>'
        f"<p>{escape(_note(job, language))}</p></div>"
        f'{state}<div class="hg-actions">{_item_actions(job, is_playing, language)}</div>{bar}{video}</li>'
    )


def _thumbnail(job: Job) -> str:
    if not job.spec.template_id:
        return '<span class="hg-thumb"></span>'
    url = thumbnail_url(job.spec.template_id)
    hide = "this.style.visibility='hidden'"
    return f'<span class="hg-thumb"><img src="{url}" alt="" loading="lazy" onerror="{hide}"></span>'


def _note(job: Job, language: Language) -> str:
    """Why it failed, how far it is, or how long it took."""
    if job.state is JobState.FAILED:
        return error_sentence(language, job.error_code, job.error_message, job.error_details.get("file", ""))
    if job.state is JobState.RUNNING:
        return f"{text(language, f'stage_{job.stage}')} · {job_fraction(job):.0%}"
    if job.state is JobState.SUCCEEDED and job.output_path is None:
        return text(language, "job_expired")
    if job.state is JobState.SUCCEEDED and job.finished_at and job.started_at:
        duration = format_duration(job.finished_at - job.started_at, language)
        return text(language, "job_succeeded_detail", duration=duration)
    return ""


def _item_actions(job: Job, is_playing: bool, language: Language) -> str:
    title = job.spec.title
    if has_result(job):
        play = text(language, "batch_hide" if is_playing else "history_play")
        save = text(language, "download")
        return html.button(
            play, "play", job="" if is_playing else job.id, label_for_readers=f"{play}: {title}"
        ) + html.link(save, result_url(job.id, download=True))
    if job.state is JobState.FAILED:
        again = text(language, "history_retry")
        return html.button(again, "retry", job=job.id, label_for_readers=f"{again}: {title}")
    if not job.state.is_final:
        label = text(language, "cancel")
        return html.button(
            label,
            "cancel",
            job=job.id,
            is_disabled=job.cancel_requested,
            label_for_readers=f"{label}: {title}",
        )
    return ""


def batch_list(batches: Sequence[Batch], shown: str, language: Language) -> str:
    """The latest batches, to choose from; nothing while there is only one."""
    if len(batches) < 2:
        return ""
    rows = "".join(_batch_row(batch, batch.id == shown) for batch in batches)
    label = escape(text(language, "batch_earlier"))
    return f'<nav class="hg-batches" aria-label="{label}"><h3>{label}</h3>{rows}</nav>'


def _batch_row(batch: Batch, is_shown: bool) -> str:
    when = datetime.fromtimestamp(batch.created_at).strftime("%m-%d %H:%M")
    current = ' aria-current="true"' if is_shown else ""
    return (
        f'<button type="button" class="hg-batch-row" data-action="show_batch"'
        f' data-batch="{batch.id}"{current}>'
        f"<span>{escape(batch.title)}</span><small>{batch.finished} / {batch.total} · {when}</small></button>"
    )
