"""Repairs a warped mouth: a small U-Net that adds what no frame of the person has shown."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from heygem.models.compiling import compile_net
from heygem.models.resident import FloatArray, LoadContext, warm_noise
from heygem.models.steps import in_steps

CROP_PX = 160
INPUT_CHANNELS = 11

_WIDTHS = (32, 48, 80, 128, 160)  # channels at 160, 80, 40, 20 and 10 px
_NORM_GROUPS = 8
_BATCH_BUCKETS = (1, 8)


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


class MouthUNet(nn.Module):
    """(B,11,160,160) -> (B,3,160,160); four halvings, each level handed across to its way up."""

    def __init__(self) -> None:
        super().__init__()
        finest, *_ = _WIDTHS
        self.enter = nn.Conv2d(INPUT_CHANNELS, finest, 3, padding=1)
        self.down = nn.ModuleList(
            ResidualBlock(above, width) for above, width in zip((finest, *_WIDTHS), _WIDTHS, strict=False)
        )
        self.up = nn.ModuleList(
            ResidualBlock(below + width, width) for below, width in zip(_WIDTHS[1:], _WIDTHS, strict=False)
        )
        self.leave = nn.Conv2d(finest, 3, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.enter(x)
        levels: list[Tensor] = []
        for block in self.down:
            hidden = block(F.avg_pool2d(hidden, 2) if levels else hidden)
            levels.append(hidden)
        levels.pop()
        for block in reversed(self.up):
            wider = F.interpolate(hidden, scale_factor=2, mode="bilinear")
            hidden = block(torch.cat([wider, levels.pop()], 1))
        residual: Tensor = self.leave(F.silu(hidden))
        return residual


class MouthRepairNet:
    """The resident repair net."""

    buckets = tuple(f"batch-{size}" for size in _BATCH_BUCKETS)

    def __init__(self, context: LoadContext) -> None:
        self._device, self._dtype = context.device, context.dtype
        self._relieve = context.relieve
        with torch.device("meta"):
            net = MouthUNet()
        weights = context.read("model.safetensors", context.dtype)
        arranged = {name: _arranged(weight) for name, weight in weights.items()}
        net.load_state_dict(arranged, assign=True)
        self._net = net.eval().requires_grad_(False)
        if context.compiles:
            compile_net(self._net)

    @property
    def bytes_resident(self) -> int:
        return sum(weight.nbytes for weight in self._net.parameters())

    @torch.inference_mode()
    def repair(self, inputs: FloatArray) -> FloatArray:
        """What to add to warped mouth crops so that they look real.

        Args:
            inputs: (B,11,160,160) float32, by channel: 0-2 the warped crop, RGB in [-1,1]; 3 inside of the
                lips and 4 whole mouth, masks from -1 (outside) to 1; 5-7 another crop of the person for
                reference, RGB in [-1,1], or zeros; 8 one if there is a reference, else zero; 9 and 10 how
                open the mouth was in the frame before warping and in the reference: lip gap over eye-corner
                distance, times 4.

        Returns:
            (B,3,160,160) float32, an addend to RGB in [-1,1]; meant in full inside the lips, blurred on skin.
        """
        residual = np.empty((len(inputs), 3, CROP_PX, CROP_PX), np.float32)
        for step in in_steps(len(inputs), _BATCH_BUCKETS, self._relieve):
            with step:
                given = inputs[step.start : step.stop]
                batch = torch.zeros((step.bucket, *inputs.shape[1:]))
                batch[: len(given)] = torch.from_numpy(given)
                moved = batch.to(self._device, self._dtype, memory_format=torch.channels_last)
                residual[step.start : step.stop] = self._net(moved)[: len(given)].float().cpu().numpy()
        return residual

    def warm(self, bucket: str) -> FloatArray:
        """Repair fixed noise in the range of real inputs. See `ResidentModel.warm`."""
        count = _BATCH_BUCKETS[self.buckets.index(bucket)]
        return self.repair(warm_noise((count, INPUT_CHANNELS, CROP_PX, CROP_PX), seed=5) * 2 - 1)


def _arranged(weight: Tensor) -> Tensor:
    """A copy; the weights of convolutions in the memory order of the pictures they meet."""
    is_picture = weight.dim() == 4
    return weight.clone(memory_format=torch.channels_last if is_picture else torch.contiguous_format)
