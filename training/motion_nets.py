"""The nets that teach: different in kind, so that their mean knows more than each of them.

All map standardised encoder states at 50 per second, (B,T,6,512) of the bundled encoder, to coefficients
(B,T/2,K) at 25 per second.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Features = tuple[int, int]  # layers and width of what the encoder gives


class LayerMix(nn.Module):
    """A learnt mean of the encoder's layers, projected to the net's width."""

    def __init__(self, features: Features, width: int, dropout: float) -> None:
        super().__init__()
        layer_count, feature_width = features
        self.weights = nn.Parameter(torch.zeros(layer_count))
        self.project = nn.Linear(feature_width, width)
        self.drop = nn.Dropout(dropout)

    def forward(self, features: Tensor) -> Tensor:
        mixed = (features * self.weights.softmax(0)[:, None]).sum(2)
        projected: Tensor = self.project(self.drop(mixed))
        return projected


class ConvTeacher(nn.Module):
    """Gated dilated convolutions."""

    def __init__(
        self, features: Features, component_count: int, width: int = 192, dropout: float = 0.4
    ) -> None:
        super().__init__()
        dilations = (1, 2, 4, 1, 2, 4)
        self.mix = LayerMix(features, width, dropout)
        self.norms = nn.ModuleList(nn.GroupNorm(1, width) for _ in dilations)
        self.convs = nn.ModuleList(
            nn.Conv1d(width, 2 * width, 5, padding=2 * dilation, dilation=dilation) for dilation in dilations
        )
        self.drop = nn.Dropout(dropout)
        self.leave = nn.Conv1d(width, component_count, 3, padding=1, stride=2)

    def forward(self, features: Tensor) -> Tensor:
        hidden = self.mix(features).transpose(1, 2)  # (B,width,T)
        for norm, conv in zip(self.norms, self.convs, strict=True):
            hidden = hidden + self.drop(F.glu(conv(norm(hidden)), 1))
        motion: Tensor = self.leave(hidden).transpose(1, 2)
        return motion


class WindowTeacher(nn.Module):
    """A transformer whose every step looks half a second around itself, with convolutions for order."""

    def __init__(
        self,
        features: Features,
        component_count: int,
        width: int = 192,
        dropout: float = 0.35,
        depth: int = 3,
    ) -> None:
        super().__init__()
        self.reach = 24
        self.mix = LayerMix(features, width, dropout)
        self.before = nn.Conv1d(width, width, 7, padding=3, groups=8)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(
                width, 4, 2 * width, dropout, F.gelu, batch_first=True, norm_first=True
            )
            for _ in range(depth)
        )
        self.convs = nn.ModuleList(nn.Conv1d(width, width, 5, padding=2, groups=width) for _ in range(depth))
        self.leave = nn.Linear(width, component_count)

    def forward(self, features: Tensor) -> Tensor:
        hidden = self.mix(features)  # (B,T,width)
        hidden = hidden + F.gelu(self.before(hidden.transpose(1, 2))).transpose(1, 2)
        steps = torch.arange(hidden.shape[1], device=hidden.device)
        too_far = (steps[:, None] - steps[None]).abs() > self.reach
        for layer, conv in zip(self.layers, self.convs, strict=True):
            hidden = layer(hidden, src_mask=too_far)
            hidden = hidden + conv(hidden.transpose(1, 2)).transpose(1, 2)
        motion: Tensor = self.leave(hidden)[:, ::2]
        return motion


class RidgeTeacher(nn.Module):
    """Linear regression from principal components of three layers over +-160 ms; fitted, not trained."""

    taps = tuple(range(-8, 9, 2))  # in steps of 20 ms

    def __init__(self, projection: Tensor, weights: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.projection, self.weights, self.bias = projection, weights, bias

    @classmethod
    def fit(
        cls, sequences: list[tuple[Tensor, Tensor, float]], penalty: float = 1e4, rank: int = 160
    ) -> "RidgeTeacher":
        """From (features (T,6,512), motion (T/2,K), trust) of each clip."""
        stacked = torch.cat([three_layers(features[::5]).float() for features, _, _ in sequences])
        _, _, projection = torch.pca_lowrank(stacked, rank, niter=3)
        seen = torch.cat([cls._gather(features, projection) for features, _, _ in sequences])
        motion = torch.cat([motion for _, motion, _ in sequences])
        trust = torch.cat([motion.new_full((len(motion), 1), trust) for _, motion, trust in sequences])
        mean, std, rest = seen.mean(0), seen.std(0) + 1e-6, motion.mean(0)
        seen = (seen - mean) / std
        normal = (seen * trust).T @ seen + penalty * torch.eye(seen.shape[1], device=seen.device)
        weights = torch.linalg.solve(normal, (seen * trust).T @ (motion - rest)) / std[:, None]
        return cls(projection, weights, rest - mean @ weights)

    @classmethod
    def _gather(cls, features: Tensor, projection: Tensor) -> Tensor:
        reduced = three_layers(features).float() @ projection  # (T,rank)
        at = torch.arange(0, len(reduced), 2, device=reduced.device)
        return torch.cat([reduced[(at + tap).clamp(0, len(reduced) - 1)] for tap in cls.taps], 1)

    def forward(self, features: Tensor) -> Tensor:
        return torch.stack(
            [self._gather(one, self.projection) @ self.weights + self.bias for one in features]
        )


def three_layers(features: Tensor) -> Tensor:
    """(T,L,W) -> (T,3W): an early, a middle and the last layer."""
    count = features.shape[1]
    return features[:, (count // 4, count // 2, count - 1)].flatten(1)
