"""The filters that sum a spectrum into mel bins, as Whisper wants them: Slaney's scale and norm.

Source: M. Slaney, "Auditory Toolbox" (1998): linear up to 1 kHz, logarithmic above; equal areas.
"""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
BREAK_HZ, BREAK_MEL = 1000.0, 15.0  # where linear becomes logarithmic
HZ_PER_MEL = BREAK_HZ / BREAK_MEL
LOG_HZ_PER_MEL = np.log(6.4) / 27


def mel_filters(bins: int, frequencies: int, rate_hz: int) -> NDArray[np.float32]:
    """(bins,frequencies): triangles over a spectrum of so many frequencies from 0 to half the rate."""
    spectrum_hz = np.linspace(0, rate_hz / 2, frequencies)
    corners_hz = _to_hz(np.linspace(0, _to_mel(rate_hz / 2), bins + 2))
    left, middle, right = (corners_hz[start : start + bins, None] for start in range(3))
    rising = (spectrum_hz - left) / (middle - left)
    falling = (right - spectrum_hz) / (right - middle)
    triangles = np.clip(np.minimum(rising, falling), 0, None) * (2 / (right - left))
    return np.asarray(triangles, np.float32)


def _to_mel(hz: float) -> float:
    """Of a frequency above the break."""
    return float(BREAK_MEL + np.log(hz / BREAK_HZ) / LOG_HZ_PER_MEL)


def _to_hz(mel: Array) -> Array:
    above = BREAK_HZ * np.exp(LOG_HZ_PER_MEL * (mel - BREAK_MEL))
    return np.where(mel < BREAK_MEL, mel * HZ_PER_MEL, above)
