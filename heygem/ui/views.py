"""Everything on the page that changes by itself, put together from one look at the studio."""

import platform
import time
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from heygem import __version__
from heygem.engines.status import EngineState
from heygem.errors import JobNotFoundError
from heygem.jobs.job import Job, JobState
from heygem.studio import Studio, StudioStatus
from heygem.ui import markup, status
from heygem.ui.system.markup import DeviceMemory, models_panel
from heygem.ui.texts import Language, text

# In the order of the page's components; `cancel` is "yes" while there is something to cancel.
VIEWS = (
    "banner",
    "figures",
    "warnings",
    "notice",
    "player",
    "job",
    "cancel",
    "history",
    "models",
    "facts",
    "log",
)

HISTORY_LENGTH = 10
LOG_TAIL_BYTES = 6000
PACKAGES = ("torch", "transformers", "av", "gradio", "numpy")


def render(studio: Studio, job_id: str, seen: Mapping[str, str], language: Language) -> dict[str, str]:
    """The page as it should look now, a value for each of VIEWS.

    Args:
        job_id: the job this page follows; "" follows the running or else the newest one.
        seen: what `render` gave last time, {} at first.
    """
    now = studio.status()
    jobs = studio.jobs.list_jobs(HISTORY_LENGTH)
    job = followed_job(studio, job_id, jobs)
    can_cancel = job is not None and not job.state.is_final and not job.cancel_requested
    return {
        "state": now.engine.state.value,
        "banner": markup.sentence(status.banner(now.engine, time.monotonic(), language), kind="banner"),
        "figures": markup.figures(status.figures(now, language)),
        "warnings": markup.warnings([text(language, f"warning_{key}") for key in now.warnings]),
        "notice": _notice(now.engine.state, seen, language),
        "player": markup.player(job, language),
        "job": _job(studio, job, now, language),
        "cancel": "yes" if can_cancel else "",
        "history": markup.history(jobs, language),
        "models": models_panel(now.engine.models, device_memory(now), time.time(), language),
        "facts": markup.facts(_facts(studio, now, language)),
        "log": markup.log_tail(tail(studio.settings.log_dir / "app.log"), language),
    }


def followed_job(studio: Studio, job_id: str, newest_first: tuple[Job, ...]) -> Job | None:
    """The asked-for job while it exists, else the running one, else the newest."""
    if job_id:
        try:
            return studio.jobs.get(job_id)
        except JobNotFoundError:
            pass
    running = studio.jobs.in_state(JobState.RUNNING)
    return next(iter(running or newest_first), None)


def _notice(state: EngineState, seen: Mapping[str, str], language: Language) -> str:
    """Said once, on a page that has seen the engine before it was ready."""
    was_initializing = seen.get("state") == EngineState.INITIALIZING
    if was_initializing and state in (EngineState.READY, EngineState.BUSY):
        return markup.notice(text(language, "notice_ready"))
    return seen.get("notice", "")


def _job(studio: Studio, job: Job | None, now: StudioStatus, language: Language) -> str:
    if job is None:
        return ""
    waiting = studio.jobs.in_state(JobState.PENDING)
    what = status.job_sentence(job, waiting, now.engine.state, time.time(), language)
    return markup.sentence(what, kind="job", extra=markup.download_link(job, language))


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
    versions = names | {name: _version(name) for name in PACKAGES}
    device = " · ".join(filter(None, (now.engine.device, now.engine.device_note)))
    return {
        text(language, "device"): device or text(language, "unknown"),
        text(language, "versions"): " · ".join(f"{name} {number}" for name, number in versions.items()),
        text(language, "folders"): str(studio.settings.output_dir),
    }


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
