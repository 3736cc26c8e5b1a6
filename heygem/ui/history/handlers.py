"""What the buttons of the History tab do."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr

from heygem.assets.catalog import FOLDER as ASSETS
from heygem.errors import UnreadableMediaError
from heygem.jobs.outputs import safe_name
from heygem.jobs.uploads import link_or_copy
from heygem.studio import Studio
from heygem.ui.answers import SKIP, reader_language, with_message
from heygem.ui.choices import Choices
from heygem.ui.state import PageState, Show

UNCHANGED = 3 + len(Choices._fields)  # audio, card and upload of the Single tab, and its options


class HistoryHandlers:
    """Bound to the components of the tab by `heygem.ui.history.wiring`."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    def search(self, page: PageState, words: str, show: Show) -> PageState:
        """Other jobs, from the first page on."""
        return replace(page, words=words, show=show, page=1)

    def act(self, page: PageState, event: gr.EventData, request: gr.Request) -> tuple[Any, str]:
        """Whatever a button asks for."""
        wanted: Mapping[str, Any] = event._data  # sent by heygem/ui/live.js
        return with_message(lambda: self._act(page, wanted), reader_language(request), SKIP)

    def _act(self, page: PageState, wanted: Mapping[str, Any]) -> Any:
        action = wanted["action"]
        if action == "page":
            return replace(page, page=max(1, int(wanted["page"])))
        if action == "delete_picked":
            self._studio.delete(_ids(wanted["ids"]))
            return replace(page, history_job="", page=1)
        job_id = str(wanted["job"])
        if action == "open":
            return replace(page, history_job=job_id)
        if action == "delete":
            self._studio.delete([job_id])
            return replace(page, history_job="")
        orders: dict[str, Callable[[str], object]] = {
            "cancel": self._studio.cancel,
            "retry": self._studio.try_again,
            "check": self._studio.check_result,
            "pin": lambda job: self._studio.jobs.pin(job, True),
            "unpin": lambda job: self._studio.jobs.pin(job, False),
        }
        orders[action](job_id)
        return SKIP

    def use_again(self, page: PageState, event: gr.EventData, request: gr.Request) -> list[Any]:
        """Fill the Single tab with what a job was made of, for changes: state, tabs, its inputs, message."""
        wanted: Mapping[str, Any] = event._data
        nothing: list[Any] = [SKIP, SKIP, *[SKIP] * UNCHANGED]
        answer, problem = with_message(
            lambda: self._again(page, str(wanted["job"])), reader_language(request), nothing
        )
        return [*answer, problem]

    def _again(self, page: PageState, job_id: str) -> list[Any]:
        spec = self._studio.jobs.get(job_id).spec
        for path in (spec.audio_path, spec.template_path):
            if not path.is_file():
                raise UnreadableMediaError("The recording or the template of this video is no longer kept.")
        known = {template.id for template in self._studio.library.all()}
        is_known = spec.template_id in known
        card, upload = spec.template_id if is_known else "", None
        if not is_known:
            upload = self._named_copy(job_id, spec.template_path, spec.template_name)
        audio = self._named_copy(job_id, spec.audio_path, spec.audio_name)
        inputs = [audio, card, upload, *Choices.of(spec.options)]
        return [replace(page, tab="single"), gr.Tabs(selected="single"), *inputs]

    def _named_copy(self, job_id: str, path: Path, name: str) -> str:
        """The file under the name a person gave it, where the page may read it; kept inputs have none."""
        if ASSETS in path.parents:
            return str(path)
        folder = self._studio.settings.page_dir / job_id
        folder.mkdir(parents=True, exist_ok=True)
        copy = folder / f"{safe_name(name)}{path.suffix}"
        copy.unlink(missing_ok=True)
        link_or_copy(path, copy)
        return str(copy)


def _ids(value: Any) -> Sequence[str]:
    """What the browser sent as the ticked rows."""
    return [str(job_id) for job_id in value] if isinstance(value, list) else []
