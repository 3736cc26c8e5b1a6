"""What the page's buttons and its timer do: ask the studio, and say what came of it."""

import logging
from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

import gradio as gr

from heygem.assets.catalog import DEFAULT_SPEECHES
from heygem.engines.base import LipSyncOptions, Living, LoopMode
from heygem.errors import HeyGemError
from heygem.jobs.cleanup import ClearPreview, ClearReport
from heygem.jobs.job import JobSpec
from heygem.studio import Studio
from heygem.ui import markup
from heygem.ui.status import Sentence, format_bytes
from heygem.ui.texts import Language, error_sentence, language_of, text
from heygem.ui.views import VIEWS, followed_job, render

logger = logging.getLogger(__name__)

SKIP = gr.skip()

_T = TypeVar("_T")


class MissingInputError(Exception):
    """Something has to be chosen first; `key` is of the text that says so."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


class PageHandlers:
    """Bound to the components of one page by `heygem.ui.layout`."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    def refresh(self, seen: dict[str, str], job_id: str, request: gr.Request) -> list[Any]:
        """Update what changed since `seen`: the new `seen`, then one value for each of VIEWS."""
        views = render(self._studio, job_id, seen, reader_language(request))
        changes = [
            SKIP if seen.get(name) == views[name] else _component_value(name, views[name]) for name in VIEWS
        ]
        return [SKIP if seen == views else views, *changes]

    def generate(
        self,
        audio: str | None,
        template_id: str | None,
        upload: str | None,
        expressiveness: float,
        audio_offset_ms: float,
        fps: str,
        loop_mode: LoopMode,
        quality_crf: int,
        visible_label: bool,
        living: Living,
        request: gr.Request,
    ) -> tuple[Any, str]:
        """Put a job in line: its id for the page to follow, and what is wrong if it cannot be."""
        language = reader_language(request)

        def order() -> tuple[Any, str]:
            options = LipSyncOptions(
                fps=Fraction(fps) if fps else None,
                expressiveness=expressiveness,
                audio_offset_ms=round(audio_offset_ms),
                loop_mode=loop_mode,
                quality_crf=quality_crf,
                visible_label=visible_label,
                living=living,
            )
            return self._studio.submit(self._spec(audio, template_id, upload, options, language)).id, ""

        return guarded(order, language, lambda problem: (SKIP, markup.message(problem)))

    def _spec(
        self,
        audio: str | None,
        template_id: str | None,
        upload: str | None,
        options: LipSyncOptions,
        language: Language,
    ) -> JobSpec:
        if not audio:
            raise MissingInputError("need_audio")
        template_path, template_name = self._template(template_id, upload, language)
        audio_name = _speech_title(Path(audio), language)
        return JobSpec(
            audio_path=Path(audio),
            template_path=template_path,
            options=options,
            title=f"{template_name} · {audio_name}",
            audio_name=audio_name,
            template_name=template_name,
        )

    def _template(self, template_id: str | None, upload: str | None, language: Language) -> tuple[Path, str]:
        """Path and name of what the reader chose; an upload wins, for choosing a card clears it."""
        if upload:
            return Path(upload), _own_name(Path(upload))
        for card in self._studio.templates():
            if card.id == template_id:
                return card.path, card.title_zh if language == "zh" else card.title_en
        raise MissingInputError("need_template")

    def choose_voice(self, event: gr.EventData) -> str | None:
        """The path of the demo recording whose button was pressed."""
        names = {speech.name: speech.audio_path for speech in DEFAULT_SPEECHES}
        path = names.get(str(event._data["voice"]))  # sent by heygem.ui.widgets.demo_voices
        return None if path is None else str(path)

    def no_history_video(self, request: gr.Request) -> str:
        """The player of the history before a video is picked."""
        return markup.history_player(None, reader_language(request))

    def cancel(self, job_id: str, request: gr.Request) -> str:
        """Cancel the job this page shows; says what is wrong if it cannot be."""
        language = reader_language(request)

        def stop() -> str:
            job = followed_job(self._studio, job_id, self._studio.jobs.list_jobs(1))
            if job is not None:
                self._studio.cancel(job.id)
            return ""

        return guarded(stop, language, markup.message)

    def act_on_history(self, event: gr.EventData, request: gr.Request) -> tuple[Any, str]:
        """Play, cancel or delete a row: the player of the tab, and what is wrong."""
        language = reader_language(request)
        wanted: Mapping[str, str] = (
            event._data
        )  # {"action": ..., "job": ...}, sent by heygem.ui.widgets.history_list

        def act() -> tuple[Any, str]:
            job_id = str(wanted["job"])
            if wanted["action"] == "play":
                return markup.history_player(self._studio.jobs.get(job_id), language), ""
            if wanted["action"] == "delete":
                self._studio.delete(job_id)
                return markup.history_player(None, language), ""
            self._studio.cancel(job_id)
            return SKIP, ""

        return guarded(act, language, lambda problem: (SKIP, markup.message(problem)))

    def preview_clear(self, request: gr.Request) -> tuple[Any, str, Any]:
        """Open the panel: it, what would be freed, and the button that does it."""
        language = reader_language(request)
        words = guarded(
            lambda: clear_preview_words(self._studio.clear_cache_preview(), language),
            language,
            lambda problem: Sentence("bad", problem),
        )
        return gr.Column(visible=True), markup.sentence(words, kind="job"), gr.Button(visible=True)

    def clear(self, request: gr.Request) -> tuple[str, Any]:
        """Free it: what was measured; the button that did it goes away."""
        language = reader_language(request)
        words = guarded(
            lambda: clear_report_words(self._studio.clear_cache(), language),
            language,
            lambda problem: Sentence("bad", problem),
        )
        return markup.sentence(words, kind="job"), gr.Button(visible=False)


