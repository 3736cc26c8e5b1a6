"""Trials in which nets say more than the motion: how far it may be off, or what kind of phone they hear."""

import json
import logging
from dataclasses import replace

import numpy as np
import torch
from scipy.ndimage import gaussian_filter1d
from torch import Tensor, nn

from heygem.models.motion import SpeechToMotion
from training.motion import COMPONENTS, STUDENTS, VARIANTS, WIDTH, measure, restoring_gain
from training.motion_lesson import MOTION_UNIT, Lesson, lesson_loss, predict, prepare_lesson, train
from training.motion_material import Material
from training.motion_scores import score, summary
from training.motion_teachers import allowed, everyone
from training.phones import KINDS
from training.speech_lips import Basis, trains_shipped_weights
from training.trial_bench import Bench

SPREAD_WEIGHT = 0.1
SPREAD_SMOOTH_FRAMES = 12.0
PHONE_WEIGHT, PHONE_SEEDS = 0.1, 3

log = logging.getLogger(__name__)


def try_spread(bench: Bench) -> None:
    """One net beside the same without a spread; then its range restored by its own doubt."""
    material, unseen = bench.material(trains_shipped_weights, VARIANTS), bench.unseen()
    lesson = prepare_lesson(material, bench.basis)
    pieces = allowed(material, lesson, everyone(material))
    _, steps = STUDENTS[-1]
    for name, extra, loss in (("no spread", 0, lesson_loss), ("with a spread", 1, spread_loss)):
        torch.manual_seed(0)
        net = SpeechToMotion(WIDTH, COMPONENTS + extra, 0.4, lesson.feature_shape).to(bench.device)
        train(net, lesson, pieces, steps, 0, loss)
        gain = measure(name, [net], lesson, unseen, bench.basis)
    _measure_doubt(net, lesson, unseen, bench.basis, gain)


def spread_loss(said: Tensor, frames: Tensor, real: Tensor, lesson: Lesson) -> Tensor:
    """The lesson's, and how unlikely the real opening is under the net's own spread (a normal one)."""
    count = lesson.motion.shape[1]
    loss = lesson_loss(said[..., : count + 1], frames, real, lesson)
    log_variance = said[..., count + 1].clamp(-8, 6)
    error = ((said[..., :count] - lesson.motion[frames]) @ lesson.opening).detach()
    weight = lesson.weight[frames] * real
    unlikely = (error.square() * torch.exp(-log_variance) + log_variance) / 2
    return loss + SPREAD_WEIGHT * (unlikely * weight).sum() / weight.sum()


def _measure_doubt(net: nn.Module, lesson: Lesson, unseen: Material, basis: Basis, gain: float) -> None:
    """Motion livelier where the net is unsure, as much as its spread says that a mean is too narrow."""
    wide = replace(lesson, motion=lesson.motion.new_zeros(1, COMPONENTS + 2))  # all that the net says
    raw = [predict(net, wide, unseen.plain(clip)).cpu().numpy() for clip in range(len(unseen.clips))]
    motions, doubts, errors = [], [], []
    row = basis.opening_row()
    for said, clip in zip(raw, unseen.clips, strict=True):
        motion, variance = said[:, :COMPONENTS], np.exp(np.clip(said[:, COMPONENTS + 1], -8, 6))
        opening, real = motion @ row, clip.motion[: len(motion)] @ row / MOTION_UNIT
        doubts.append(np.sqrt(variance.mean()))
        errors.append(np.sqrt(np.square(opening[: len(real)] - real).mean()))
        local = np.sqrt(1 + gaussian_filter1d(variance, SPREAD_SMOOTH_FRAMES) / opening.var())
        motions.append((motion * local[:, None]).astype(np.float32) * np.float32(MOTION_UNIT))
    log.info("doubt and error over clips: r %.3f", np.corrcoef(doubts, errors)[0, 1])
    restored = restoring_gain(motions, unseen.clips, basis)
    scores = [
        score(motion * restored, clip, basis) for motion, clip in zip(motions, unseen.clips, strict=True)
    ]
    log.info("range by doubt, gain %.2f after it: %s", restored, json.dumps(summary(scores, unseen.clips)))
    plain = [
        score(one[:, :COMPONENTS] * np.float32(MOTION_UNIT * gain), clip, basis)
        for one, clip in zip(raw, unseen.clips, strict=True)
    ]
    for name, some in (("one gain", plain), ("by doubt", scores)):
        off = float(np.mean([abs(np.log(one.range)) for one in some]))
        log.info("%s: mean of |log range| %.3f", name, off)


def try_phones(bench: Bench) -> None:
    """Three nets beside the same three that also learn to tell kinds of phones."""
    if bench.phones is None:
        raise SystemExit("The trial `phones` needs --phones FILE.npz, made by training/phones.py.")
    material, unseen = bench.material(trains_shipped_weights, VARIANTS), bench.unseen()
    lesson = prepare_lesson(material, bench.basis)
    with np.load(bench.phones) as stored:
        kinds = [
            torch.from_numpy(np.eye(len(KINDS), dtype=np.float32)[stored[clip.name]])
            for clip in material.clips
        ]
    heard = material.bend([track.to(bench.device) for track in kinds])  # (N,9) shares
    pieces = allowed(material, lesson, everyone(material))

    def phone_loss(said: Tensor, frames: Tensor, real: Tensor, lesson: Lesson) -> Tensor:
        motion_size = said.shape[2] - len(KINDS)
        loss = lesson_loss(said[..., :motion_size], frames, real, lesson)
        wrong = -(heard[frames] * said[..., motion_size:].log_softmax(-1)).sum(-1)
        weight = lesson.weight[frames] * real
        return loss + PHONE_WEIGHT * (wrong * weight).sum() / weight.sum()

    _, steps = STUDENTS[-1]
    for name, extra, loss in (("no phones", 0, lesson_loss), ("with phones", len(KINDS), phone_loss)):
        nets: list[nn.Module] = []
        for seed in range(PHONE_SEEDS):
            torch.manual_seed(seed)
            net = SpeechToMotion(WIDTH, COMPONENTS + extra, 0.4, lesson.feature_shape).to(bench.device)
            nets.append(train(net, lesson, pieces, steps, seed, loss))
            measure(f"{name}, seed {seed}", nets[-1:], lesson, unseen, bench.basis)
        measure(f"{name}, the mean", nets, lesson, unseen, bench.basis)
