"""Repairs a warped mouth: a small U-Net that adds what no frame of the person has shown."""

from collections.abc import Mapping

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from heygem.models.compiling import compile_net
from heygem.models.resident import FloatArray, LoadContext, warm_noise
from heygem.models.steps import in_steps
from heygem.models.torch_setup import beside_this_thread
from heygem.models.unet import ResidualBlock, down_and_up

CROP_PX = 160
DISPLAY_CHANNELS = 4
PICTURE_CHANNELS = 11 + DISPLAY_CHANNELS
PLACE_CHANNELS = 3
INPUT_CHANNELS = PICTURE_CHANNELS + PLACE_CHANNELS

_WIDTHS = (32, 64, 96, 144, 192)  # channels at 160, 80, 40, 20 and 10 px
_ATLAS_CHANNELS, _ATLAS_CELLS = 12, 80
BATCH_BUCKETS = (1, 8)
_BORDER_PX = 16  # of the crop, not looked at: a third of the work


class MouthUNet(nn.Module):
    """(B,18,160,160) -> (B,3,160,160); four halvings, each level handed across to its way up.

    Teeth are rigid: the upper row moves with the skull, the lower with the jaw. So the net keeps a learnt map
    of each and reads it at the place that every pixel has there: rows come out even, and the same teeth come
    out of every opening of a mouth.
    """

    def __init__(self) -> None:
        super().__init__()
        finest, *_ = _WIDTHS
        self.atlas = nn.Parameter(torch.empty(2, _ATLAS_CHANNELS, _ATLAS_CELLS, _ATLAS_CELLS))
        if not self.atlas.is_meta:  # where there is nothing to draw, torch would import its compiler for it
            nn.init.normal_(self.atlas, std=0.1)
        self.enter = nn.Conv2d(PICTURE_CHANNELS + 2 * _ATLAS_CHANNELS, finest, 3, padding=1)
        self.down = nn.ModuleList(
            ResidualBlock(above, width) for above, width in zip((finest, *_WIDTHS), _WIDTHS, strict=False)
        )
        self.up = nn.ModuleList(
            ResidualBlock(below + width, width) for below, width in zip(_WIDTHS[1:], _WIDTHS, strict=False)
        )
        self.leave = nn.Conv2d(finest, 3, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        picture, place = x[:, :PICTURE_CHANNELS], x[:, PICTURE_CHANNELS:]
        hidden = self.enter(torch.cat([picture, self._teeth(place).to(x.dtype)], 1))
        residual: Tensor = self.leave(F.silu(down_and_up(hidden, self.down, self.up)))
        return residual

    def _teeth(self, place: Tensor) -> Tensor:
        """(B,3,160,160) places in -1..1 -> (B,24,160,160) float32: both maps as the pixels see them."""
        across, skull, jaw = place.float().unbind(1)
        rows = [
            F.grid_sample(
                chart.expand(len(place), -1, -1, -1), torch.stack([across, down], -1), align_corners=False
            )
            for chart, down in zip(self.atlas.float(), (skull, jaw), strict=True)
        ]
        return torch.cat(rows, 1)


class MouthRepairNet:
    """The resident repair nets, whose mean is the answer.

    One learnt to be right and is soft, one learnt to look real and overdoes it; their mean looks real.
    """

    buckets = tuple(f"batch-{size}" for size in BATCH_BUCKETS)

    def __init__(self, context: LoadContext) -> None:
        self._device, self._dtype = context.device, context.dtype
        self._relieve = context.relieve
        weights = context.read("model.safetensors", context.dtype)
        prefixes = sorted({name.split(".")[0] for name in weights})
        self._nets = [_load_net(weights, f"{prefix}.") for prefix in prefixes]
        if context.compiles:
            for net in self._nets:
                compile_net(net)
        # On a CPU each net has a thread: nothing else happens while mouths are painted.
        spare = len(self._nets) - 1 if context.device.type == "cpu" else 0
        self._beside = beside_this_thread(spare, "mouth-repair") if spare else None

    @property
    def bytes_resident(self) -> int:
        return sum(weight.nbytes for net in self._nets for weight in net.parameters())

    @torch.inference_mode()
    def repair(self, inputs: FloatArray) -> FloatArray:
        """What to add to warped mouth crops so that they look real.

        Args:
            inputs: (B,18,160,160) float32, by channel: 0-2 the warped crop, RGB in [-1,1]; 3 inside of the
                lips and 4 whole mouth, masks from -1 (outside) to 1; 5-7 another crop of the person for
                reference, RGB in [-1,1], or zeros; 8 one if there is a reference, else zero; 9 and 10 how
                open the mouth was in the frame before warping and in the reference: lip gap over eye-corner
                distance, times 4; 11-14 what to display: shares of teeth in the upper part of the inside, in
                the middle and in the lower part, and the luma of the inside over the skin's, 0..1; 15-17 the
                pixel's place on the teeth, in -1..1 where teeth can be: across, down from the skull, down
                from the jaw.

        Returns:
            (B,3,160,160) float32, an addend to RGB in [-1,1]; meant in full inside the lips, blurred on skin.
            Zero within 16 px of the border, where no mouth reaches.
        """
        residual = np.zeros((len(inputs), 3, CROP_PX, CROP_PX), np.float32)
        window = (..., slice(_BORDER_PX, -_BORDER_PX), slice(_BORDER_PX, -_BORDER_PX))
        for step in in_steps(len(inputs), BATCH_BUCKETS, self._relieve):
            with step:
                given = inputs[step.start : step.stop][window]
                batch = torch.zeros((step.bucket, *given.shape[1:]))
                batch[: len(given)] = torch.from_numpy(given)
                moved = batch.to(self._device, self._dtype, memory_format=torch.channels_last)
                mean = torch.stack(self._answers(moved)).float().mean(0)
                residual[step.start : step.stop][window] = mean[: len(given)].cpu().numpy()
        return residual

    def _answers(self, batch: Tensor) -> list[Tensor]:
        first, *others = self._nets
        if self._beside is None:
            return [net(batch) for net in self._nets]
        awaited = [self._beside.submit(_run, net, batch) for net in others]
        return [first(batch), *(answer.result() for answer in awaited)]

    def warm(self, bucket: str) -> FloatArray:
        """Repair fixed noise in the range of real inputs. See `ResidentModel.warm`."""
        count = BATCH_BUCKETS[self.buckets.index(bucket)]
        return self.repair(warm_noise((count, INPUT_CHANNELS, CROP_PX, CROP_PX), seed=5) * 2 - 1)


@torch.inference_mode()
def _run(net: MouthUNet, batch: Tensor) -> Tensor:
    """The mode is each thread's own."""
    answer: Tensor = net(batch)
    return answer


def _load_net(tensors: Mapping[str, Tensor], prefix: str) -> MouthUNet:
    """The net whose tensors' names begin with `prefix`, without memory for it before."""
    with torch.device("meta"):
        net = MouthUNet()
    weights = {
        name.removeprefix(prefix): _arranged(tensor)
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }
    net.load_state_dict(weights, assign=True)
    return net.eval().requires_grad_(False)


def _arranged(weight: Tensor) -> Tensor:
    """A copy; the weights of convolutions in the memory order of the pictures they meet."""
    is_picture = weight.dim() == 4
    return weight.clone(memory_format=torch.channels_last if is_picture else torch.contiguous_format)
