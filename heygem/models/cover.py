"""Tells what is before a face: a small U-Net that marks hands, microphones and the like around a mouth."""

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from heygem.models.resident import FloatArray, LoadContext, warm_images
from heygem.models.steps import in_steps
from heygem.models.unet import ResidualBlock, down_and_up

COVER_PX = 80  # side of the square around the mouth that is looked at
ANSWER_PX = 40
COVER_BUCKETS = (1, 8)

_WIDTHS = (16, 32, 48, 64)  # channels at 80, 40, 20 and 10 px


class CoverUNet(nn.Module):
    """(B,3,80,80) RGB in -1..1 -> (B,1,40,40) logits: whether something is before the face."""

    def __init__(self) -> None:
        super().__init__()
        finest, *_ = _WIDTHS
        self.enter = nn.Conv2d(3, finest, 3, padding=1)
        self.down = nn.ModuleList(
            ResidualBlock(above, width) for above, width in zip((finest, *_WIDTHS), _WIDTHS, strict=False)
        )
        self.up = nn.ModuleList(
            ResidualBlock(below + width, width)
            for below, width in zip(_WIDTHS[2:], _WIDTHS[1:], strict=False)
        )
        self.leave = nn.Conv2d(_WIDTHS[1], 1, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.leave(F.silu(down_and_up(self.enter(x), self.down, self.up)))
        return logits


class CoverNet:
    """The resident net."""

    buckets = tuple(f"batch-{size}" for size in COVER_BUCKETS)

    def __init__(self, context: LoadContext) -> None:
        self._device, self._dtype, self._relieve = context.device, context.dtype, context.relieve
        with torch.device("meta"):
            self._net = CoverUNet()
        weights = context.read("model.safetensors", context.dtype)
        self._net.load_state_dict({name: weight.clone() for name, weight in weights.items()}, assign=True)
        self._net.eval().requires_grad_(False)

    @property
    def bytes_resident(self) -> int:
        return sum(weight.nbytes for weight in self._net.parameters())

    @torch.inference_mode()
    def covered(self, mouths: NDArray[np.uint8]) -> FloatArray:
        """Mouth crops (B,80,80,3) RGB -> (B,40,40) in 0..1: how surely something is before the face there."""
        answers = np.empty((len(mouths), ANSWER_PX, ANSWER_PX), np.float32)
        for step in in_steps(len(mouths), COVER_BUCKETS, self._relieve):
            with step:
                part, count = slice(step.start, step.stop), step.stop - step.start
                batch = np.zeros((step.bucket, COVER_PX, COVER_PX, 3), np.uint8)
                batch[:count] = mouths[part]
                pixels = torch.from_numpy(batch).to(self._device).permute(0, 3, 1, 2)
                logits = self._net(pixels.to(self._dtype) / 127.5 - 1)  # 0..255 -> -1..1
                answers[part] = torch.sigmoid(logits[:count, 0].float()).cpu().numpy()
        return answers

    def warm(self, bucket: str) -> FloatArray:
        """Run one shape on its fixed input. See `ResidentModel.warm`."""
        count = COVER_BUCKETS[self.buckets.index(bucket)]
        return self.covered(warm_images(count, COVER_PX, seed=6))
