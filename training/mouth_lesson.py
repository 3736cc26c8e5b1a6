"""How the repair net learns: a frame of a clip is warped onto another one, and the net makes up the rest."""

import logging
import time
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from heygem.engines.mesh.mouth_crop import SKIN_BLUR_PX, TEETH_REACH_PX
from heygem.engines.mesh.painter import GAP_INPUT_SCALE
from heygem.models.mouth import CROP_PX, MouthUNet
from training.mouth_critic import WINDOW_PX, Critics, critic_loss, likeness_loss, painter_loss
from training.mouth_material import OPEN_GAP, Mouths, pixel_centres

SINGLES, COUPLES = 40, 6  # of a batch: lone frames, and frames with the one after
LEARNING_RATE, CRITIC_RATE = 4e-4, 2e-4
WARM_STEPS, CRITIC_FROM_STEP = 200, 400
FROM_CLOSED, TO_OPEN, WITH_REFERENCE, SOFTENED = 0.6, 0.4, 0.35, 0.2  # chances
EDGE_WEIGHT, TONE_WEIGHT, STEADY_WEIGHT = 0.7, 1.5, 1.0
INSIDE_WEIGHT = 0.4  # of exactness inside the lips, where many truths are possible
CRITIC_WEIGHT, LIKENESS_WEIGHT = 0.06, 0.3
TONE_BLUR_PX = 4.0
AVERAGE_KEEPS = 0.998
LOG_EVERY = 500

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pairs:
    """Crops to warp, crops to make of them, a reference each, and whether it is shown; (B,) on the device."""

    source: Tensor
    target: Tensor
    reference: Tensor
    shown: Tensor


