"""Variants of a clip to learn from: other speeds, rooms, noises and pauses, each with its own motion.

A variant remembers which frame of the clip each of its own frames shows and how much of the speech is present
there (1 speaking, 0 silent), so any track of the clip, lips or a teacher's opinion, can be bent the same way.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from training.speech_lips import SAMPLES_PER_FRAME

EASE_OUT = (
    0.75,
    0.25,
)  # how much of the motion is left in the first frames of a silence: at rest within 120 ms
EASE_IN = (0.5,)  # and in the first frames after it


@dataclass(frozen=True, slots=True)
class Variant:
    """`samples` (640 n,), `source` (n,) frame numbers of the clip, `presence` (n,) in 0..1, on one device."""

    samples: Tensor
    source: Tensor
    presence: Tensor

    @staticmethod
    def plain(samples: Tensor) -> "Variant":
        """The clip as it is."""
        count = len(samples) // SAMPLES_PER_FRAME
        frames = torch.arange(count, device=samples.device, dtype=torch.float32)
        return Variant(samples, frames, torch.ones_like(frames))

    def bend(self, track: Tensor) -> Tensor:
        """(T,K) values of the clip -> (n,K) values of this variant, at rest (zero) in its silences."""
        below = self.source.long().clamp(0, len(track) - 1)
        above = (below + 1).clamp(max=len(track) - 1)
        share = (self.source - below)[:, None].clamp(0, 1)
        return (track[below] * (1 - share) + track[above] * share) * self.presence[:, None]


def random_variant(
    clip: Tensor, others: Sequence[Tensor], rng: np.random.Generator, generator: torch.Generator
) -> Variant:
    """Some of: another speed, a room, an equaliser, noise or babble, pauses, loudness; or silence alone."""
    variant = Variant.plain(clip)
    if rng.random() < 0.05:
        return _silenced(variant, rng, generator)
    if rng.random() < 0.6:
        variant = _at_speed(variant, float(rng.uniform(0.85, 1.18)))
    samples = variant.samples
    if rng.random() < 0.25:
        samples = _in_a_room(samples, rng, generator)
    if rng.random() < 0.35:
        samples = _equalised(samples, rng)
    if rng.random() < 0.25:
        samples = samples + _at_level(samples, _noise(samples, generator), -rng.uniform(8, 25))
    elif rng.random() < 0.25:
        babble = _looped(others[int(rng.integers(len(others)))], len(samples))
        samples = samples + _at_level(samples, babble, -rng.uniform(8, 18))
    variant = Variant(samples * 10 ** rng.uniform(-0.6, 0.3), variant.source, variant.presence)
    for _ in range(rng.integers(0, 3)):
        variant = _with_pause(variant, rng, generator)
    return variant


def cut(variant: Variant, start: int, count: int) -> Variant:
    """`count` frames from frame `start` on."""
    samples = variant.samples[start * SAMPLES_PER_FRAME : (start + count) * SAMPLES_PER_FRAME]
    return Variant(samples, variant.source[start : start + count], variant.presence[start : start + count])


def padded(variant: Variant, frame_count: int) -> Variant:
    """The variant followed by digital silence up to `frame_count` frames."""
    extra = frame_count - len(variant.source)
    return insert_silence(variant, len(variant.source), variant.samples.new_zeros(extra * SAMPLES_PER_FRAME))


def _at_speed(variant: Variant, factor: float) -> Variant:
    stretched = F.interpolate(variant.samples[None, None], scale_factor=1 / factor, mode="linear")[0, 0]
    count = min(len(stretched) // SAMPLES_PER_FRAME, int((len(variant.source) - 1) / factor) + 1)
    source = torch.arange(count, device=stretched.device) * factor
    return Variant(stretched[: count * SAMPLES_PER_FRAME], source, torch.ones_like(source))


def _with_pause(variant: Variant, rng: np.random.Generator, generator: torch.Generator) -> Variant:
    """Cut the clip anywhere and put a pause there: digital silence or a faint hiss."""
    silence = variant.samples.new_zeros(int(rng.integers(8, 40)) * SAMPLES_PER_FRAME)
    if rng.random() < 0.5:
        silence = _at_level(variant.samples, _noise(silence, generator), -rng.uniform(35, 65))
    return insert_silence(variant, int(rng.integers(0, len(variant.source) + 1)), silence)


def _silenced(variant: Variant, rng: np.random.Generator, generator: torch.Generator) -> Variant:
    """No speech at all: digital silence or a hiss of -100 to -40 dB of full scale."""
    level = 10 ** (rng.uniform(-100, -40) / 20) * (rng.random() < 0.7)
    return Variant(
        _noise(variant.samples, generator) * level, variant.source, torch.zeros_like(variant.presence)
    )


def insert_silence(variant: Variant, at: int, silence: Tensor) -> Variant:
    """Put `silence` (640 m,) before frame `at`: the mouth eases to rest in it and wakes only after it."""
    count = len(silence) // SAMPLES_PER_FRAME
    if count == 0:
        return variant
    last = variant.source[max(at - 1, 0)]  # what the mouth was doing when the silence began
    source = torch.cat([variant.source[:at], last.expand(count), variant.source[at:]])
    presence = torch.cat([variant.presence[:at], torch.zeros_like(source[:count]), variant.presence[at:]])
    before = float(variant.presence[at - 1]) if at else 0.0
    for step, share in enumerate(EASE_OUT[:count]):
        presence[at + step] = share * before
    for step, share in enumerate(EASE_IN[: len(presence) - at - count]):
        presence[at + count + step] *= share
    samples = torch.cat(
        [variant.samples[: at * SAMPLES_PER_FRAME], silence, variant.samples[at * SAMPLES_PER_FRAME :]]
    )
    return Variant(samples, source, presence)


def _noise(like: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randn(like.shape, device=like.device, generator=generator)


def _looped(sound: Tensor, length: int) -> Tensor:
    return sound.repeat(-(-length // len(sound)))[:length]


def _at_level(signal: Tensor, added: Tensor, decibels: float) -> Tensor:
    """`added` at `decibels` over the signal's RMS."""
    level = signal.square().mean().sqrt() / (added.square().mean().sqrt() + 1e-6)
    return added * level * 10 ** (decibels / 20)


def _equalised(samples: Tensor, rng: np.random.Generator) -> Tensor:
    taps = rng.normal(0, 0.12, 33)
    taps[16] += 1
    kernel = torch.tensor(taps, dtype=torch.float32, device=samples.device)
    return F.conv1d(samples[None, None], kernel[None, None], padding=16)[0, 0]


def _in_a_room(samples: Tensor, rng: np.random.Generator, generator: torch.Generator) -> Tensor:
    """Convolve with a decaying noise of 80-350 ms."""
    length = int(16_000 * rng.uniform(0.08, 0.35))
    time = torch.arange(length, device=samples.device)
    echo = torch.randn(length, device=samples.device, generator=generator) * torch.exp(-time / (length / 5))
    echo = echo / echo.norm() * rng.uniform(0.15, 0.5)
    echo[0] = 1
    size = len(samples) + length
    spectrum = torch.fft.rfft(samples, size) * torch.fft.rfft(echo, size)
    heard: Tensor = torch.fft.irfft(spectrum, size)[: len(samples)]
    return heard
