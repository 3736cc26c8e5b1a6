"""Sound in, speech features out: the encoder of OpenAI Whisper (base), without its last layer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from heygem.models.mel import mel_filters
from heygem.models.quantising import quantise_linear_weights, stored_bytes
from heygem.models.resident import FloatArray, LoadContext, warm_noise
from heygem.models.whisper_net import WhisperNet, WhisperSize

RATE_HZ = 16_000
FEATURES_PER_SECOND = 50
BUCKET_SECONDS = (2, 4, 8, 16, 28)
OVERLAP_SECONDS = 2

_GRID_SAMPLES = RATE_HZ // 25  # windows begin on whole motion frames, which are 25 per second
_FFT_SAMPLES, _HOP_SAMPLES, _MEL_BINS = 400, 160, 80


class AudioEncoder(Protocol):
    """Anything that turns 16 kHz sound into features for the motion net."""

    @property
    def bucket_seconds(self) -> tuple[int, ...]:
        """The lengths it encodes, ascending."""

    def encode(self, samples: FloatArray) -> Tensor:
        """Mono sound (n,) in [-1,1], n exactly one bucket -> (50 * seconds, layers, width) float32."""


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of sound that is encoded at once."""

    start_sample: int  # a multiple of 640: window borders fall between motion frames
    sample_count: int  # real samples; silence fills the bucket up
    bucket_seconds: int


def plan_windows(sample_count: int, buckets: Sequence[int] = BUCKET_SECONDS) -> list[Window]:
    """Cut 16 kHz sound into windows of the largest bucket that overlap by two seconds.

    Sound that fits one bucket is one window in the smallest that holds it. In longer sound the last window is
    moved back so that it is full of real sound, but for less than one motion frame (640 samples) of padding;
    it then overlaps its neighbour by two seconds or more. No sound gives no window.
    """
    if sample_count == 0:
        return []
    longest = max(buckets)
    longest_samples = longest * RATE_HZ
    if sample_count <= longest_samples:
        fitting = min(seconds for seconds in buckets if seconds * RATE_HZ >= sample_count)
        return [Window(0, sample_count, fitting)]
    last_start = -(-(sample_count - longest_samples) // _GRID_SAMPLES) * _GRID_SAMPLES
    starts = [*range(0, last_start, longest_samples - OVERLAP_SECONDS * RATE_HZ), last_start]
    return [Window(start, min(longest_samples, sample_count - start), longest) for start in starts]


class WhisperEncoder:
    """Whisper's hidden states at any of a few lengths, without its habit of padding everything to 30 s."""

    bucket_seconds = BUCKET_SECONDS
    buckets = tuple(f"{seconds}s" for seconds in BUCKET_SECONDS)

    def __init__(self, context: LoadContext) -> None:
        self._device, self._dtype = context.device, context.dtype
        self._net = _load_encoder(context)
        filters = mel_filters(_MEL_BINS, _FFT_SAMPLES // 2 + 1, RATE_HZ)  # (80,201)
        self._mel_filters = torch.from_numpy(filters).to(context.device)
        self._window = torch.hann_window(_FFT_SAMPLES, device=context.device)

    @property
    def bytes_resident(self) -> int:
        return stored_bytes(self._net)

    @torch.inference_mode()
    def encode(self, samples: FloatArray) -> Tensor:
        """Encode exactly one bucket of sound.

        Args:
            samples: (n,) float32 mono in [-1,1] at 16 kHz, n = 16000 * one of `bucket_seconds`.

        Returns:
            (50 * seconds, 6, 512) float32 on the device: what enters the first layer, then layers 1-5.
        """
        if samples.shape not in {(seconds * RATE_HZ,) for seconds in self.bucket_seconds}:
            raise ValueError(f"{samples.shape} samples are none of {self.bucket_seconds} s at {RATE_HZ} Hz")
        mel = self._log_mel(torch.from_numpy(samples).to(self._device)).to(self._dtype)
        states = self._net(mel[None])  # (1,80,100 s) -> 6 x (1,50 s,512)
        return torch.cat(states).transpose(0, 1).float()

    def warm(self, bucket: str) -> FloatArray:
        """Run one length on fixed noise that swells like syllables. See `ResidentModel.warm`."""
        count = self.bucket_seconds[self.buckets.index(bucket)] * RATE_HZ
        phases = np.arange(count, dtype=np.float32) * (np.pi * 4 / RATE_HZ)  # half a turn for a syllable
        return self.encode((warm_noise((count,), seed=4) - 0.5) * np.sin(phases) ** 2).cpu().numpy()

    def _log_mel(self, samples: Tensor) -> Tensor:
        """(n,) -> (80, n / 160): Whisper's log-mel picture, its floor 8 decades under the loudest cell."""
        spectrum = torch.stft(samples, _FFT_SAMPLES, _HOP_SAMPLES, window=self._window, return_complex=True)
        power = spectrum[:, :-1].abs().square()  # (201, n / 160)
        mel = (self._mel_filters @ power).clamp_min(1e-10).log10()
        return (mel.maximum(mel.max() - 8) + 4) / 4


def _load_encoder(context: LoadContext) -> WhisperNet:
    """Build the net without memory for it, then give it the stored weights."""
    size = WhisperSize.read(context.folder / "config.json")
    with torch.device("meta"):
        net = WhisperNet(size)
    net.load_state_dict(context.read("model.safetensors", context.dtype), assign=True)
    if context.precision == "int8":
        quantise_linear_weights(net)
    return net.eval().requires_grad_(False)
