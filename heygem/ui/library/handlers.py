"""What the buttons of the Templates tab do."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr

from heygem.library.template import Template
from heygem.studio import Studio
from heygem.ui import markup
from heygem.ui.answers import SKIP, guarded, reader_language, with_message
from heygem.ui.choices import own_name
from heygem.ui.state import PageState
from heygem.ui.texts import Language, text


class LibraryHandlers:
    """Bound to the components of the tab by `heygem.ui.library.wiring`."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    def add(self, page: PageState, files: list[str] | None, request: gr.Request) -> tuple[Any, str, None]:
        """Add every file; the last one that could be added is shown, and each that could not is explained."""
        language = reader_language(request)
        outcomes = [self._add(Path(file), language) for file in files or []]
        added = [outcome for outcome in outcomes if isinstance(outcome, Template)]
        messages = [markup.message(problem) for problem in outcomes if isinstance(problem, str)]
        if added:
            done = text(language, "library_added", names=", ".join(template.name for template in added))
            messages.insert(0, markup.message(done, is_error=False))
            page = replace(page, template_id=added[-1].id)
        return page, "".join(messages), None

    def _add(self, file: Path, language: Language) -> Template | str:
        """The new template, or what is wrong with the file."""
        name = own_name(file)
        return guarded(
            lambda: self._studio.library.add(file, name),
            language,
            lambda problem: f"{name}{file.suffix}: {problem}",
        )

    def act(
        self, page: PageState, event: gr.EventData, request: gr.Request
    ) -> tuple[Any, Any, Any, Any, str]:
        """Whatever a button asks for: the page's state, the open tab, the card and the upload of the Single
        tab, and what is wrong.
        """
        wanted: Mapping[str, Any] = event._data  # sent by heygem/ui/live.js
        nothing = (SKIP, SKIP, SKIP, SKIP)
        answer, problem = with_message(lambda: self._act(page, wanted), reader_language(request), nothing)
        return (*answer, problem)

    def _act(self, page: PageState, wanted: Mapping[str, Any]) -> tuple[Any, Any, Any, Any]:
        action, template_id = wanted["action"], str(wanted["template"])
        library = self._studio.library
        if action == "pick":
            return replace(page, template_id=template_id), SKIP, SKIP, SKIP
        if action == "use":
            library.get(template_id)
            return replace(page, tab="single"), gr.Tabs(selected="single"), template_id, None
        if action == "rename":
            library.rename(template_id, str(wanted["words"]))
        elif action == "prepare":
            library.prepare(template_id, now=True)
        elif action == "face":
            library.choose_face(template_id, _point(wanted))
        elif action == "delete":
            library.delete(template_id)
            return replace(page, template_id=""), SKIP, SKIP, SKIP
        return SKIP, SKIP, SKIP, SKIP


def _point(wanted: Mapping[str, Any]) -> tuple[float, float] | None:
    """Where the reader clicked, in 0..1; None: wherever HeyGem thinks best."""
    if "x" not in wanted:
        return None
    x, y = (min(1.0, max(0.0, float(wanted[name]))) for name in ("x", "y"))
    return x, y
