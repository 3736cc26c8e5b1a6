"""How the repair net learns: a frame of a clip is warped onto another one, and the net makes up the rest."""

import logging
import time
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from heygem.engines.mesh.mouth_crop import EMPTIED_BLUR_PX, SKIN_BLUR_PX, TEETH_REACH_PX
from heygem.engines.mesh.painter import GAP_INPUT_SCALE
from heygem.models.mouth import CROP_PX, DISPLAY_CHANNELS, PICTURE_CHANNELS, MouthUNet
from training.mouth_critic import WINDOW_PX, Critics, critic_loss, likeness_loss, painter_loss
from training.mouth_display import displays
from training.mouth_material import Mouths, pixel_centres
from training.mouth_pairs import Pairs, PairSource
from training.mouth_reference import other_teeth, seen_at

LEARNING_RATE, CRITIC_RATE = 4e-4, 2e-4
WARM_STEPS, CRITIC_FROM_STEP = 200, 400
DISPLAY_NOISE = 0.05  # of what is told of the teeth to show: nobody asks for it exactly
SOFTENED = 0.2  # chance of a warp from a soft picture
EDGE_WEIGHT, TONE_WEIGHT, STEADY_WEIGHT = 0.7, 1.5, 1.0
INSIDE_WEIGHT = 0.4  # of exactness inside the lips, where many truths are possible
CRITIC_WEIGHT, LIKENESS_WEIGHT = 0.06, 0.3
TONE_BLUR_PX = 4.0
AVERAGE_KEEPS = 0.998
LOG_EVERY = 500

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one net learns.

    Attributes:
        inside: weight of exactness inside the lips, where many truths are possible.
        critic, likeness: weights of what the critics say, and of how like the filmed mouth they find it.
        tint: largest change of a colour channel.
        love_of_detail: see `PairSource`.
        singles, couples: of a batch, lone frames, and frames that come with the one after.
    """

    steps: int
    inside: float
    critic: float
    likeness: float
    tint: float
    love_of_detail: float
    singles: int = 40
    couples: int = 6


@dataclass(frozen=True, slots=True)
class Canvas:
    """A batch ready for the net: inputs (B,18,H,W), the warp and the truth (B,3,H,W), masks (B,4,H,W)."""

    inputs: Tensor
    warp: Tensor
    truth: Tensor
    masks: Tensor

    def finished(self, residual: Tensor) -> Tensor:
        """The warp with the residual where it counts, as `MouthMasks.applied` does it."""
        sharp, reach = self.masks[:, 2:3], self.masks[:, 3:4]
        return self.warp + reach * (residual * sharp + blurred(residual, SKIN_BLUR_PX) * (1 - sharp))


def lay_out(mouths: Mouths, pairs: Pairs, display: Tensor | None = None) -> Canvas:
    """What the painter would give the net for these pairs, asked for `display` (B,4).

    Without one nothing is asked for yet: `varied` asks for what its truth displays.
    """
    masks = mouths.mask(pairs.target)
    if display is None:
        display = torch.zeros((len(masks), DISPLAY_CHANNELS), device=masks.device)
    warp = emptied(mouths.warped(pairs.source, pairs.target), masks)
    reference, where = seen_at(mouths, pairs.reference, pairs.target)
    where = where * pairs.shown[:, None, None, None]
    return Canvas(
        inputs=_inputs(
            mouths,
            pairs,
            warp,
            torch.cat([reference * where, where], 1),
            masks,
            display,
        ),
        warp=warp,
        truth=mouths.picture(pairs.target),
        masks=masks,
    )


def emptied(warp: Tensor, masks: Tensor) -> Tensor:
    """The warp with the lips' own colour between them, as `heygem.engines.mesh.emptying` does it."""
    inner, lips = masks[:, :1], (masks[:, 1:2] - masks[:, :1]).clamp(min=0)
    colour = (warp * lips).sum((2, 3), keepdim=True) / lips.sum((2, 3), keepdim=True).clamp(min=1)
    return warp + (colour - warp) * blurred(inner, EMPTIED_BLUR_PX)


