"""HTML of the history: a page of rows, and everything about one job."""

from datetime import datetime
from html import escape

from heygem.engines.base import STAGES, LipSyncOptions
from heygem.jobs.archive import JobPage
from heygem.jobs.job import Job, JobState
from heygem.server.urls import result_url, results_zip_url
from heygem.ui import html
from heygem.ui.markup import has_result
from heygem.ui.status import STATE_TONES, Tone, format_duration
from heygem.ui.texts import Language, error_sentence, text

PAGE_LENGTH = 10
GOOD_CORRELATION, FAIR_CORRELATION = 0.75, 0.55
IN_TIME_MS = 40.0


def history_page(found: JobPage, page: int, shown: str, is_searched: bool, language: Language) -> str:
    """The rows of one page, what can be done with the ticked ones, and the way to the other pages."""
    if not found.total:
        return html.nothing(text(language, "history_nothing_found" if is_searched else "history_empty"))
    rows = "".join(_row(job, job.id == shown, language) for job in found.jobs)
    return f"{_picked_bar(language)}<ul class='hg-history'>{rows}</ul>{_pager(found, page, language)}"


def _picked_bar(language: Language) -> str:
    every = escape(text(language, "history_pick_all"))
    save = escape(text(language, "history_download_picked"))
    confirm = text(language, "history_delete_picked_confirm")
    delete = html.button(
        text(language, "history_delete_picked"),
        "delete_picked",
        confirm=confirm,
        for_picked="",
        is_disabled=True,
    )
    address = results_zip_url()
    return (
        '<div class="hg-picked">'
        f'<label><input type="checkbox" data-pick-all aria-label="{every}">'
        "<span data-picked-count></span></label>"
        f'<a class="hg-button" role="link" data-for-picked data-address="{escape(address)}"'
        f' aria-disabled="true" download>{save}</a>{delete}</div>'
    )


def _row(job: Job, is_shown: bool, language: Language) -> str:
    when = datetime.fromtimestamp(job.created_at).strftime("%Y-%m-%d %H:%M")
    notes = [when]
    if job.finished_at is not None and job.started_at is not None:
        notes.append(format_duration(job.finished_at - job.started_at, language))
    if job.pinned:
        notes.append(text(language, "history_pinned"))
    if job.state is JobState.SUCCEEDED and job.output_path is None:
        notes.append(text(language, "job_expired_short"))
    if job.state is JobState.FAILED:
        notes.append(error_sentence(language, job.error_code, job.error_message))
    title, current = job.spec.title, ' aria-current="true"' if is_shown else ""
    tick = ""
    if job.state.is_final:
        label = escape(text(language, "history_pick_one", title=title))
        tick = f'<input type="checkbox" data-pick="{job.id}" aria-label="{label}">'
    return (
        f'<li data-key="{job.id}"><span class="hg-tick">{tick}</span>'
        f'<button type="button" class="hg-row" data-action="open" data-job="{job.id}"'
        f' data-show="hg-history-job"{current}><span class="hg-words"><strong>{escape(title)}</strong>'
        f'<span class="hg-note">{escape(" · ".join(notes))}</span></span>'
        f"{html.pill(text(language, f'state_{job.state.value}'), STATE_TONES[job.state])}</button></li>"
    )


def _pager(found: JobPage, page: int, language: Language) -> str:
    first = (page - 1) * PAGE_LENGTH + 1
    last = first + len(found.jobs) - 1
    words = escape(text(language, "history_range", first=first, last=last, total=found.total))
    newer = html.button(text(language, "history_newer"), "page", page=str(page - 1), is_disabled=page <= 1)
    older = html.button(
        text(language, "history_older"), "page", page=str(page + 1), is_disabled=last >= found.total
    )
    return f'<nav class="hg-pager">{newer}<span>{words}</span>{older}</nav>'


def job_detail(job: Job | None, is_checking: bool, language: Language) -> str:
    """Everything about one job."""
    if job is None:
        return f'<div class="hg-tile hg-empty"><p>{escape(text(language, "history_pick"))}</p></div>'
    picture = ""
    if has_result(job):
        picture = f'<figure class="hg-tile">{html.player(result_url(job.id), job.spec.title)}</figure>'
    problem = ""
    if job.state is JobState.FAILED:
        words = error_sentence(language, job.error_code, job.error_message, job.error_details.get("file", ""))
        problem = f'<p class="hg-advice hg-bad">{escape(words)}</p>'
    return (
        f'<section class="hg-detail" data-key="{job.id}" aria-label="{escape(job.spec.title)}">{picture}'
        f"<h2>{escape(job.spec.title)}</h2>{problem}"
        f'<div class="hg-actions">{_actions(job, is_checking, language)}</div>'
        f"{html.rows(_facts(job, language))}{_checkup(job, is_checking, language)}"
        f"{_stages(job, language)}</section>"
    )


