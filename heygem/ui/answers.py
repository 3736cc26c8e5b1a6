"""How the page answers a reader: in their language, and with one sentence where something cannot be done."""

import logging
from collections.abc import Callable
from typing import Any, TypeVar

import gradio as gr

from heygem.errors import HeyGemError
from heygem.ui import markup
from heygem.ui.texts import Language, error_sentence, language_of, text

logger = logging.getLogger(__name__)

_T = TypeVar("_T")
_U = TypeVar("_U")

# Small things that answer at once: they need no place in Gradio's queue, and no spinner.
QUIET: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
SKIP = gr.skip()


class MissingInputError(Exception):
    """Something has to be chosen first; `key` is of the text that says so."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def reader_language(request: gr.Request) -> Language:
    """The language of who sent the request."""
    return language_of(request.headers.get("accept-language", ""))


def guarded(act: Callable[[], _T], language: Language, explain: Callable[[str], _U]) -> _T | _U:
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


def with_message(act: Callable[[], _T], language: Language, otherwise: _T) -> tuple[_T, str]:
    """What `act` gives and no message, or `otherwise` and what is wrong."""
    return guarded(lambda: (act(), ""), language, lambda problem: (otherwise, markup.message(problem)))
