"""Which frames of a clip are silent and which speak."""

import numpy as np

from training.speech_flicker import silent_and_speaking


def test_a_still_mouth_is_silent_and_a_quick_one_speaks() -> None:
    gap = np.concatenate([np.full(40, 0.01), 0.06 + 0.05 * np.sin(np.arange(40)), np.full(40, 0.01)])
    silent, speaking = silent_and_speaking(gap)
    assert len(silent) == len(speaking) == 118
    assert silent[:34].all() and silent[-34:].all() and not silent[38:80].any()
    assert speaking[42:76].all() and not speaking[:34].any()
    assert not (silent & speaking).any()
