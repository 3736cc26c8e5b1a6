"""Phones are told apart as lips tell them, at the frames of the motion."""

import numpy as np
import pytest

from training.phones import KINDS, SPIKE_STEPS, at_frames, kind_of, kinds_of

NAMES = ["<blank>", "<wb>", "p", "aɪ", "t͡ʃ"]


@pytest.mark.parametrize(
    ("phone", "kind"),
    [("p", 1), ("m", 1), ("v", 2), ("oʊ", 3), ("aɪ", 4), ("iː", 5), ("t͡ʃ", 6), ("t", 7), ("k", 8), ("一", 8)],
)
def test_a_phone_belongs_where_the_lips_put_it(phone: str, kind: int) -> None:
    assert kind_of(phone) == kind


def test_every_letter_belongs_to_one_kind() -> None:
    letters = "".join(KINDS)
    assert len(set(letters)) == len(letters)


def test_a_phone_lasts_until_the_next_or_dies_away() -> None:
    tokens = [0, 2, 0, 0, 3, 1, 0] + [0] * SPIKE_STEPS
    kinds = kinds_of(tokens, NAMES, blank=0)
    assert kinds[:7].tolist() == [0, 1, 1, 1, 4, 4, 4]
    assert kinds[4 + SPIKE_STEPS :].tolist() == [0, 0, 0]


def test_frames_are_every_other_step_and_silence_after_the_end() -> None:
    steps = np.array([1, 9, 2, 9, 3], np.uint8)
    assert at_frames(steps, 5).tolist() == [1, 2, 3, 0, 0]
    assert at_frames(steps, 2).tolist() == [1, 2]
