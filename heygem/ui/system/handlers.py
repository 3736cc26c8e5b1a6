"""What the buttons of the System tab do."""

import logging
from collections.abc import Mapping

import gradio as gr

from heygem.studio import Studio
from heygem.ui import markup
from heygem.ui.answers import guarded, reader_language
from heygem.ui.status import format_bytes
from heygem.ui.texts import Language, text

logger = logging.getLogger(__name__)


class SystemHandlers:
    """Bound to the components of the tab by `heygem.ui.page`."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    def act_on_model(self, event: gr.EventData, request: gr.Request) -> str:
        """Unload or reload the model of a row; says what came of it, or what is wrong."""
        wanted: Mapping[str, str] = event._data  # {"action": ..., "model": ...}, sent by the table
        language = reader_language(request)
        return guarded(
            lambda: markup.message(
                self._done(str(wanted["action"]), str(wanted["model"]), language), is_error=False
            ),
            language,
            markup.message,
        )

    def _done(self, action: str, name: str, language: Language) -> str:
        logger.info("the page asks to %s %s", action, name)
        titles = {model.name: model.title for model in self._studio.status().engine.models}
        title = titles[name]
        if action == "unload":
            freed = self._studio.models.unload(name)
            return text(language, "model_unloaded", title=title, bytes=format_bytes(freed))
        self._studio.models.reload(name)
        return text(language, "model_reloaded", title=title)
