"""The load for trials of residency: a UNet of MuseTalk's shape with random weights, on diffusers' class."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor

from heygem.models.quantising import quantise_linear_weights, stored_bytes
from heygem.models.resident import FloatArray, LoadContext, warm_noise
from heygem.models.steps import in_steps

LATENT_PX = 32
AUDIO_STEPS = 50
BATCHES = (1, 8)


@dataclass(frozen=True, slots=True)
class UNetSize:
    """Channels of the four levels, and of the audio that conditions them."""

    channels: tuple[int, int, int, int]
    audio_width: int
    groups: int


FULL_SIZE = UNetSize((320, 640, 1280, 1280), 384, 32)  # 850 M parameters
TINY_SIZE = UNetSize((16, 16, 32, 32), 16, 8)  # for trying the benchmark on a CPU


def make_unet(size: UNetSize) -> Any:
    """diffusers' UNet, initialised as the constructor does it, on the current default device."""
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

    return UNet2DConditionModel(
        sample_size=64,
        in_channels=8,
        out_channels=4,
        down_block_types=("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",),
        up_block_types=("UpBlock2D",) + ("CrossAttnUpBlock2D",) * 3,
        block_out_channels=size.channels,
        cross_attention_dim=size.audio_width,
        attention_head_dim=8,
        norm_num_groups=size.groups,
    )


def write_weights(folder: Path, size: UNetSize, device: torch.device) -> int:
    """Random weights as people publish them (`unet.pth`, fp32) and as HeyGem keeps them.

    Returns the number of parameters.
    """
    torch.manual_seed(0)
    with device:
        net = make_unet(size)
    weights: dict[str, Tensor] = {name: weight.cpu() for name, weight in net.state_dict().items()}
    torch.save(weights, folder / "unet.pth")
    save_file({name: weight.half() for name, weight in weights.items()}, folder / "unet.safetensors")
    return sum(weight.numel() for weight in weights.values())


def load_as_usual(folder: Path, size: UNetSize, device: torch.device) -> Any:
    """What most programs do: initialise, unpickle, copy, cast, move."""
    net = make_unet(size)
    net.load_state_dict(torch.load(folder / "unet.pth", map_location="cpu", weights_only=True))
    return net.half().to(device) if device.type == "cuda" else net.to(device)


class TrialUNet:
    """The same as a resident model."""

    buckets = tuple(f"batch-{count}" for count in BATCHES)

    def __init__(self, context: LoadContext, size: UNetSize) -> None:
        self._device, self._dtype, self._size = context.device, context.dtype, size
        self._relieve = context.relieve
        with torch.device("meta"):
            net = make_unet(size)
        net.load_state_dict(context.read("unet.safetensors", context.dtype), assign=True)
        if context.precision == "int8":
            quantise_linear_weights(net)
        self._net = net.eval().requires_grad_(False)

    @property
    def bytes_resident(self) -> int:
        return stored_bytes(self._net)

    @torch.inference_mode()
    def run(self, latents: FloatArray) -> FloatArray:
        """(B,8,32,32) -> (B,4,32,32), in steps that shrink where memory is short."""
        output = np.empty((len(latents), 4, LATENT_PX, LATENT_PX), np.float32)
        for step in in_steps(len(latents), BATCHES, self._relieve):
            with step:
                given = latents[step.start : step.stop]
                batch = torch.zeros((step.bucket, *latents.shape[1:]))
                batch[: len(given)] = torch.from_numpy(given)
                output[step.start : step.stop] = self._forward(batch)[: len(given)]
        return output

    def warm(self, bucket: str) -> NDArray[Any]:
        """Run one batch of fixed noise. See `ResidentModel.warm`."""
        count = int(bucket.removeprefix("batch-"))
        return self.run(warm_noise((count, 8, LATENT_PX, LATENT_PX), seed=7))

    def _forward(self, batch: Tensor) -> FloatArray:
        moved = batch.to(self._device, self._dtype)
        audio = torch.zeros(
            (len(batch), AUDIO_STEPS, self._size.audio_width), device=self._device, dtype=self._dtype
        )
        time_step = torch.zeros(len(batch), device=self._device, dtype=torch.long)
        result: FloatArray = self._net(moved, time_step, audio).sample.float().cpu().numpy()
        return result
