"""Everything on the page that changes by itself, put together from one look at the studio."""

import json
import platform
import time
from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from heygem import __version__
from heygem.engines.status import EngineState
from heygem.errors import JobNotFoundError
from heygem.jobs.archive import Batch, JobQuery
from heygem.jobs.job import Job, JobState
from heygem.studio import Studio, StudioStatus
from heygem.ui import markup, status
from heygem.ui.batch import markup as batch_markup
from heygem.ui.history import markup as history_markup
from heygem.ui.library import markup as library_markup
from heygem.ui.state import PageState, TabName
from heygem.ui.system.markup import DeviceMemory, models_panel
from heygem.ui.texts import Language, text
from heygem.ui.widgets import card_items

BATCHES_LISTED = 8
LOG_TAIL_BYTES = 6000
PACKAGES = ("torch", "transformers", "av", "gradio", "numpy")


def render(studio: Studio, page: PageState, was: str, language: Language) -> dict[str, str]:
    """How the page should look now: the views on top of every tab, and those of its tab.

    Args:
        was: the engine's state when this page was last drawn, "" at first.
    """
    now = studio.status()
    header = {
        "banner": markup.sentence(
            status.banner(now.engine, time.monotonic(), language, now.errand), kind="banner"
        ),
        "figures": markup.figures(status.figures(now, language)),
        "warnings": markup.warnings([text(language, f"warning_{key}") for key in now.warnings]),
    }
    if was == EngineState.INITIALIZING and now.engine.state in (EngineState.READY, EngineState.BUSY):
        header["notice"] = markup.notice(text(language, "notice_ready"))  # said once: it stays as it is
    return header | _TABS[page.tab](studio, now, page, language)


def _single(studio: Studio, now: StudioStatus, page: PageState, language: Language) -> dict[str, str]:
    job = followed_job(studio, page.job_id)
    return {
        "player": markup.player(job, language),
        "job": _job(studio, job, now, language),
        "presenters": _cards(studio),
    }


def _batch(studio: Studio, now: StudioStatus, page: PageState, language: Language) -> dict[str, str]:
    batches = studio.archive.batches(BATCHES_LISTED)
    shown = followed_batch(studio, page.batch_id, batches)
    if shown is None:
        empty = batch_markup.no_batch(language)
        return {"batch_head": empty, "batch_items": "", "batch_list": "", "batch_presenters": _cards(studio)}
    jobs = studio.archive.jobs_of_batch(shown.id)
    return {
        "batch_head": batch_markup.batch_head(shown, jobs, language),
        "batch_items": batch_markup.batch_items(jobs, page.batch_playing, language),
        "batch_list": batch_markup.batch_list(batches, shown.id, language),
        "batch_presenters": _cards(studio),
    }


def _library(studio: Studio, now: StudioStatus, page: PageState, language: Language) -> dict[str, str]:
    library = studio.library
    templates = library.all()
    shown = next((template for template in templates if template.id == page.template_id), templates[0])
    return {
        "library_cache": library_markup.cache_line(library.cache_use(), language),
        "library_cards": library_markup.cards(library, templates, shown.id, language),
        "library_detail": library_markup.detail(library, shown, language),
    }


def _history(studio: Studio, now: StudioStatus, page: PageState, language: Language) -> dict[str, str]:
    length = history_markup.PAGE_LENGTH
    query = page.query()
    found = studio.archive.search(query, length, (page.page - 1) * length)
    is_searched = query != JobQuery()
    job = _job_or_none(studio, page.history_job)
    is_checking = job is not None and studio.is_checking(job.id)
    return {
        "history_rows": history_markup.history_page(
            found, page.page, page.history_job, is_searched, language
        ),
        "history_detail": history_markup.job_detail(job, is_checking, language),
    }


def _system(studio: Studio, now: StudioStatus, page: PageState, language: Language) -> dict[str, str]:
    return {
        "models": models_panel(now.engine.models, device_memory(now), time.time(), language),
        "facts": markup.facts(_facts(studio, now, language)),
        "log": markup.log_tail(tail(studio.settings.log_dir / "app.log"), language),
    }


_TABS: Mapping[TabName, Callable[[Studio, StudioStatus, PageState, Language], dict[str, str]]] = {
    "single": _single,
    "batch": _batch,
    "library": _library,
    "history": _history,
    "system": _system,
}


def followed_job(studio: Studio, job_id: str) -> Job | None:
    """The asked-for job while it exists, else the running one, else the newest that is of no batch."""
    asked = _job_or_none(studio, job_id)
    if asked is not None:
        return asked
    newest = studio.archive.search(JobQuery(only_single=True), 1).jobs
    return next(iter(studio.jobs.in_state(JobState.RUNNING) or newest), None)


def followed_batch(studio: Studio, batch_id: str, newest_first: tuple[Batch, ...]) -> Batch | None:
    """The asked-for batch while it exists, else the newest."""
    if batch_id:
        try:
            return studio.archive.batch(batch_id)
        except JobNotFoundError:
            pass
    return next(iter(newest_first), None)


def _job_or_none(studio: Studio, job_id: str) -> Job | None:
    if not job_id:
        return None
    try:
        return studio.jobs.get(job_id)
    except JobNotFoundError:
        return None


def _cards(studio: Studio) -> str:
    """The gallery as JSON: it is drawn by the browser."""
    return json.dumps(card_items(studio.library.all()))


def _job(studio: Studio, job: Job | None, now: StudioStatus, language: Language) -> str:
    if job is None:
        return ""
    place = studio.archive.place_in_line(job.id) if job.state is JobState.PENDING else 0
    what = status.job_sentence(job, place, now.engine.state, time.time(), language)
    return markup.sentence(what, kind="job", extra=markup.job_action(job, language))


def device_memory(now: StudioStatus) -> DeviceMemory:
    """Where the models live; free memory in steps of a two-hundredth, lest the page be always redrawn."""
    if now.engine.device == "cpu" or now.gpu is None:
        return DeviceMemory(False, now.total_ram_bytes, _in_steps(now.free_ram_bytes, now.total_ram_bytes))
    total, free = now.gpu.total_vram_bytes.value, now.gpu.free_vram_bytes.value
    return DeviceMemory(True, total, _in_steps(free, total))


def _in_steps(free: int | None, total: int | None) -> int | None:
    step = max(1, (total or 0) // 200)
    return None if free is None else free // step * step


def _facts(studio: Studio, now: StudioStatus, language: Language) -> dict[str, str]:
    names = {"HeyGem": __version__, "Python": platform.python_version()}
    versions = names | _versions()
    device = " · ".join(filter(None, (now.engine.device, now.engine.device_note)))
    return {
        text(language, "device"): device or text(language, "unknown"),
        text(language, "versions"): " · ".join(f"{name} {number}" for name, number in versions.items()),
        text(language, "folders"): str(studio.settings.output_dir),
    }


@cache
def _versions() -> dict[str, str]:
    """Of the packages that matter; they do not change while the program runs."""
    return {name: _version(name) for name in PACKAGES}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "–"


def tail(path: Path) -> str:
    """The last whole lines of a text file; "" when there is none."""
    try:
        with path.open("rb") as file:
            start = max(0, file.seek(0, 2) - LOG_TAIL_BYTES)
            file.seek(start)
            lines = file.read().decode("utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return ""
    return "\n".join(lines[1:] if start else lines)