def _actions(job: Job, is_checking: bool, language: Language) -> str:
    def act(key: str, action: str, confirm: str = "", *, is_disabled: bool = False) -> str:
        return html.button(text(language, key), action, confirm=confirm, is_disabled=is_disabled, job=job.id)

    if not job.state.is_final:
        return act("cancel", "cancel", is_disabled=job.cancel_requested)
    actions = ""
    if has_result(job):
        url = result_url(job.id, download=True)
        actions += html.link(text(language, "download"), url, is_primary=True)
    actions += act("history_again", "again")
    if job.state in (JobState.FAILED, JobState.CANCELED):
        actions += act("history_retry", "retry")
    if has_result(job):
        actions += act("history_check", "check", is_disabled=is_checking)
        actions += act("history_unpin", "unpin") if job.pinned else act("history_pin", "pin")
    return actions + act(
        "history_delete", "delete", text(language, "history_confirm"), is_disabled=job.pinned
    )


def _facts(job: Job, language: Language) -> dict[str, str]:
    took = ""
    if job.finished_at is not None and job.started_at is not None:
        took = format_duration(job.finished_at - job.started_at, language)
    return {
        text(language, "history_speech"): job.spec.audio_name,
        text(language, "history_template"): job.spec.template_name,
        text(language, "history_options"): option_words(job.spec.options, language),
        text(language, "history_when"): datetime.fromtimestamp(job.created_at).strftime("%Y-%m-%d %H:%M:%S"),
        text(language, "history_made_in"): took,
        text(language, "history_attempts"): str(job.attempt) if job.attempt > 1 else "",
    }


def option_words(options: LipSyncOptions, language: Language) -> str:
    """What differs from the usual."""
    usual, words = LipSyncOptions(), []
    if options.fps is not None:
        words.append(text(language, "history_option_fps", fps=f"{float(options.fps):.5g}"))
    if options.expressiveness != usual.expressiveness:
        value = f"{options.expressiveness:g}"
        words.append(text(language, "history_option_expressiveness", value=value))
    if options.smile:
        words.append(text(language, "history_option_smile", value=f"{options.smile:g}"))
    if options.audio_offset_ms:
        words.append(text(language, "history_option_offset", value=f"{options.audio_offset_ms:+d}"))
    if options.loop_mode != usual.loop_mode:
        words.append(text(language, f"loop_{options.loop_mode}"))
    if options.living != usual.living:
        words.append(f"{text(language, 'living')}: {text(language, f'living_{options.living}')}")
    if options.quality_crf != usual.quality_crf:
        words.append(f"CRF {options.quality_crf}")
    if options.visible_label:
        words.append(text(language, "history_option_label"))
    if options.face_point is not None:
        words.append(text(language, "history_option_face"))
    return " · ".join(words) or text(language, "history_options_usual")


def _stages(job: Job, language: Language) -> str:
    total = sum(job.timings.values())
    if not total:
        return ""
    known = [stage for stage in STAGES if stage in job.timings]
    rows = "".join(
        f"<li><span>{escape(text(language, f'stage_{stage}'))}</span>"
        f'<i class="hg-meter"><b style="width:{job.timings[stage] / total:.1%}"></b></i>'
        f"<span>{job.timings[stage]:.1f} s</span></li>"
        for stage in known
    )
    return f'<h3>{escape(text(language, "history_stages"))}</h3><ul class="hg-stages">{rows}</ul>'


def _checkup(job: Job, is_checking: bool, language: Language) -> str:
    if not is_checking and not job.checkup:
        return ""
    title = f"<h3>{escape(text(language, 'history_checkup'))}</h3>"
    if is_checking:
        return f'{title}<p class="hg-hint" role="status">{escape(text(language, "history_checking"))}</p>'
    if "error" in job.checkup:
        words = text(language, "checkup_failed", reason=str(job.checkup["error"]))
        return f'{title}<p class="hg-advice hg-bad">{escape(words)}</p>'
    key, tone = checkup_verdict(float(job.checkup["best_correlation"]), float(job.checkup["offset_ms"]))
    share, absent = f"{float(job.checkup['best_correlation']):.0%}", f"{job.checkup['frames_without_face']:g}"
    offset = _offset_words(float(job.checkup["offset_ms"]), language)
    facts = {
        text(language, "checkup_sync"): text(language, "checkup_sync_value", share=share, offset=offset),
        text(language, "checkup_faces"): absent,
    }
    verdict = f'<p class="hg-advice hg-{tone}">{escape(text(language, key))}</p>'
    return f"{title}{verdict}{html.rows(facts)}"


def checkup_verdict(correlation: float, offset_ms: float) -> tuple[str, Tone]:
    """Key of the words, and their tone."""
    if correlation >= GOOD_CORRELATION and abs(offset_ms) <= IN_TIME_MS:
        return "checkup_good", "good"
    if correlation >= FAIR_CORRELATION:
        return "checkup_fair", "wait"
    return "checkup_poor", "bad"


def _offset_words(offset_ms: float, language: Language) -> str:
    if abs(offset_ms) <= IN_TIME_MS:
        return text(language, "checkup_in_time")
    key = "checkup_late" if offset_ms > 0 else "checkup_early"
    return text(language, key, ms=round(abs(offset_ms)))
