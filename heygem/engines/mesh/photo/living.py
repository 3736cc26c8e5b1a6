"""When a photo lives: how its head sways, nods with the voice, and when its eyes blink.

Everything starts and ends at rest, so the first frame is the photo itself. Nothing here knows pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from heygem.engines.mesh.speech_motion import Motion
from heygem.templates.easing import eased

Array = NDArray[np.float64]
POSE_SECONDS = (1.2, 3.4)  # from one pose of the head to the next
DRIFT, DRIFT_HZ = 0.15, (0.12, 0.45)  # share of the motion that never rests
# The most that sway alone turns the head: seen as life, not as a gesture. Yaw, pitch, roll.
MOST_DEGREES = (2.8, 1.6, 0.7)
MOST_SHIFT = (0.010, 0.003)  # x, y in face widths
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
        wander = _wander(seconds, random) * (rest * lively)[:, None]
        turn = np.radians(wander[:, :3] * MOST_DEGREES)
        turn[:, 1] += np.radians(NOD_DEGREES) * _stress(motion, fps) * rest
        return cls(turn, wander[:, 3:] * MOST_SHIFT, _blinking(seconds, random))


def _rest(seconds: Array) -> Array:
    """(T,) 0 at both ends, 1 in between."""
    return eased(np.minimum(seconds, seconds[-1] - seconds) / REST_SECONDS)


def _wander(seconds: Array, random: np.random.Generator) -> Array:
    """(T,5) within -1..1: from pose to pose, resting a moment in each, and never quite still."""
    count = 2 + int(seconds[-1] / POSE_SECONDS[0])
    starts = np.concatenate([[0], np.cumsum(random.uniform(*POSE_SECONDS, count))])
    poses = random.uniform(-1, 1, (count + 1, 5))
    now = np.searchsorted(starts, seconds, side="right") - 1
    done = eased((seconds - starts[now]) / (starts[now + 1] - starts[now]))[:, None]
    rates, phases = random.uniform(*DRIFT_HZ, 5), random.uniform(0, 2 * np.pi, 5)
    drift = np.sin(2 * np.pi * rates * seconds[:, None] + phases)
    return np.asarray((1 - DRIFT) * (poses[now] * (1 - done) + poses[now + 1] * done) + DRIFT * drift)


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
