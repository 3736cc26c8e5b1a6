"""How good a motion is against the real clip, before any rendering."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from training.speech_lips import CLOSED_SHARE, SAMPLES_PER_FRAME, Basis, Clip

MAX_LAG_FRAMES = 5
OPEN_LIMIT = 0.02
# fmt: off
LIP_LANDMARKS = (
    61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 185, 40, 39, 37, 0, 267, 269, 270, 409,
    78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 191, 80, 81, 82, 13, 312, 311, 310, 415,
)
# fmt: on

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class MotionScore:
    """One clip. Correlations and range are of the lips' opening."""

    r_zero: float
    r_best: float
    lag_frames: float  # positive: ours is later than the real mouth
    range: float  # spread of the opening over the real one's
    jitter: float  # mean second difference of the lips over the real one's
    closure_f1: float


def score(motion: Floats, clip: Clip, basis: Basis) -> MotionScore:
    """Compare (T,K) coefficients with the clip's own."""
    count = min(len(motion), len(clip.motion))
    motion, opening = motion[:count], clip.opening[:count]
    ours = motion @ basis.opening_row()
    r_best, lag = max(
        (_lagged_correlation(ours, opening, lag), lag) for lag in range(-MAX_LAG_FRAMES, MAX_LAG_FRAMES + 1)
    )
    lips = basis.components[:, [basis.vertex(landmark) for landmark in LIP_LANDMARKS], :2]
    return MotionScore(
        r_zero=_lagged_correlation(ours, opening, 0),
        r_best=r_best,
        lag_frames=lag,
        range=float(ours.std() / opening.std()),
        jitter=_jitter(motion, lips) / _jitter(clip.motion[:count], lips),
        closure_f1=_closure_f1(
            ours + (opening - clip.motion[:count] @ basis.opening_row()).mean(), clip, count
        ),
    )


def summary(scores: Sequence[MotionScore], clips: Sequence[Clip]) -> dict[str, dict[str, object]]:
    """Means over all, real, generated and Mandarin clips, with 95 % intervals of the correlations."""
    kinds: dict[str, Callable[[Clip], bool]] = {
        "real": lambda clip: not clip.generated,
        "generated": lambda clip: clip.generated,
        "mandarin": lambda clip: clip.language == "zh",
        "all": lambda clip: True,
    }
    return {
        kind: _mean([one for one, clip in zip(scores, clips, strict=True) if belongs(clip)])
        for kind, belongs in kinds.items()
    }


def _mean(scores: Sequence[MotionScore]) -> dict[str, object]:
    columns = {name: [asdict(one)[name] for one in scores] for name in MotionScore.__dataclass_fields__}
    figures: dict[str, object] = {"clips": len(scores)}
    figures |= {name: round(float(np.mean(values)), 4) for name, values in columns.items()}
    figures |= {f"{name}_interval": bootstrap_interval(columns[name]) for name in ("r_zero", "r_best")}
    return figures


def bootstrap_interval(values: Sequence[float], seed: int = 0) -> tuple[float, float]:
    """95 % interval of the mean over clips."""
    picks = np.random.default_rng(seed).integers(0, len(values), (2000, len(values)))
    low, high = np.percentile(np.asarray(values)[picks].mean(1), [2.5, 97.5])
    return round(float(low), 4), round(float(high), 4)


def open_share(motion: Floats, basis: Basis) -> float:
    """Share of frames of (T,K) motion whose lips are apart by more than 0.02 of the eye corners' distance."""
    return float((motion @ basis.opening_row() > OPEN_LIMIT * basis.eye_corners).mean())


def speaking(samples: Floats) -> NDArray[np.bool_]:
    """(T,) frames whose 40-ms level is above -35 dB of the loudest."""
    level = np.sqrt(np.square(samples.reshape(-1, SAMPLES_PER_FRAME)).mean(1))
    return np.asarray(level > level.max() * 10 ** (-35 / 20))


def _lagged_correlation(ours: Floats, real: Floats, lag: int) -> float:
    """Correlation when ours is taken `lag` frames later."""
    size = len(ours) - abs(lag)
    return float(np.corrcoef(ours[max(lag, 0) :][:size], real[max(-lag, 0) :][:size])[0, 1])


def _jitter(motion: Floats, lips: Floats) -> float:
    points = np.tensordot(motion, lips, 1)  # (T,40,2)
    return float(np.linalg.norm(np.diff(points, 2, axis=0), axis=-1).mean())


def _closure_f1(ours: Floats, clip: Clip, count: int) -> float:
    """Closed frames within speech, found within one frame; 1 where the clip has none and ours neither."""
    within = speaking(clip.samples)[:count]
    threshold = CLOSED_SHARE * np.percentile(clip.opening, 95)
    real, found = (clip.opening[:count] < threshold) & within, (ours < threshold) & within
    if not real.any() and not found.any():
        return 1.0
    precision = (found & _grown(real)).sum() / max(found.sum(), 1)
    recall = (real & _grown(found)).sum() / max(real.sum(), 1)
    return float(2 * precision * recall / max(precision + recall, 1e-9))


def _grown(marks: NDArray[np.bool_]) -> NDArray[np.bool_]:
    grown = marks.copy()
    grown[1:] |= marks[:-1]
    grown[:-1] |= marks[1:]
    return grown
