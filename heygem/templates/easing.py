"""One smooth way from nothing to all."""

import numpy as np
from numpy.typing import NDArray


def eased(part: NDArray[np.floating]) -> NDArray[np.floating]:
    """Smooth step of what is clipped to 0..1: flat at both ends, of the same shape and dtype."""
    part = np.clip(part, 0, 1)
    return np.asarray(part * part * (3 - 2 * part))


def smooth_step(
    values: NDArray[np.floating], start: NDArray[np.floating] | float, end: NDArray[np.floating] | float
) -> NDArray[np.floating]:
    """0 up to `start`, 1 from `end`, and smooth between; `start` may lie above `end`."""
    return eased((values - start) / (end - start))
