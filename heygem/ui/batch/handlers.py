"""What the buttons of the Batch tab do."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr

from heygem.assets.catalog import DEFAULT_SPEECHES
from heygem.engines.base import Living, LoopMode
from heygem.jobs.batch import BatchSpec, Order, Source
from heygem.library.shelf import title_of
from heygem.library.template import Template
from heygem.studio import Studio
from heygem.ui import markup
from heygem.ui.answers import SKIP, MissingInputError, reader_language, with_message
from heygem.ui.choices import Choices, own_name, speech_title
from heygem.ui.state import PageState
from heygem.ui.texts import Language, text

Files = list[str] | None


class BatchHandlers:
    """Bound to the components of the tab by `heygem.ui.batch.wiring`."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    def plan(self, speeches: Files, voices: str, cards: str, uploads: Files, request: gr.Request) -> str:
        """How many videos that will be."""
        language = reader_language(request)
        speech_count = len(speeches or []) + len(_ids(voices))
        template_count = len(uploads or []) + len(_ids(cards))
        if not speech_count or not template_count:
            return markup.hint(text(language, "batch_plan_none"))
        videos = speech_count * template_count
        return markup.hint(
            text(language, "batch_plan", speeches=speech_count, templates=template_count, videos=videos)
        )

    def start(
        self,
        page: PageState,
        speeches: Files,
        voices: str,
        cards: str,
        uploads: Files,
        title: str,
        order: Order,
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
        """Order everything; the page shows the new batch."""
        language = reader_language(request)
        choices = Choices(
            expressiveness, smile, audio_offset_ms, fps, loop_mode, quality_crf, visible_label, living
        )

        def go() -> Any:
            sources = self._speeches(speeches, voices, language), self._templates(cards, uploads, language)
            if not all(sources):
                raise MissingInputError("need_batch")
            batch = BatchSpec(*sources, choices.options(), title.strip(), order)
            return replace(page, batch_id=self._studio.submit_batch(batch), batch_playing="")

        return with_message(go, language, SKIP)

    def act(self, page: PageState, event: gr.EventData, request: gr.Request) -> tuple[Any, str]:
        """Whatever a button of the batch on show asks for."""
        wanted: Mapping[str, str] = event._data  # sent by heygem/ui/live.js
        return with_message(lambda: self._act(page, wanted), reader_language(request), SKIP)

    def _act(self, page: PageState, wanted: Mapping[str, str]) -> Any:
        action = wanted["action"]
        if action == "play":
            return replace(page, batch_playing=str(wanted["job"]))
        if action == "show_batch":
            return replace(page, batch_id=str(wanted["batch"]), batch_playing="")
        orders = {
            "cancel": self._studio.cancel,
            "retry": self._studio.try_again,
            "cancel_batch": self._studio.cancel_batch,
            "retry_batch": self._studio.retry_batch,
        }
        orders[action](str(wanted.get("job") or wanted["batch"]))
        return SKIP

    def _speeches(self, files: Files, voices: str, language: Language) -> tuple[Source, ...]:
        demos = {speech.name: speech.audio_path for speech in DEFAULT_SPEECHES}
        paths = [Path(file) for file in files or []]
        paths += [demos[name] for name in _ids(voices) if name in demos]
        return tuple(Source(path, speech_title(path, language)) for path in paths)

    def _templates(self, cards: str, uploads: Files, language: Language) -> tuple[Source, ...]:
        chosen = [self._studio.library.get(template_id) for template_id in _ids(cards)]
        own = [Path(file) for file in uploads or []]
        return (
            *(_source(template, language) for template in chosen),
            *(Source(path, own_name(path)) for path in own),
        )


def _source(template: Template, language: Language) -> Source:
    return Source(template.path, title_of(template, language), template.id, template.face_point)


def _ids(value: str) -> list[str]:
    """A widget's value: names with commas between them."""
    return [name for name in (value or "").split(",") if name]
