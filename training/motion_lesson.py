"""What a motion net is to say at every moment of the material, and how it learns to."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from training.motion_material import Material, Piece, Shelf
from training.motion_scores import LIP_LANDMARKS
from training.speech_lips import Basis, Clip

CROP_FRAMES = 100  # 4 s
BATCH = 64
MOTION_UNIT = 0.03  # nets speak in this many canonical units
SILENCE_WEIGHT = 0.5
CLOSURE_WEIGHT = 1.0  # added to a frame's weight where the real lips touch
VELOCITY_WEIGHT = 2.0
CORRELATION_WEIGHT = 0.8
TOUCH_WEIGHT = 0.3
FEATURE_NOISE = 0.4  # in standard deviations
LEARNING_RATE = 1e-3


Net = TypeVar("Net", bound=nn.Module)
# Of what a net says, (B,n,K and more), at frame numbers (B,n), of which some are real (B,n).
Loss = Callable[[Tensor, Tensor, Tensor, "Lesson"], Tensor]


@dataclass(frozen=True, slots=True)
class Lesson:
    """Everything is over the N frames of the shelf, motion in MOTION_UNIT of a typical speaker."""

    shelf: Shelf
    mean: Tensor  # (6,512) of the features
    std: Tensor  # (6,512)
    motion: Tensor  # (N,K) of the real lips
    opinion: Tensor | None  # (N,K) of the teachers
    opinion_share: float  # of the loss, where there is an opinion
    weight: Tensor  # (N,) how much a frame counts
    spoken: Tensor  # (N,) bool: not in a silence
    touching: Tensor  # (N,) how closed the real lips are, in 0..1
    lips: Tensor  # (K,120): coefficients -> lip points
    opening: Tensor  # (K,): coefficients -> opening
    scale: float  # mean square of the lips' motion

    @property
    def feature_shape(self) -> tuple[int, int]:
        """Layers and width of the features."""
        layer_count, width = self.mean.shape
        return layer_count, width


def prepare_lesson(material: Material, basis: Basis) -> Lesson:
    """What the clips' own lips say, at the liveliness of the median speaker."""
    clips, pieces = material.clips, material.pieces
    shelf = Shelf.of(material, CROP_FRAMES)
    device = shelf.features.device
    sample = torch.cat([piece.features[::7] for piece in pieces if piece.is_plain]).float()
    tracks = [torch.from_numpy(motion).to(device) for motion in typical_motion(clips)]
    motion = material.bend(tracks)
    closed = [torch.from_numpy(clip.closed[:, None]).float().to(device) for clip in clips]
    touching = material.bend(closed)[:, 0]
    presence = torch.cat([piece.variant.presence for piece in pieces])
    trust = torch.cat([presence.new_full((len(piece),), clips[piece.clip].trust) for piece in pieces])
    lips = basis.components[:, [basis.vertex(landmark) for landmark in LIP_LANDMARKS]]  # (K,40,3)
    lip_map = torch.from_numpy(lips.reshape(len(lips), -1)).to(device)
    return Lesson(
        shelf=shelf,
        mean=sample.mean(0),
        std=sample.std(0) + 1e-3,
        motion=motion,
        opinion=None,
        opinion_share=0.0,
        weight=trust * torch.where(presence > 0, 1 + CLOSURE_WEIGHT * touching, SILENCE_WEIGHT),
        spoken=presence > 0,
        touching=torch.where(presence > 0, touching, 1.0),
        lips=lip_map,
        opening=torch.from_numpy(basis.opening_row()).to(device),
        scale=float(((motion - motion.mean(0)) @ lip_map).square().mean()),
    )


def typical_motion(clips: Sequence[Clip]) -> list[NDArray[np.float32]]:
    """Each clip's motion in MOTION_UNIT, divided by how much livelier than the median it is."""
    spreads = np.array([clip.opening.std() for clip in clips])
    liveliness = np.clip(spreads / np.median(spreads), 0.5, 2.0)
    return [clip.motion / (lively * MOTION_UNIT) for clip, lively in zip(clips, liveliness, strict=True)]


@torch.inference_mode()
def predict(net: nn.Module, lesson: Lesson, pieces: Sequence[Piece]) -> Tensor:
    """(T,K) of one clip from its plain pieces; where windows overlap, their mean."""
    count = max(piece.start + piece.spoken for piece in pieces)
    total = lesson.motion.new_zeros(count, lesson.motion.shape[1])
    seen = lesson.motion.new_zeros(count, 1)
    for piece in pieces:
        motion = net(((piece.features.float() - lesson.mean) / lesson.std)[None])[0, :, : total.shape[1]]
        stretch = slice(piece.start, piece.start + piece.spoken)
        total[stretch] += motion[: piece.spoken].float()
        seen[stretch] += 1
    return total / seen