def _inputs(
    mouths: Mouths, pairs: Pairs, warp: Tensor, reference: Tensor, masks: Tensor, display: Tensor
) -> Tensor:
    size = (-1, -1, CROP_PX, CROP_PX)
    gaps = torch.stack([mouths.gap[pairs.source], mouths.gap[pairs.reference] * pairs.shown], 1)
    pixels = pixel_centres(warp.device).view(CROP_PX, CROP_PX, 2)[..., [0, 1, 1]].permute(2, 0, 1)
    places = (pixels - mouths.origin[pairs.target][:, :, None, None]) / TEETH_REACH_PX
    told = torch.cat([gaps * GAP_INPUT_SCALE, display], 1)[:, :, None, None].expand(size)
    return torch.cat([warp, masks[:, :2] * 2 - 1, reference, told, places], 1)


def varied(canvas: Canvas, tint: float, rng: np.random.Generator, generator: torch.Generator) -> Canvas:
    """Other light and colour, left and right exchanged, some warps from a soft picture."""
    count, device = len(canvas.warp), canvas.warp.device

    def even(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(count, *shape, device=device, generator=generator)

    gamma, gain = even(0.75, 1.33, 1, 1, 1), even(1 - tint, 1 + tint, 3, 1, 1) * even(0.85, 1.15, 1, 1, 1)

    def lit(pictures: Tensor) -> Tensor:
        return (((pictures + 1) / 2).clamp(min=0) ** gamma * gain * 2 - 1).clamp(-1, 1)

    soft = (even(0, 1, 1, 1, 1) < SOFTENED).float()
    warp = lit(canvas.warp)
    warp = warp + soft * (blurred(warp, float(rng.uniform(0.6, 1.6))) - warp)
    inputs, truth = other_teeth(canvas.inputs, canvas.truth, canvas.masks[:, :1], generator)
    where = inputs[:, 8:9]
    truth = lit(truth)
    told = displays(truth, canvas.masks) + DISPLAY_NOISE * torch.randn(
        (count, DISPLAY_CHANNELS), device=device, generator=generator
    )
    inputs = torch.cat(
        [
            warp,
            inputs[:, 3:5],
            lit(inputs[:, 5:8]) * where,
            inputs[:, 8 : PICTURE_CHANNELS - DISPLAY_CHANNELS],
            told[:, :, None, None].expand(-1, -1, CROP_PX, CROP_PX),
            inputs[:, PICTURE_CHANNELS:],
        ],
        1,
    )
    varied = Canvas(inputs, warp, truth, canvas.masks)
    return _mirrored(varied) if rng.random() < 0.5 else varied


def _mirrored(canvas: Canvas) -> Canvas:
    inputs = canvas.inputs.flip(-1)
    inputs[:, PICTURE_CHANNELS] *= -1  # the place across
    return Canvas(inputs, canvas.warp.flip(-1), canvas.truth.flip(-1), canvas.masks.flip(-1))


def blurred(x: Tensor, sigma_px: float) -> Tensor:
    """Gaussian blur of (B,C,H,W)."""
    reach = round(3 * sigma_px)
    steps = torch.arange(-reach, reach + 1, device=x.device, dtype=torch.float32)
    kernel = torch.exp(-(steps**2) / (2 * sigma_px**2))
    kernel = (kernel / kernel.sum()).expand(x.shape[1], 1, 1, -1)
    padded = F.pad(x, (reach, reach, reach, reach), mode="replicate")
    across = F.conv2d(padded, kernel, groups=x.shape[1])
    return F.conv2d(across, kernel.transpose(2, 3), groups=x.shape[1])


def picture_loss(painted: Tensor, canvas: Canvas, inside: float) -> Tensor:
    """Exactness (less inside the lips), edges, and the tone inside."""
    inner, reach = canvas.masks[:, :1], canvas.masks[:, 3:4]
    weight = reach * (1 + (inside - 1) * inner)
    error = painted - canvas.truth
    exact = (error.abs() * weight).sum() / weight.sum() / 3
    edges = error.new_zeros(())
    for dim in (2, 3):
        count = weight.shape[dim] - 1
        near = weight.narrow(dim, 1, count)
        edges = edges + (error.diff(dim=dim).abs() * near).sum() / near.sum() / 3
    tone = (blurred(error * reach, TONE_BLUR_PX).square() * (inner + 0.2 * reach)).sum() / reach.sum() / 3
    return exact + EDGE_WEIGHT * edges + TONE_WEIGHT * tone


def steady_loss(painted: Tensor, canvas: Canvas, couples: int) -> Tensor:
    """From one frame to the next a mouth changes as much as the filmed one does."""
    now, after = slice(-2 * couples, -couples), slice(-couples, None)
    change = (painted[after] - painted[now]) - (canvas.truth[after] - canvas.truth[now])
    reach = canvas.masks[now, 3:4]
    return (change.abs() * reach).sum() / reach.sum() / 3


def learn(mouths: Mouths, chosen: NDArray[np.bool_], recipe: Recipe, seed: int) -> MouthUNet:
    """Train by a recipe on the chosen (clips,); the net is the mean of its late weights."""
    device = mouths.images.device
    torch.manual_seed(seed)
    rng, generator = np.random.default_rng(seed), torch.Generator(device).manual_seed(seed)
    source = PairSource(mouths, chosen, recipe.love_of_detail, seed)
    net = MouthUNet().to(device, memory_format=torch.channels_last)
    nn.init.zeros_(net.leave.weight)
    critics = Critics().to(device, memory_format=torch.channels_last)
    fused = device.type == "cuda"
    painter_step = torch.optim.AdamW(
        net.parameters(), LEARNING_RATE, (0.8, 0.99), weight_decay=0.01, fused=fused
    )
    critic_step = torch.optim.AdamW(critics.parameters(), CRITIC_RATE, (0.5, 0.99), fused=fused)
    average = [weight.detach().clone() for weight in net.parameters()]
    started = time.perf_counter()
    for step in range(recipe.steps):
        share = step / recipe.steps
        rate = LEARNING_RATE * min(1.0, (step + 1) / WARM_STEPS) * (0.5 + 0.5 * float(np.cos(np.pi * share)))
        painter_step.param_groups[0]["lr"] = rate
        canvas = varied(
            lay_out(mouths, source.draw(recipe.singles, recipe.couples)), recipe.tint, rng, generator
        )
        with half_precision(device):
            residual = net(canvas.inputs.contiguous(memory_format=torch.channels_last))
        painted = canvas.finished(residual.float())
        loss = picture_loss(painted, canvas, recipe.inside) + STEADY_WEIGHT * steady_loss(
            painted, canvas, recipe.couples
        )
        if step >= CRITIC_FROM_STEP:
            scorn, unlikeness = _judged(critics, critic_step, painted, canvas, rng)
            loss = loss + recipe.critic * scorn + recipe.likeness * unlikeness
        painter_step.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        painter_step.step()
        torch._foreach_lerp_(average, [weight.detach() for weight in net.parameters()], 1 - AVERAGE_KEEPS)
        if step % LOG_EVERY == 0:
            log.info("step %d, %.0f s, loss %.4f", step, time.perf_counter() - started, loss.item())
    with torch.no_grad():
        for weight, mean in zip(net.parameters(), average, strict=True):
            weight.copy_(mean)
    return net.eval()


def half_precision(device: torch.device) -> torch.autocast:
    """bfloat16 where it is fast: not on a CPU."""
    return torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda")


def _judged(
    critics: Critics,
    critic_step: torch.optim.Optimizer,
    painted: Tensor,
    canvas: Canvas,
    rng: np.random.Generator,
) -> tuple[Tensor, Tensor]:
    """Teach the critics on a batch: how painted a painted mouth looks to them, and how unlike the truth."""
    low = (CROP_PX - WINDOW_PX) // 2 - 6
    top, left = (int(corner) for corner in rng.integers(low, low + 13, 2))
    window = (..., slice(top, top + WINDOW_PX), slice(left, left + WINDOW_PX))
    masks, filmed, made = canvas.masks[:, :2][window], canvas.truth[window], painted[window]
    with half_precision(painted.device):
        count = len(filmed)
        _, scores = critics(torch.cat([filmed, made.detach()]), torch.cat([masks, masks]))
    told_apart = critic_loss([score[:count] for score in scores], [score[count:] for score in scores])
    critic_step.zero_grad()
    told_apart.backward()
    critic_step.step()
    critics.requires_grad_(False)
    with half_precision(painted.device):
        features, scores = critics(torch.cat([made, filmed]), torch.cat([masks, masks]))
    critics.requires_grad_(True)
    alike = likeness_loss([part[:count] for part in features], [part[count:] for part in features])
    return painter_loss([score[:count] for score in scores]), alike
