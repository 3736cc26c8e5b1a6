"""What the buttons of the Single tab and of the header do."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr

from heygem.assets.catalog import DEFAULT_SPEECHES
from heygem.engines.base import Living, LoopMode
from heygem.jobs.cleanup import ClearPreview, ClearReport
from heygem.jobs.job import JobSpec
from heygem.library.shelf import title_of
from heygem.studio import Studio
from heygem.ui import markup
from heygem.ui.answers import SKIP, MissingInputError, guarded, reader_language, with_message
from heygem.ui.choices import Choices, own_name, speech_title
from heygem.ui.state import PageState
from heygem.ui.status import Sentence, format_bytes
from heygem.ui.texts import Language, text
from heygem.ui.views import followed_job


class PageHandlers:
    """Bound to the components of one page by `heygem.ui.page`."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    def generate(
        self,
        page: PageState,
        audio: str | None,
        template_id: str | None,
        upload: str | None,
        expressiveness: float,
        smile: float,
        audio_offset_ms: float,
        fps: str,
        loop_mode: LoopMode,
        quality_crf: int,
        visible_label: bool,
        living: Living,
        request: gr.Request,
    ) -> tuple[Any, str]:
        """Put a job in line, for the page to follow, and say what is wrong if it cannot be."""
        language = reader_language(request)
        choices = Choices(
            expressiveness, smile, audio_offset_ms, fps, loop_mode, quality_crf, visible_label, living
        )

        def order() -> Any:
            job = self._studio.submit(self._spec(audio, template_id, upload, choices, language))
            return replace(page, job_id=job.id)

        return with_message(order, language, SKIP)

    def _spec(
        self,
        audio: str | None,
        template_id: str | None,
        upload: str | None,
        choices: Choices,
        language: Language,
    ) -> JobSpec:
        if not audio:
            raise MissingInputError("need_audio")
        audio_name = speech_title(Path(audio), language)
        if upload:  # it wins, for choosing a card clears it
            path, name, known_id, face_point = Path(upload), own_name(Path(upload)), "", None
        elif template_id:
            template = self._studio.library.get(template_id)
            path, name, known_id = template.path, title_of(template, language), template.id
            face_point = template.face_point
        else:
            raise MissingInputError("need_template")
        return JobSpec(
            audio_path=Path(audio),
            template_path=path,
            options=choices.options(face_point),
            title=f"{name} · {audio_name}",
            audio_name=audio_name,
            template_name=name,
            template_id=known_id,
        )

    def choose_voice(self, event: gr.EventData) -> str | None:
        """The path of the demo recording whose button was pressed."""
        names = {speech.name: speech.audio_path for speech in DEFAULT_SPEECHES}
        path = names.get(str(event._data["voice"]))  # sent by heygem.ui.widgets.demo_voices
        return None if path is None else str(path)

    def cancel(self, page: PageState, request: gr.Request) -> str:
        """Cancel the job this page shows; says what is wrong if it cannot be."""
        language = reader_language(request)

        def stop() -> str:
            job = followed_job(self._studio, page.job_id)
            if job is not None:
                self._studio.cancel(job.id)
            return ""

        return guarded(stop, language, markup.message)

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
