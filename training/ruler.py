"""The ruler for finished videos: a made mouth against a real one, from landmarks alone. Pure functions.

Lengths are in E, the distance of the outer eye corners; tracks are (N,478,2+) landmarks in pixels, and
normalised landmarks (N,478,2) in E. Every figure is of the image plane.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from heygem.media.types import Waveform
from heygem.templates.canonical import (
    EYE_OUTER_LEFT,
    EYE_OUTER_RIGHT,
    LIP_CENTRE_LOWER,
    LIP_CENTRE_UPPER,
    LIPS,
)

# The ruler's own rigid points: other than those that tracks and weights are made with.
RIGID = (33, 133, 362, 263, 168, 6, 197, 195, 5, 4, 1, 70, 300, 105, 334, 10, 151, 9, 8)
MAX_LAG_FRAMES = 5
STILL = 1e-9  # a mouth whose opening spreads less than this, in E, does not move
SPEECH_DB = -35.0  # 40-ms level against the clip's loudest
SPEECH_WINDOW_SECONDS = 0.04
CLOSED_SHARE = 0.12  # of the 95th percentile of the real openings
REST_PERCENTILE = 10  # of the template's own openings: its closed mouth
OPEN_MARGIN = 0.02  # in E, above the closed mouth
SETTLE_SECONDS = 0.2  # what a mouth is given to close in silence
BOOTSTRAP_DRAWS = 4000

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Ruler:
    """Where the rigid points of a reference clip are on average: (19,2) pixels."""

    rigid_px: Array

    @classmethod
    def of(cls, points_px: NDArray[np.floating]) -> "Ruler":
        """From the reference's track."""
        return cls(points_px[:, RIGID, :2].astype(np.float64).mean(0))

    @property
    def eye_distance_px(self) -> float:
        """E of the mean face."""
        left, right = RIGID.index(EYE_OUTER_LEFT), RIGID.index(EYE_OUTER_RIGHT)
        return float(np.linalg.norm(self.rigid_px[left] - self.rigid_px[right]))

    def normalised(self, points_px: NDArray[np.floating]) -> Array:
        """Turn, scale and shift each frame so that its rigid points fit the mean ones best, and divide by E.

        Least squares of a similarity in the plane has a closed form in complex numbers.
        """
        points = points_px[..., 0].astype(np.float64) + 1j * points_px[..., 1]  # (N,478)
        source = points[:, RIGID]
        target = self.rigid_px[:, 0] + 1j * self.rigid_px[:, 1]
        centre = source.mean(1, keepdims=True)
        offset = source - centre
        turn = (offset.conj() * (target - target.mean())).sum(1) / (np.abs(offset) ** 2).sum(1)
        laid = (points - centre) * turn[:, None] + target.mean()
        return np.stack([laid.real, laid.imag], -1) / self.eye_distance_px


def opening(normalised: Array) -> Array:
    """(N,478,2) -> (N,) distance of the inner lips' middles."""
    return np.asarray(
        np.linalg.norm(normalised[:, LIP_CENTRE_UPPER] - normalised[:, LIP_CENTRE_LOWER], axis=-1)
    )


def lips(normalised: Array) -> Array:
    """(N,478,2) -> (N,40,2) lip points about their own middle."""
    points = normalised[:, LIPS]
    return np.asarray(points - points.mean(1, keepdims=True))


def correlation(made: Array, real: Array, lag: int = 0) -> float:
    """Of two (N,) openings, the made one taken `lag` frames later; 0 where one of them never moves."""
    size = len(made) - abs(lag)
    made, real = made[max(lag, 0) :][:size], real[max(-lag, 0) :][:size]
    if min(made.std(), real.std()) < STILL:
        return 0.0
    return float(np.corrcoef(made, real)[0, 1])


def best_correlation(made: Array, real: Array) -> tuple[float, int]:
    """The highest correlation within 5 frames, and its lag: positive where the made mouth is late."""
    lags = sorted(range(-MAX_LAG_FRAMES, MAX_LAG_FRAMES + 1), key=abs)
    return max(((correlation(made, real, lag), lag) for lag in lags), key=lambda found: found[0])


def lip_distance(made: Array, real: Array) -> float:
    """LMD of normalised landmarks: mean distance of lip points, each set about its own middle."""
    return float(np.linalg.norm(lips(made) - lips(real), axis=-1).mean())


def jitter(normalised: Array) -> float:
    """Mean length of the lip points' second difference in time."""
    return float(np.linalg.norm(np.diff(normalised[:, LIPS], 2, axis=0), axis=-1).mean())


def speaking(speech: Waveform, fps: Fraction, frame_count: int) -> Mask:
    """(T,) frames whose 40 ms of sound are above -35 dB of the loudest."""
    size = round(SPEECH_WINDOW_SECONDS * speech.rate_hz)
    starts = np.round(np.arange(frame_count) * float(speech.rate_hz / fps)).astype(int)
    samples = np.pad(speech.samples.astype(np.float64), (0, max(starts[-1] + size - len(speech.samples), 0)))
    level = np.sqrt([np.square(samples[start : start + size]).mean() for start in starts])
    return np.asarray(level > level.max() * 10 ** (SPEECH_DB / 20))


def closure_f1(made: Array, real: Array, within: Mask) -> float | None:
    """Closed frames within speech, found with one frame of tolerance; None where the real mouth has none."""
    threshold = CLOSED_SHARE * np.percentile(real, 95)
    wanted, found = (real < threshold) & within, (made < threshold) & within
    if not wanted.any():
        return None
    precision = (found & _grown(wanted)).sum() / max(found.sum(), 1)
    recall = (wanted & _grown(found)).sum() / wanted.sum()
    return float(2 * precision * recall / max(precision + recall, 1e-9))


def open_share(made: Array, template: Array, fps: Fraction, within: Mask | None = None) -> float:
    """Share of a silent video's frames, after 200 ms, above the template's closed mouth by more than 0.02.

    Of all frames, or of those `within` (T,); 0 where there are none.
    """
    counts = np.arange(len(made)) / float(fps) >= SETTLE_SECONDS
    settled = made[counts if within is None else counts & within]
    is_open = settled > np.percentile(template, REST_PERCENTILE) + OPEN_MARGIN
    return float(is_open.mean()) if len(is_open) else 0.0


def at_rate(values: Array, fps: Fraction, new_fps: Fraction) -> Array:
    """(N,) at one frame rate -> (M,) at another, linear in time."""
    count = round(len(values) * new_fps / fps)
    return np.asarray(np.interp(np.arange(count) * float(fps / new_fps), np.arange(len(values)), values))


def bootstrap_interval(values: Sequence[float], seed: int = 0) -> tuple[float, float]:
    """95 % interval of the mean, over clips drawn with repetition."""
    picks = np.random.default_rng(seed).integers(0, len(values), (BOOTSTRAP_DRAWS, len(values)))
    low, high = np.percentile(np.asarray(values)[picks].mean(1), [2.5, 97.5])
    return float(low), float(high)


def _grown(marks: Mask) -> Mask:
    """Marks and their neighbours."""
    grown = marks.copy()
    grown[1:] |= marks[:-1]
    grown[:-1] |= marks[1:]
    return grown