def reader_language(request: gr.Request) -> Language:
    """The language of who sent the request."""
    return language_of(request.headers.get("accept-language", ""))


def guarded(act: Callable[[], _T], language: Language, explain: Callable[[str], _T]) -> _T:
    """Do `act`; where that fails, `explain` gets one sentence for the reader, and the log the rest."""
    try:
        return act()
    except MissingInputError as missing:
        return explain(text(language, missing.key))
    except HeyGemError as error:
        logger.info("refused: %s", error)
        return explain(error_sentence(language, error.code, str(error), error.details.get("file", "")))
    except Exception:
        logger.exception("the page could not do what was asked")
        return explain(text(language, "failed_elsewhere"))


def clear_preview_words(preview: ClearPreview, language: Language) -> Sentence:
    """What clearing would free, by kind."""
    kinds = text(
        language,
        "clear_preview_kinds",
        templates=format_bytes(preview.template_cache_bytes),
        uploads=format_bytes(preview.upload_bytes),
        partial=format_bytes(preview.partial_bytes),
    )
    return Sentence("idle", text(language, "clear_preview", total=format_bytes(preview.total_bytes)), kinds)


def clear_report_words(report: ClearReport, language: Language) -> Sentence:
    """What clearing was measured to have freed."""
    vram = ""
    if report.freed_vram_bytes is not None:
        vram = text(language, "clear_done_vram", vram=format_bytes(report.freed_vram_bytes))
    detail = text(language, "clear_done_detail", ram=format_bytes(report.freed_ram_bytes), vram=vram)
    if not report.engine_cleared:
        detail += text(language, "clear_engine_busy")
    return Sentence("good", text(language, "clear_done", disk=format_bytes(report.freed_disk_bytes)), detail)


def _component_value(name: str, view: str) -> Any:
    return gr.Button(visible=bool(view)) if name == "cancel" else view


def _speech_title(path: Path, language: Language) -> str:
    """Demo voices have titles; other recordings have file names."""
    for speech in DEFAULT_SPEECHES:
        if speech.audio_path.stem == path.stem:
            return speech.title_zh if language == "zh" else speech.title_en
    return _own_name(path)


def _own_name(path: Path) -> str:
    """What the reader calls an uploaded file: browsers send the quotes of its name encoded."""
    return path.stem.replace("%22", '"')