class PairSource:
    """Draws pairs of frames of one clip; clips with sharp, real, many mouths more often."""

    def __init__(self, mouths: Mouths, chosen: NDArray[np.bool_], seed: int) -> None:
        """`chosen` (clips,) may be learnt from."""
        self._device = mouths.images.device
        self._rng = np.random.default_rng(seed)
        self._gap = mouths.gap.cpu().numpy()
        self._crops = {clip: np.flatnonzero(mouths.clip == clip) for clip in np.flatnonzero(chosen).tolist()}
        self._starts = {
            clip: crops[
                np.isin(crops + 1, crops) & mouths.follows[np.minimum(crops + 1, len(mouths.clip) - 1)]
            ]
            for clip, crops in self._crops.items()
        }
        self._clips = np.array(list(self._crops))
        self._worth = self._shares(clip_worth(mouths, self._clips))
        moving = np.array([len(self._starts[clip]) > 0 for clip in self._clips.tolist()])
        self._moving_worth = self._shares(self._worth * moving)

    @staticmethod
    def _shares(worth: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(worth / worth.sum())

    def draw(self) -> Pairs:
        """SINGLES lone targets, then COUPLES targets, then the frames after these."""
        rows = [self._single(clip) for clip in self._rng.choice(self._clips, SINGLES, p=self._worth).tolist()]
        couples = self._rng.choice(self._clips, COUPLES, p=self._moving_worth).tolist()
        moving = [self._single(clip, self._rng.choice(self._starts[clip])) for clip in couples]
        rows += moving + [(source, target + 1, reference) for source, target, reference in moving]
        source, target, reference = (
            torch.tensor(column, device=self._device) for column in zip(*rows, strict=True)
        )
        shown = self._rng.random(SINGLES + COUPLES) < WITH_REFERENCE
        shown = np.concatenate([shown, shown[SINGLES:]])
        return Pairs(source, target, reference, torch.from_numpy(shown).float().to(self._device))

    def _single(self, clip: int, target: int | None = None) -> tuple[int, int, int]:
        crops, rng = self._crops[clip], self._rng
        if target is None:
            target = self._extreme(rng.choice(crops, 2), 1.0 if rng.random() < TO_OPEN else 0.0)
        source = self._extreme(rng.choice(crops, 5), -1.0 if rng.random() < FROM_CLOSED else 0.0)
        return source, int(target), self._extreme(rng.choice(crops[crops != target], 6), 1.0)

    def _extreme(self, crops: NDArray[np.int64], sign: float) -> int:
        """The most open (1), the most closed (-1) or the first (0)."""
        return int(crops[np.argmax(sign * self._gap[crops])])


def clip_worth(mouths: Mouths, clips: NDArray[np.int64]) -> NDArray[np.float64]:
    """(clips,) how often each is to be seen: real ones and ones with detail in their open mouths more."""
    detail = []
    for clip in clips.tolist():
        crops = torch.from_numpy(np.flatnonzero(mouths.clip == clip)).to(mouths.images.device)
        open_crops = crops[mouths.gap[crops] > OPEN_GAP]
        detail.append(float(inner_detail(mouths, open_crops).median()) if len(open_crops) else 0.0)
    real = np.array([1.0 if mouths.clips[clip]["generated"] == "0" else 0.6 for clip in clips.tolist()])
    counts = np.array([(mouths.clip == clip).sum() for clip in clips.tolist()])
    sharpness = np.clip(np.array(detail) / np.median(detail), 0.3, 2.5)
    return np.asarray(np.minimum(counts, 80) ** 0.5 * real * sharpness)


def inner_detail(mouths: Mouths, crops: Tensor) -> Tensor:
    """(B,) -> (B,) mean square of the Laplacian inside the lips."""
    return masked_detail(mouths.picture(crops), mouths.mask(crops)[:, :1])


def masked_detail(pictures: Tensor, mask: Tensor) -> Tensor:
    """(B,3,H,W) and (B,1,H,W) -> (B,)."""
    kernel = pictures.new_tensor([[0, 1, 0], [1, -4, 1], [0, 1, 0]])[None, None]
    edges = F.conv2d(pictures.mean(1, keepdim=True), kernel, padding=1).square()
    return (edges * mask).sum((1, 2, 3)) / mask.sum((1, 2, 3)).clamp(min=1)


@dataclass(frozen=True, slots=True)
class Canvas:
    """A batch ready for the net: inputs (B,14,H,W), the warp and the truth (B,3,H,W), masks (B,4,H,W)."""

    inputs: Tensor
    warp: Tensor
    truth: Tensor
    masks: Tensor

    def finished(self, residual: Tensor) -> Tensor:
        """The warp with the residual where it counts, as `MouthMasks.applied` does it."""
        sharp, reach = self.masks[:, 2:3], self.masks[:, 3:4]
        return self.warp + reach * (residual * sharp + blurred(residual, SKIN_BLUR_PX) * (1 - sharp))


def lay_out(mouths: Mouths, pairs: Pairs) -> Canvas:
    """What the painter would give the net for these pairs."""
    shown = pairs.shown[:, None, None, None]
    masks = mouths.mask(pairs.target)
    warp, reference = mouths.warped(pairs.source, pairs.target), mouths.warped(pairs.reference, pairs.target)
    return Canvas(
        inputs=_inputs(mouths, pairs, warp, reference * shown, masks),
        warp=warp,
        truth=mouths.picture(pairs.target),
        masks=masks,
    )


def _inputs(mouths: Mouths, pairs: Pairs, warp: Tensor, reference: Tensor, masks: Tensor) -> Tensor:
    size = (-1, -1, CROP_PX, CROP_PX)
    gaps = torch.stack([mouths.gap[pairs.source], mouths.gap[pairs.reference] * pairs.shown], 1)
    pixels = pixel_centres(warp.device).view(CROP_PX, CROP_PX, 2)[..., [0, 1, 1]].permute(2, 0, 1)
    places = (pixels - mouths.origin[pairs.target][:, :, None, None]) / TEETH_REACH_PX
    flag = pairs.shown[:, None, None, None].expand(size)
    told = (gaps * GAP_INPUT_SCALE)[:, :, None, None].expand(size)
    return torch.cat([warp, masks[:, :2] * 2 - 1, reference, flag, told, places], 1)


def varied(canvas: Canvas, rng: np.random.Generator, generator: torch.Generator) -> Canvas:
    """Other light and colour, left and right exchanged, some warps from a soft picture."""
    count, device = len(canvas.warp), canvas.warp.device

    def even(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(count, *shape, device=device, generator=generator)

    gamma, gain = even(0.75, 1.33, 1, 1, 1), even(0.94, 1.06, 3, 1, 1) * even(0.85, 1.15, 1, 1, 1)

    def lit(pictures: Tensor) -> Tensor:
        return (((pictures + 1) / 2).clamp(min=0) ** gamma * gain * 2 - 1).clamp(-1, 1)

    soft = (even(0, 1, 1, 1, 1) < SOFTENED).float()
    warp = lit(canvas.warp)
    warp = warp + soft * (blurred(warp, float(rng.uniform(0.6, 1.6))) - warp)
    shown = canvas.inputs[:, 8:9]
    inputs = torch.cat(
        [warp, canvas.inputs[:, 3:5], lit(canvas.inputs[:, 5:8]) * shown, canvas.inputs[:, 8:]], 1
    )
    varied = Canvas(inputs, warp, lit(canvas.truth), canvas.masks)
    return _mirrored(varied) if rng.random() < 0.5 else varied


def _mirrored(canvas: Canvas) -> Canvas:
    inputs = canvas.inputs.flip(-1)
    inputs[:, 11] *= -1  # the place across
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


def picture_loss(painted: Tensor, canvas: Canvas) -> Tensor:
    """Exactness (less inside the lips), edges, and the tone inside."""
    inner, reach = canvas.masks[:, :1], canvas.masks[:, 3:4]
    weight = reach * (1 + (INSIDE_WEIGHT - 1) * inner)
    error = painted - canvas.truth
    exact = (error.abs() * weight).sum() / weight.sum() / 3
    edges = error.new_zeros(())
    for dim in (2, 3):
        count = weight.shape[dim] - 1
        near = weight.narrow(dim, 1, count)
        edges = edges + (error.diff(dim=dim).abs() * near).sum() / near.sum() / 3
    tone = (blurred(error * reach, TONE_BLUR_PX).square() * (inner + 0.2 * reach)).sum() / reach.sum() / 3
    return exact + EDGE_WEIGHT * edges + TONE_WEIGHT * tone


def steady_loss(painted: Tensor, canvas: Canvas) -> Tensor:
    """From one frame to the next a mouth changes as much as the filmed one does."""
    now, after = slice(SINGLES, SINGLES + COUPLES), slice(SINGLES + COUPLES, None)
    change = (painted[after] - painted[now]) - (canvas.truth[after] - canvas.truth[now])
    reach = canvas.masks[now, 3:4]
    return (change.abs() * reach).sum() / reach.sum() / 3


def learn(
    mouths: Mouths, chosen: NDArray[np.bool_], seconds: float, steps: int | None, seed: int
) -> MouthUNet:
    """Train for `seconds` (or `steps`) on the chosen (clips,); the net is the mean of its late weights."""
    device = mouths.images.device
    torch.manual_seed(seed)
    rng, generator = np.random.default_rng(seed), torch.Generator(device).manual_seed(seed)
    source = PairSource(mouths, chosen, seed)
    net = MouthUNet().to(device, memory_format=torch.channels_last)
    nn.init.zeros_(net.leave.weight)
    critics = Critics().to(device, memory_format=torch.channels_last)
    fused = device.type == "cuda"
    painter_step = torch.optim.AdamW(
        net.parameters(), LEARNING_RATE, (0.8, 0.99), weight_decay=0.01, fused=fused
    )
    critic_step = torch.optim.AdamW(critics.parameters(), CRITIC_RATE, (0.5, 0.99), fused=fused)
    average = [weight.detach().clone() for weight in net.parameters()]
    started, step = time.perf_counter(), 0
    while (share := _share_done(started, seconds, step, steps)) < 1:
        rate = LEARNING_RATE * min(1.0, (step + 1) / WARM_STEPS) * (0.5 + 0.5 * float(np.cos(np.pi * share)))
        painter_step.param_groups[0]["lr"] = rate
        canvas = varied(lay_out(mouths, source.draw()), rng, generator)
        with half_precision(device):
            residual = net(canvas.inputs.contiguous(memory_format=torch.channels_last))
        painted = canvas.finished(residual.float())
        loss = picture_loss(painted, canvas) + STEADY_WEIGHT * steady_loss(painted, canvas)
        if step >= CRITIC_FROM_STEP:
            loss = loss + _judged(critics, critic_step, painted, canvas, rng)
        painter_step.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        painter_step.step()
        torch._foreach_lerp_(average, [weight.detach() for weight in net.parameters()], 1 - AVERAGE_KEEPS)
        step += 1
        if step % LOG_EVERY == 0:
            log.info("step %d, %.0f s, loss %.4f", step, time.perf_counter() - started, loss.item())
    with torch.no_grad():
        for weight, mean in zip(net.parameters(), average, strict=True):
            weight.copy_(mean)
    log.info("%d steps in %.0f s", step, time.perf_counter() - started)
    return net.eval()


def half_precision(device: torch.device) -> torch.autocast:
    """bfloat16 where it is fast: not on a CPU."""
    return torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda")


def _share_done(started: float, seconds: float, step: int, steps: int | None) -> float:
    return step / steps if steps else (time.perf_counter() - started) / seconds


def _judged(
    critics: Critics,
    critic_step: torch.optim.Optimizer,
    painted: Tensor,
    canvas: Canvas,
    rng: np.random.Generator,
) -> Tensor:
    """Teach the critics on this batch, and say what they hold against the painted mouths."""
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
    return CRITIC_WEIGHT * painter_loss([score[:count] for score in scores]) + LIKENESS_WEIGHT * alike
