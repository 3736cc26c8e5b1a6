"""Options survive the database."""

import json
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from heygem.engines.base import LipSyncOptions
from heygem.jobs.rows import options_from_json, options_to_json

SHARES = st.floats(0, 1)

ANY_OPTIONS = st.builds(
    LipSyncOptions,
    fps=st.none() | st.fractions(1, 120) | st.just(Fraction(30000, 1001)),
    expressiveness=st.floats(0.5, 1.5),
    smile=st.floats(0, 1),
    audio_offset_ms=st.integers(-500, 500),
    loop_mode=st.sampled_from(["pingpong", "loop", "freeze"]),
    quality_crf=st.integers(10, 32),
    face_point=st.none() | st.tuples(SHARES, SHARES),
    visible_label=st.booleans(),
    living=st.sampled_from(["auto", "on", "off"]),
    bank_gap_seconds=st.floats(0, 10),
)


@given(ANY_OPTIONS)
def test_options_come_back_as_they_went(options: LipSyncOptions) -> None:
    assert options_from_json(options_to_json(options)) == options


def test_options_of_before_there_were_smiles() -> None:
    fields = json.loads(options_to_json(LipSyncOptions(expressiveness=1.2)))
    del fields["smile"]
    assert options_from_json(json.dumps(fields)) == LipSyncOptions(expressiveness=1.2, smile=0)