def train(
    net: Net, lesson: Lesson, allowed: Tensor, steps: int, seed: int, loss_of: Loss | None = None
) -> Net:
    """Fit `net` to the lesson on the allowed (P,) pieces; it ends as the moving average of its weights."""
    loss_of = loss_of or lesson_loss
    device = lesson.motion.device
    generator = torch.Generator(device).manual_seed(seed)
    optimiser = torch.optim.AdamW(net.parameters(), LEARNING_RATE, weight_decay=0.05, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min(1.0, step / 100) * (0.5 + 0.5 * float(np.cos(np.pi * step / steps)))
    )
    average = AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(0.998))
    net.train()
    for _ in range(steps):
        frames, real = lesson.shelf.crops(BATCH, CROP_FRAMES, allowed, generator)
        features = (lesson.shelf.features_at(frames) - lesson.mean) / lesson.std
        with torch.autocast(device.type, torch.bfloat16):
            motion = net(_disturbed(features, generator))
        loss = loss_of(motion.float(), frames, real, lesson)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        average.update_parameters(net)
    net.load_state_dict(average.module.state_dict())
    return net.eval()


def _disturbed(features: Tensor, generator: torch.Generator) -> Tensor:
    """Noise, a short gap in half of the crops, and a tenth of the layers left out."""
    batch, count, layers, _ = features.shape
    device = features.device

    def chance(*shape: int) -> Tensor:
        return torch.rand(*shape, device=device, generator=generator)

    noisy = features + FEATURE_NOISE * torch.randn(features.shape, device=device, generator=generator)
    step = torch.arange(count, device=device)
    start, length = chance(batch, 1) * count, 2 + 10 * chance(batch, 1)
    gap = (step >= start) & (step < start + length) & (chance(batch, 1) < 0.5)  # (B,T)
    kept = chance(batch, 1, layers, 1) > 0.1
    return noisy * ~gap[:, :, None, None] * kept


def lesson_loss(said: Tensor, frames: Tensor, real: Tensor, lesson: Lesson) -> Tensor:
    """Of the motion, and of the closures where the net speaks of them."""
    motion, logits = said.split((lesson.motion.shape[1], said.shape[2] - lesson.motion.shape[1]), 2)
    loss = _motion_loss(motion, lesson.motion[frames], frames, real, lesson)
    if lesson.opinion is not None:
        opinion = _motion_loss(motion, lesson.opinion[frames], frames, real, lesson)
        loss = (1 - lesson.opinion_share) * loss + lesson.opinion_share * opinion
    if logits.shape[2]:
        loss = loss + TOUCH_WEIGHT * _touch_loss(logits[..., 0], frames, real, lesson)
    return loss


def _touch_loss(logits: Tensor, frames: Tensor, real: Tensor, lesson: Lesson) -> Tensor:
    """Cross-entropy of whether the lips touch."""
    weight = lesson.weight[frames] * real
    touching = lesson.touching[frames]
    wrong = F.binary_cross_entropy_with_logits(logits, touching, reduction="none")
    return (wrong * weight).sum() / weight.sum()


def _motion_loss(said: Tensor, wanted: Tensor, frames: Tensor, real: Tensor, lesson: Lesson) -> Tensor:
    """Place of lips and coefficients, velocity of the lips, and how far the opening is from correlated."""
    weight = lesson.weight[frames] * real  # (B,n)
    error = said - wanted  # (B,n,K)
    lips = error @ lesson.lips  # (B,n,120)
    velocity = lips.diff(dim=1).square().mean(-1)
    place = (weight * (lips.square().mean(-1) + 0.2 * error.square().mean(-1))).sum()
    speed = (weight[:, 1:] * weight[:, :-1] * velocity).sum()
    spoken = (lesson.spoken[frames] & real).float()
    ours, theirs = _centred(said @ lesson.opening, spoken), _centred(wanted @ lesson.opening, spoken)
    correlation = (ours * theirs).sum(1) / (ours.norm(dim=1) * theirs.norm(dim=1) + 1e-3)
    trust = weight.mean(1)
    apart = ((1 - correlation) * trust).sum() / trust.sum()
    distance = (place + VELOCITY_WEIGHT * speed) / weight.sum() / lesson.scale
    loss: Tensor = distance + CORRELATION_WEIGHT * apart
    return loss


def _centred(values: Tensor, present: Tensor) -> Tensor:
    mean = (values * present).sum(1, keepdim=True) / present.sum(1, keepdim=True).clamp(min=1)
    centred: Tensor = (values - mean) * present
    return centred
