"""When a photo lives: how its head sways, nods with the voice, and when its eyes blink.

Everything starts and ends at rest, so the first frame is the photo itself. Nothing here knows pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from heygem.engines.mesh.speech_motion import Motion
from heygem.engines.mesh.sway import eased

Array = NDArray[np.float64]
SWAY_HZ = (0.09, 0.42)
WAVES = 5
# The most that sway alone turns the head: seen as life, not as a gesture. Yaw, pitch, roll.
MOST_DEGREES = (4.5, 2.6, 1.3)
MOST_SHIFT = (0.020, 0.005)  # x, y in face widths
NOD_DEGREES = 1.4  # down with a stressed syllable, at most
NOD_SECONDS, PHRASE_SECONDS = 0.14, 1.2
CALM = 0.55  # of the sway that is left in pauses
CALM_SECONDS = 0.5
REST_SECONDS = 1.2  # from the still picture to full motion, and back

BLINK_EVERY_SECONDS = (2.5, 6.0)
FIRST_BLINK_SECONDS = 0.9  # at the earliest
DOUBLE_BLINK_SHARE, DOUBLE_BLINK_SECONDS = 0.12, 0.42
DOWN_SECONDS, SHUT_SECONDS, UP_SECONDS = 0.10, 0.05, (0.15, 0.20)


@dataclass(frozen=True, slots=True)
class Life:
    """What a living photo does in each of T output frames.

    Attributes:
        turn: (T,3) yaw, pitch and roll in radians: to the image's right, downwards, clockwise as seen.
        shift: (T,2) x and y in face widths.
        closure: (T,) of both eyes, 0 open to 1 shut.
    """

    turn: Array
    shift: Array
    closure: Array

    @classmethod
    def of(cls, motion: Motion, fps: float, seed: int | Sequence[int]) -> "Life":
        """The same `seed` gives the same life."""
        random = np.random.default_rng(seed)
        seconds = np.arange(len(motion)) / fps
        rest = _rest(seconds)
        lively = CALM + (1 - CALM) * gaussian_filter1d(
            motion.voiced.astype(np.float64), CALM_SECONDS * fps, mode="nearest"
        )
        waves = np.stack([_wave(seconds, random) for _ in range(5)], 1)  # (T,5) within -1..1
        waves *= (rest * lively)[:, None]
        turn = np.radians(waves[:, :3] * MOST_DEGREES)
        turn[:, 1] += np.radians(NOD_DEGREES) * _stress(motion, fps) * rest
        return cls(turn, waves[:, 3:] * MOST_SHIFT, _blinking(seconds, random))


def _rest(seconds: Array) -> Array:
    """(T,) 0 at both ends, 1 in between."""
    return eased(np.minimum(seconds, seconds[-1] - seconds) / REST_SECONDS)


def _wave(seconds: Array, random: np.random.Generator) -> Array:
    """(T,) a slow wave that does not repeat: sines of random rate and phase, within -1..1."""
    slowest, quickest = SWAY_HZ
    rates = slowest * (quickest / slowest) ** random.uniform(0, 1, WAVES)
    phases = random.uniform(0, 2 * np.pi, WAVES)
    # Slow ones reach further, as in a head held by muscles.
    size = 1 / np.sqrt(rates)
    sines = np.sin(2 * np.pi * rates * seconds[:, None] + phases)
    return np.asarray(sines @ size / size.sum())


def _stress(motion: Motion, fps: float) -> Array:
    """(T,) within -1..1: how much more the mouth moves now than in the phrase around."""
    effort = np.linalg.norm(motion.coefficients.astype(np.float64), axis=1)
    loud = np.percentile(effort, 95)
    if loud < 1e-9:
        return np.zeros(len(motion))
    now, phrase = (
        gaussian_filter1d(effort / loud, seconds * fps, mode="nearest")
        for seconds in (NOD_SECONDS, PHRASE_SECONDS)
    )
    return np.asarray(np.tanh(now - phrase))


def _blinking(seconds: Array, random: np.random.Generator) -> Array:
    """(T,) closure; a blink is whole or not there."""
    closure = np.zeros(len(seconds))
    start = FIRST_BLINK_SECONDS + random.uniform(0, BLINK_EVERY_SECONDS[1] - BLINK_EVERY_SECONDS[0])
    longest = DOWN_SECONDS + SHUT_SECONDS + UP_SECONDS[1]
    while start + longest < seconds[-1]:
        closure = np.maximum(closure, _blink(seconds - start, random.uniform(*UP_SECONDS)))
        is_double = random.uniform() < DOUBLE_BLINK_SHARE
        start += DOUBLE_BLINK_SECONDS if is_double else random.uniform(*BLINK_EVERY_SECONDS)
    return closure


def _blink(since: Array, up_seconds: float) -> Array:
    """(T,) closure of one blink that starts at 0."""
    times = np.cumsum([0, DOWN_SECONDS, SHUT_SECONDS, up_seconds])
    return eased(np.interp(since, times, [0, 1, 1, 0], left=0, right=0))
