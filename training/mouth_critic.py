"""What tells a painted mouth from a filmed one while the repair net learns."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

WINDOW_PX = 112  # of the crop's 160: lips and what they hide
CONDITION_CHANNELS = 2  # masks of the inner and outer lips


class PatchCritic(nn.Module):
    """(B,5,H,W) -> features of three depths and a score for each of their last places."""

    def __init__(self, width: int = 48) -> None:
        super().__init__()
        sizes = (3 + CONDITION_CHANNELS, width, 2 * width, 4 * width)
        self.down = nn.ModuleList(
            spectral_norm(nn.Conv2d(above, below, 4, 2, 1))
            for above, below in zip(sizes, sizes[1:], strict=False)
        )
        self.leave = spectral_norm(nn.Conv2d(4 * width, 1, 3, 1, 1))

    def forward(self, x: Tensor) -> tuple[list[Tensor], Tensor]:
        features: list[Tensor] = []
        for conv in self.down:
            x = F.leaky_relu(conv(x), 0.2)
            features.append(x)
        return features, self.leave(x)


class Critics(nn.Module):
    """One looks at texture, one, at half the size, at the whole mouth."""

    def __init__(self) -> None:
        super().__init__()
        self.fine, self.coarse = PatchCritic(), PatchCritic()

    def forward(self, pictures: Tensor, masks: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """(B,3,H,W) and (B,2,H,W) -> features of both critics, scores of both."""
        seen = torch.cat([pictures, masks], 1)
        fine, fine_score = self.fine(seen)
        coarse, coarse_score = self.coarse(F.avg_pool2d(seen, 2))
        return fine + coarse, [fine_score, coarse_score]


def likeness_loss(painted: list[Tensor], filmed: list[Tensor]) -> Tensor:
    """Mean distance of what the critics see in two versions of one mouth."""
    terms = [
        (ours.float() - theirs.detach().float()).abs().mean()
        for ours, theirs in zip(painted, filmed, strict=True)
    ]
    return torch.stack(terms).sum()


def painter_loss(scores: list[Tensor]) -> Tensor:
    """Low where the critics take a painted mouth for a filmed one."""
    return torch.stack([-score.float().mean() for score in scores]).sum()


def critic_loss(filmed: list[Tensor], painted: list[Tensor]) -> Tensor:
    """Hinge: low where the critics tell the two apart."""
    terms = [
        F.relu(1 - real.float()).mean() + F.relu(1 + made.float()).mean()
        for real, made in zip(filmed, painted, strict=True)
    ]
    return torch.stack(terms).sum()
