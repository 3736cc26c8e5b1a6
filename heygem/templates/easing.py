"""One smooth way from nothing to all."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

_Float = TypeVar("_Float", bound=np.floating)


def eased(part: NDArray[_Float]) -> NDArray[_Float]:
    """Smooth step of what is clipped to 0..1: flat at both ends."""
    part = np.clip(part, 0, 1)
    return np.asarray(part * part * (3 - 2 * part))


def smooth_step(
    values: NDArray[_Float], start: NDArray[_Float] | float, end: NDArray[_Float] | float
) -> NDArray[_Float]:
    """0 up to `start`, 1 from `end`, and smooth between; `start` may lie above `end`."""
    return eased((values - start) / (end - start))
