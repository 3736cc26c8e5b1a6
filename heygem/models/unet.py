"""What HeyGem's U-Nets are made of: their blocks, and the way down through the levels and up again."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_NORM_GROUPS = 8


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut: (B,I,H,W) -> (B,O,H,W)."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels_in, channels_out, 3, padding=1)
        self.norm = nn.GroupNorm(_NORM_GROUPS, channels_out)
        self.second = nn.Conv2d(channels_out, channels_out, 3, padding=1)
        same = channels_in == channels_out
        self.shortcut = nn.Identity() if same else nn.Conv2d(channels_in, channels_out, 1)

    def forward(self, x: Tensor) -> Tensor:
        inner = self.norm(self.first(F.silu(x)))
        added: Tensor = self.shortcut(x) + self.second(F.silu(inner))
        return added


def down_and_up(hidden: Tensor, down: nn.ModuleList, up: nn.ModuleList) -> Tensor:
    """(B,I,H,W) through blocks that each see half the size of the one before, and up again.

    Every level but the lowest is handed across to its way up. `up` is ordered as `down` is, finest first;
    with fewer blocks it ends at a coarser level.
    """
    levels: list[Tensor] = []
    for block in down:
        hidden = block(F.avg_pool2d(hidden, 2) if levels else hidden)
        levels.append(hidden)
    levels.pop()
    for block in reversed(up):
        wider = F.interpolate(hidden, scale_factor=2, mode="bilinear")
        hidden = block(torch.cat([wider, levels.pop()], 1))
    return hidden
