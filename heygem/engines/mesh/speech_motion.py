"""From sound to mouth motion: encoder and net window by window, then the rules that hold for any voice."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from heygem.engines.base import LipSyncOptions
from heygem.media.types import Waveform
from heygem.models.motion import MotionNet
from heygem.models.speech import WhisperEncoder, Window, plan_windows
from heygem.templates.canonical import VERTEX_COUNT
from heygem.templates.easing import smooth_step

Array = NDArray[np.float64]
MOTION_FPS = 25
SAMPLES_PER_STEP = 16000 // MOTION_FPS
# A stretch this quiet against the loud parts, for this long, is a pause: the mouth closes.
SILENCE_DB = -40.0
SILENCE_FLOOR = 1e-4
SILENCE_MIN_STEPS = 5
# Steps the mouth takes to close after a sound, and to open with the next: never before it.
CLOSING_STEPS, OPENING_STEPS = 4, 2
EASE_SECONDS = 0.12
# A face that rests with its lips apart: closing before the first word, and coming to rest after the last.
READY_SECONDS, LEAST_READY_SECONDS, LINGER_SECONDS, REST_SECONDS = 0.35, 0.2, 0.15, 0.5
CRISPNESS = 0.35  # of how far a step is from the middle between its neighbours


@dataclass(frozen=True, slots=True)
class Motion:
    """Mouth motion at output frames: coefficients (T,K) on `basis` (K,468,3), canonical displacement.

    `voiced` (T,) in 0..1 is 0 in pauses and beyond the ends of the speech, `speaking` (T,) beyond them only.
    """

    coefficients: NDArray[np.float32]
    basis: NDArray[np.float32]
    voiced: NDArray[np.float32]
    speaking: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.coefficients)

    def displacement(self, start: int, stop: int) -> NDArray[np.float32]:
        """(stop-start,468,3) displacement from the neutral, zero outside the lower face."""
        return np.tensordot(self.coefficients[start:stop], self.basis, 1)

    def mean_displacement(self) -> NDArray[np.float32]:
        """(468,3) mean over all frames."""
        return np.tensordot(self.coefficients.mean(0), self.basis, 1)


def full_basis(net: MotionNet) -> NDArray[np.float32]:
    """The net's components scattered over all vertices: (K,468,3)."""
    basis = np.zeros((len(net.components), VERTEX_COUNT, 3), np.float32)
    basis[:, net.vertex_ids] = net.components
    return basis


def shape_motion(
    steps: Array,
    speech: Waveform,
    basis: NDArray[np.float32],
    frame_count: int,
    fps: Fraction,
    options: LipSyncOptions,
) -> Motion:
    """From (S,K) predicted steps to the motion of every output frame: pauses closed, options obeyed."""
    gate = pause_gate(speech.samples, len(steps))[:, None]
    seconds = np.arange(frame_count) / float(fps)
    heard = seconds - options.audio_offset_ms / 1000
    ends = ease(seconds, frame_count / float(fps))[:, None]
    coefficients = resample(crisp(steps) * gate * options.expressiveness, heard) * ends
    voiced = np.clip(resample(gate, heard) * ends, 0, 1)[:, 0]
    speaking = from_first_to_last(voiced, seconds)
    return Motion(coefficients.astype(np.float32), basis, voiced.astype(np.float32), speaking)


def from_first_to_last(voiced: Array, seconds: Array) -> NDArray[np.float32]:
    """(T,) 0..1: 1 from the first sound to the last, pauses included; eased in before it and out after it.

    A mouth that smiles at rest closes before it speaks, and does not smile again in every pause.
    """
    heard = seconds[voiced > 0]
    if len(heard) == 0:
        return np.zeros(len(seconds), np.float32)
    ready = max(float(heard[0]), LEAST_READY_SECONDS)
    begin = max(ready - READY_SECONDS, 0.0)
    rest = float(heard[-1]) + LINGER_SECONDS
    part = smooth_step(seconds, begin, ready) * (1 - smooth_step(seconds, rest, rest + REST_SECONDS))
    return part.astype(np.float32)


