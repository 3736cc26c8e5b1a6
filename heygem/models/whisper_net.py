"""The encoder of Whisper, as a net that costs nothing to import.

transformers has the same layers under the same names, but importing it takes longer than importing torch; the
tests hold this net to it. Source: Radford et al., "Robust Speech Recognition via Large-Scale Weak
Supervision" (2022), section 2.2.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class WhisperSize:
    """Of a `config.json` as transformers writes it."""

    width: int
    heads: int
    inner_width: int  # between the two linear layers after attention
    layers: int
    positions: int  # the most features that are heard at once
    mel_bins: int

    @classmethod
    def read(cls, config_path: Path) -> Self:
        config = json.loads(config_path.read_text(encoding="utf-8"))
        return cls(
            width=config["d_model"],
            heads=config["encoder_attention_heads"],
            inner_width=config["encoder_ffn_dim"],
            layers=config["encoder_layers"],
            positions=config["max_source_positions"],
            mel_bins=config["num_mel_bins"],
        )


class SelfAttention(nn.Module):
    """Every feature looks at every other: (B,T,W) -> (B,T,W). Keys have no bias."""

    def __init__(self, size: WhisperSize) -> None:
        super().__init__()
        self._heads = size.heads
        self.q_proj = nn.Linear(size.width, size.width)
        self.k_proj = nn.Linear(size.width, size.width, bias=False)
        self.v_proj = nn.Linear(size.width, size.width)
        self.out_proj = nn.Linear(size.width, size.width)

    def forward(self, hidden: Tensor) -> Tensor:
        queries, keys, values = (
            project(hidden).unflatten(2, (self._heads, -1)).transpose(1, 2)  # (B,T,W) -> (B,heads,T,W/heads)
            for project in (self.q_proj, self.k_proj, self.v_proj)
        )
        heard = F.scaled_dot_product_attention(queries, keys, values)
        mixed: Tensor = self.out_proj(heard.transpose(1, 2).flatten(2))
        return mixed


class EncoderLayer(nn.Module):
    """Attention, then two linear layers, each beside a shortcut: (B,T,W) -> (B,T,W)."""

    def __init__(self, size: WhisperSize) -> None:
        super().__init__()
        self.self_attn = SelfAttention(size)
        self.self_attn_layer_norm = nn.LayerNorm(size.width)
        self.fc1 = nn.Linear(size.width, size.inner_width)
        self.fc2 = nn.Linear(size.inner_width, size.width)
        self.final_layer_norm = nn.LayerNorm(size.width)

    def forward(self, hidden: Tensor) -> Tensor:
        hidden = hidden + self.self_attn(self.self_attn_layer_norm(hidden))
        added: Tensor = self.fc2(F.gelu(self.fc1(self.final_layer_norm(hidden))))
        return hidden + added


class Positions(nn.Module):
    """Adds where each feature stands: (B,T,W) -> (B,T,W).

    Left empty until weights come: to draw an embedding on the meta device, torch would import its compiler.
    """

    def __init__(self, size: WhisperSize) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(size.positions, size.width))

    def forward(self, hidden: Tensor) -> Tensor:
        return hidden + self.weight[: hidden.shape[1]]


class WhisperNet(nn.Module):
    """What enters the first layer, and what each layer makes of it."""

    def __init__(self, size: WhisperSize) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(size.mel_bins, size.width, 3, padding=1)
        self.conv2 = nn.Conv1d(size.width, size.width, 3, stride=2, padding=1)
        self.embed_positions = Positions(size)
        self.layers = nn.ModuleList(EncoderLayer(size) for _ in range(size.layers))

    def forward(self, mel: Tensor) -> list[Tensor]:
        """(B,80,2T) -> layers + 1 times (B,T,W)."""
        hidden = F.gelu(self.conv2(F.gelu(self.conv1(mel)))).transpose(1, 2)  # (B,80,2T) -> (B,T,W)
        states = [self.embed_positions(hidden)]
        for layer in self.layers:
            states.append(layer(states[-1]))
        return states
