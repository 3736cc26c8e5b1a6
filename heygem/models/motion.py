"""Speech features in, lower-face motion out: the net that decides what the mouth does.

Motion is a displacement from the speaker's closed, resting face in canonical units (forehead to chin is about
1.05), written as coefficients of a fixed basis of lower-face shapes.
"""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor, nn

from heygem.models.resident import warm_noise
from heygem.models.speech import BUCKET_SECONDS, FEATURES_PER_SECOND

FEATURE_LAYERS = 6  # the encoder's convolution output and its layers 1-5
FEATURE_WIDTH = 512


class SpeechToMotion(nn.Module):
    """A bidirectional GRU over standardised encoder states."""

    feature_mean: Tensor  # (6,512)
    feature_std: Tensor  # (6,512)

    def __init__(self, width: int, component_count: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.register_buffer("feature_mean", torch.zeros(FEATURE_LAYERS, FEATURE_WIDTH))
        self.register_buffer("feature_std", torch.ones(FEATURE_LAYERS, FEATURE_WIDTH))
        self.layer_mix = nn.Parameter(torch.zeros(FEATURE_LAYERS))
        self.enter = nn.Linear(FEATURE_WIDTH, width)
        self.gru = nn.GRU(width, width // 2, 2, batch_first=True, bidirectional=True, dropout=dropout)
        self.leave = nn.Linear(width, component_count)
        self.drop = nn.Dropout(dropout)

    def forward(self, features: Tensor) -> Tensor:
        """(B,T,6,512) at 50 per second -> (B,T/2,K) coefficients at 25 per second; T is even."""
        standardised = (features - self.feature_mean) / self.feature_std
        layer_weights = self.layer_mix.softmax(0)[:, None]  # (6,1)
        mixed = (standardised * layer_weights).sum(2)  # (B,T,6,512) -> (B,T,512)
        states, _ = self.gru(self.enter(self.drop(mixed)))  # (B,T,width)
        motion: Tensor = self.leave(self.drop(states[:, ::2]))  # (B,T/2,K)
        return motion


class MotionNet:
    """The resident motion model: the net, and the basis that turns its coefficients into vertices.

    Attributes:
        components: (K,265,3) float32, displacement in canonical units of one unit of each coefficient.
        vertex_ids: (265,) int64, the landmark number of each vertex.
    """

    buckets = tuple(f"{seconds}s" for seconds in BUCKET_SECONDS)

    def __init__(self, path: Path, device: torch.device) -> None:
        """Read a safetensors file: the net under `net.`, `components` and `vertex_ids`."""
        tensors = load_file(path)
        self.components: NDArray[np.float32] = tensors.pop("components").float().numpy()
        self.vertex_ids: NDArray[np.int64] = tensors.pop("vertex_ids").long().numpy()
        weights = {name.removeprefix("net."): tensor.float() for name, tensor in tensors.items()}
        component_count, width = weights["leave.weight"].shape
        self._device = device
        self._net = SpeechToMotion(width, component_count)
        self._net.load_state_dict(weights)
        self._net.eval().to(device)

    @property
    def bytes_resident(self) -> int:
        """Bytes of the net on its device."""
        return sum(int(tensor.nbytes) for tensor in self._net.state_dict().values())

    @torch.inference_mode()
    def predict(self, features: Tensor) -> NDArray[np.float32]:
        """(T,6,512) encoder states at 50 per second, T even -> (T/2,K) float32 coefficients at 25 per second.

        The scale is that of a speaker of typical liveliness; silence gives values near zero, a closed mouth.
        """
        motion = self._net(features.to(self._device, torch.float32)[None])[0]
        coefficients: NDArray[np.float32] = motion.cpu().numpy()
        return coefficients

    def warm(self, bucket: str) -> NDArray[np.float32]:
        """Run one length on fixed noise. See `ResidentModel.warm`."""
        count = FEATURES_PER_SECOND * BUCKET_SECONDS[self.buckets.index(bucket)]
        return self.predict(torch.from_numpy(warm_noise((count, FEATURE_LAYERS, FEATURE_WIDTH), seed=5)))
