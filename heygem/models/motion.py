"""Speech features in, lower-face motion out: the net that decides what the mouth does.

Motion is a displacement from the speaker's closed, resting face in canonical units (forehead to chin is about
1.05), written as coefficients of a fixed basis of lower-face shapes.
"""

from collections.abc import Mapping
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
UPPER_LIP, LOWER_LIP = 13, 14  # landmarks: the inner lips' middle
# Chances of touching lips from which they are drawn together, and at which they touch.
TOUCH_FROM, TOUCH_FULLY = 0.5, 0.8


class SpeechToMotion(nn.Module):
    """A bidirectional GRU over standardised encoder states.

    It says how the face moves, and besides whether the lips touch: a motion is a mean of what is possible,
    and the mean of open and closed is half open.
    """

    feature_mean: Tensor  # (6,512)
    feature_std: Tensor  # (6,512)

    def __init__(
        self,
        width: int,
        component_count: int,
        dropout: float = 0.0,
        features: tuple[int, int] = (FEATURE_LAYERS, FEATURE_WIDTH),
    ) -> None:
        """`features` are layers and width of what the encoder gives."""
        super().__init__()
        layer_count, feature_width = features
        self.register_buffer("feature_mean", torch.zeros(features))
        self.register_buffer("feature_std", torch.ones(features))
        self.layer_mix = nn.Parameter(torch.zeros(layer_count))
        self.enter = nn.Linear(feature_width, width)
        self.gru = nn.GRU(width, width // 2, 2, batch_first=True, bidirectional=True, dropout=dropout)
        self.leave = nn.Linear(width, component_count + 1)
        self.drop = nn.Dropout(dropout)

    def forward(self, features: Tensor) -> Tensor:
        """(B,T,6,512) at 50 per second, T even -> (B,T/2,K+1) at 25 per second: K coefficients, a logit."""
        standardised = (features - self.feature_mean) / self.feature_std
        layer_weights = self.layer_mix.softmax(0)[:, None]  # (6,1)
        mixed = (standardised * layer_weights).sum(2)  # (B,T,6,512) -> (B,T,512)
        states, _ = self.gru(self.enter(self.drop(mixed)))  # (B,T,width)
        motion: Tensor = self.leave(self.drop(states[:, ::2]))  # (B,T/2,K+1)
        return motion


def opening_row(components: NDArray[np.float32], vertex_ids: NDArray[np.int64]) -> NDArray[np.float32]:
    """(K,): how much each coefficient opens the mouth."""
    (lower,), (upper,) = np.flatnonzero(vertex_ids == LOWER_LIP), np.flatnonzero(vertex_ids == UPPER_LIP)
    return components[:, lower, 1] - components[:, upper, 1]  # canonical y runs down


def press_lips(
    said: NDArray[np.float32], opening_row: NDArray[np.float32], closing: NDArray[np.float32]
) -> NDArray[np.float32]:
    """(T,K+1) coefficients and logits -> (T,K) coefficients of a mouth that closes where lips surely touch.

    `closing` (K,) is what people's faces do for one unit of opening; it is taken back.
    """
    motion, logits = said[:, :-1], said[:, -1]
    chance = 1 / (1 + np.exp(-logits))
    share = np.clip((chance - TOUCH_FROM) / (TOUCH_FULLY - TOUCH_FROM), 0, 1)
    taken_back = share * np.maximum(motion @ opening_row, 0)
    return np.asarray(motion - taken_back[:, None] * closing, dtype=np.float32)


class MotionNet:
    """The resident motion model: nets whose mean is the motion, and the basis it is written in.

    Attributes:
        components: (K,265,3) float32, displacement in canonical units of one unit of each coefficient.
        vertex_ids: (265,) int64, the landmark number of each vertex.
    """

    buckets = tuple(f"{seconds}s" for seconds in BUCKET_SECONDS)

    def __init__(self, path: Path, device: torch.device) -> None:
        """Read a safetensors file: nets under `net0.` and so on, `components`, `vertex_ids`, `closing`."""
        tensors = load_file(path)
        self.components: NDArray[np.float32] = tensors.pop("components").float().numpy()
        self.vertex_ids: NDArray[np.int64] = tensors.pop("vertex_ids").long().numpy()
        self._closing: NDArray[np.float32] = tensors.pop("closing").float().numpy()
        self._opening_row = opening_row(self.components, self.vertex_ids)
        self._device = device
        prefixes = sorted({name.split(".")[0] for name in tensors})
        self._nets = [_load_net(tensors, f"{prefix}.").to(device) for prefix in prefixes]

    @property
    def bytes_resident(self) -> int:
        """Bytes of the nets on their device."""
        return sum(int(tensor.nbytes) for net in self._nets for tensor in net.state_dict().values())

    @torch.inference_mode()
    def predict(self, features: Tensor) -> NDArray[np.float32]:
        """(T,6,512) encoder states at 50 per second, T even -> (T/2,K) float32 coefficients at 25 per second.

        The scale is that of a speaker of typical liveliness; silence gives values near zero, a closed mouth.
        """
        heard = features.to(self._device, torch.float32)[None]
        said = torch.stack([net(heard)[0] for net in self._nets]).mean(0)
        return press_lips(said.cpu().numpy(), self._opening_row, self._closing)

    def warm(self, bucket: str) -> NDArray[np.float32]:
        """Run one length on fixed noise. See `ResidentModel.warm`."""
        count = FEATURES_PER_SECOND * BUCKET_SECONDS[self.buckets.index(bucket)]
        features = self._nets[0].feature_mean.shape
        return self.predict(torch.from_numpy(warm_noise((count, *features), seed=5)))


def _load_net(tensors: Mapping[str, Tensor], prefix: str) -> SpeechToMotion:
    """The net whose tensors' names begin with `prefix`."""
    weights = {
        name.removeprefix(prefix): tensor.float()
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }
    row_count, width = weights["leave.weight"].shape
    layer_count, feature_width = weights["feature_mean"].shape
    net = SpeechToMotion(width, row_count - 1, features=(layer_count, feature_width))
    net.load_state_dict(weights)
    return net.eval()
