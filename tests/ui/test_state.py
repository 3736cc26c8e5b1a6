"""What a page looks at, and the word that says whether it has changed."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from heygem.ui.pulse import pulse_of
from heygem.ui.state import SHOWS, TABS, PageState
from tests.fake_studio import fake_studio, finished_job

STATES = st.builds(
    PageState,
    tab=st.sampled_from(TABS),
    job_id=st.text(max_size=9),
    words=st.text(max_size=20),
    show=st.sampled_from(SHOWS),
    page=st.integers(1, 99),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
)


@given(STATES)
def test_a_state_comes_back_as_it_went(state: PageState) -> None:
    assert PageState.read(state.write()) == state


@given(st.dictionaries(st.sampled_from(["tab", "page", "show", "words", "evil"]), JSON))
def test_any_other_state_is_made_usable(found: dict[str, object]) -> None:
    import json

    state = PageState.read(json.dumps(found))
    assert state.tab in TABS and state.show in SHOWS and state.page >= 1 and isinstance(state.words, str)


@given(st.text(max_size=30))
def test_any_text_is_a_state(text: str) -> None:
    assert PageState.read(text).tab in TABS


def test_the_pulse_changes_only_when_something_has(tmp_path: Path) -> None:
    with fake_studio(tmp_path) as studio:
        studio.wait_ready(30)
        finished_job(studio)
        beats = [pulse_of(studio) for _ in range(20)]
        assert len(set(beats)) <= 3, "free memory may change by itself, but nothing else has"
        studio.library.rename("anna", "Frau A")
        assert pulse_of(studio) != beats[-1]
