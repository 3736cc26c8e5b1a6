"""What was heard in a recording, remembered for a while: a batch says the same speech with many faces."""

from collections import OrderedDict
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

RECORDINGS = 32
Steps = NDArray[np.float64]


class HeardSpeech:
    """Motion steps (S,K) by the hash of a recording; the least recently used go first."""

    def __init__(self, recordings: int = RECORDINGS) -> None:
        self._recordings = recordings
        self._steps: OrderedDict[str, Steps] = OrderedDict()

    def of(self, key: str, hear: Callable[[], Steps]) -> Steps:
        """What was heard before, or what `hear` gives now."""
        steps = self._steps.pop(key, None)
        self._steps[key] = hear() if steps is None else steps
        while len(self._steps) > self._recordings:
            self._steps.popitem(last=False)
        return self._steps[key]

    def forget(self) -> None:
        """Drop everything."""
        self._steps.clear()