def crisp(steps: Array) -> Array:
    """(S,K) that turns more sharply: drawing, encoding and tracking smooth a mouth's motion, and this
    makes up for it.
    """
    held = np.pad(steps, ((1, 1), (0, 0)), mode="edge")
    return np.asarray(steps + CRISPNESS * (steps - (held[:-2] + held[2:]) / 2))


def predict_steps(
    speech: Waveform,
    encoder: WhisperEncoder,
    net: MotionNet,
    on_window: Callable[[int, int], None] = lambda done, total: None,
) -> Array:
    """(S,K) coefficients at 25 steps a second; neighbouring windows are cross-faded where they overlap.

    `on_window(done, total)` is called after each window.
    """
    count = -(-len(speech.samples) // SAMPLES_PER_STEP)
    total = np.zeros((count, len(net.components)))
    weight = np.zeros((count, 1))
    windows = plan_windows(len(speech.samples))
    for done, window in enumerate(windows, 1):
        first = window.start_sample // SAMPLES_PER_STEP
        steps = net.predict(encoder.encode(_padded(speech.samples, window)))
        steps = steps[: -(-window.sample_count // SAMPLES_PER_STEP)][: count - first]
        # A triangle favours each window's middle, where it heard the most on both sides.
        fade = np.minimum(np.arange(1, len(steps) + 1), np.arange(len(steps), 0, -1))[:, None].astype(float)
        total[first : first + len(steps)] += steps * fade
        weight[first : first + len(steps)] += fade
        on_window(done, len(windows))
    return np.asarray(total / weight)


def _padded(samples: NDArray[np.float32], window: Window) -> NDArray[np.float32]:
    part = samples[window.start_sample : window.start_sample + window.sample_count]
    return np.pad(part, (0, window.bucket_seconds * 16000 - len(part)))


def pause_gate(samples: NDArray[np.float32], step_count: int) -> Array:
    """(S,) factor in 0..1 per 40-ms step: 0 inside pauses, eased where they begin and end."""
    padded = np.pad(samples, (0, step_count * SAMPLES_PER_STEP - len(samples)))
    rms = np.sqrt((padded.reshape(step_count, SAMPLES_PER_STEP).astype(np.float64) ** 2).mean(1))
    quiet = rms < max(np.percentile(rms, 95) * 10 ** (SILENCE_DB / 20), SILENCE_FLOOR)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], quiet, [False]]).astype(int)))
    gate = np.ones(step_count)
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        if stop - start >= SILENCE_MIN_STEPS:
            closing = 1 - np.arange(1, stop - start + 1) / CLOSING_STEPS
            gate[start:stop] = np.clip(closing, 0, 1) * (start > 0)
            opening = gate[stop : stop + OPENING_STEPS]
            opening *= np.arange(len(opening)) / OPENING_STEPS
    return gate


def resample(steps: Array, seconds: Array) -> Array:
    """(S,K) at 25 a second -> (T,K) at the given times; outside the sound the mouth rests."""
    if len(steps) < 2:
        return np.repeat(steps, len(seconds), 0)
    times = np.arange(len(steps)) / MOTION_FPS
    values = CubicSpline(times, steps)(np.clip(seconds, 0, times[-1]))
    outside = np.maximum(np.maximum(-seconds, seconds - times[-1] - 1 / MOTION_FPS), 0)
    return np.asarray(values * np.clip(1 - outside * MOTION_FPS / CLOSING_STEPS, 0, 1)[:, None])


def ease(seconds: Array, duration_seconds: float) -> Array:
    """(T,) factor that takes the motion in and out at both ends of the video."""
    last = seconds[-1] if len(seconds) else duration_seconds
    from_end = np.minimum(seconds, last - seconds)
    return np.clip(from_end / EASE_SECONDS, 0, 1)
