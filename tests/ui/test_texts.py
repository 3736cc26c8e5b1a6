"""Both languages say everything, and the browser's wish is understood."""

import string
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heygem import errors
from heygem.engines.base import STAGES
from heygem.errors import HeyGemError
from heygem.jobs.job import JobState
from heygem.library.template import Advice
from heygem.models.status import ModelState
from heygem.ui.state import SHOWS, TABS
from heygem.ui.texts import ERRORS_ZH, TEXTS, Language, error_sentence, language_of, text

# Words that are built from a state rather than written out.
STATE_KEYS = [
    *(f"step_{state}" for state in (*ModelState, "waiting", "importing", "rehearsal")),
    *(f"model_{state}" for state in ModelState),
    *(f"state_{state}" for state in JobState),
    *(f"stage_{stage}" for stage in ("", *STAGES)),
    *(f"tab_{name}" for name in TABS),
    *(f"show_{name}" for name in SHOWS),
    *(f"advice_{key}" for key in Advice),
    *(f"warning_{key}" for key in ("cpu_fallback", "gpu_hot", "memory_low", "disk_low", "queue_paused")),
]


def placeholders(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


def all_errors(base: type[HeyGemError] = HeyGemError) -> Iterator[type[HeyGemError]]:
    yield base
    for child in base.__subclasses__():
        yield from all_errors(child)


@pytest.mark.parametrize("key", TEXTS)
def test_both_languages_say_it_with_the_same_values(key: str) -> None:
    english, chinese = TEXTS[key]
    assert english.strip() and chinese.strip()
    assert placeholders(english) == placeholders(chinese)
    assert "{" not in text("zh", key, **dict.fromkeys(placeholders(english), "1"))


@pytest.mark.parametrize("key", STATE_KEYS)
def test_every_state_has_words(key: str) -> None:
    assert key in TEXTS


def test_every_error_has_its_sentence_and_no_sentence_is_left_over() -> None:
    codes = {error.code for error in all_errors() if error.__module__ == errors.__name__}
    assert set(ERRORS_ZH) == codes


def test_english_readers_get_the_error_itself_and_chinese_readers_its_meaning() -> None:
    error = errors.NoFaceError("No face in “a.mp4”: use another clip.")
    assert error_sentence("en", error.code, str(error)) == str(error)
    assert "没有找到人脸" in error_sentence("zh", error.code, str(error))
    assert error_sentence("zh", "from a newer version", "?") == ERRORS_ZH["internal"]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en-US,en;q=0.9,zh-CN;q=0.8", "en"),
        ("en;q=0.3, zh-TW;q=0.7", "zh"),
        ("fr-FR,fr;q=0.9,zh;q=0.2", "zh"),
        ("de", "en"),
        ("", "en"),
        ("zh;q=oops", "en"),
        ("zh;q=0", "en"),
    ],
)
def test_language_of_the_browser(header: str, expected: Language) -> None:
    assert language_of(header) == expected


@given(st.text(max_size=60))
def test_any_header_gives_a_language(header: str) -> None:
    assert language_of(header) in ("en", "zh")
