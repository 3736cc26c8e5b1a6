"""Teachers of different kinds: their mean knows more of a clip than each of them, and none saw its people."""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from heygem.models.motion import SpeechToMotion
from training.motion_lesson import Lesson, predict, train, typical_motion
from training.motion_material import Material
from training.motion_nets import ConvTeacher, RidgeTeacher, WindowTeacher
from training.speech_lips import Clip

FOLDS = 4
TEACHER_STEPS = 900

log = logging.getLogger(__name__)


# Teachers, and the clips whose people they never saw.
Fold = tuple[list[nn.Module], list[int]]


def ask_teachers(material: Material, lesson: Lesson, folds: Iterable[Fold]) -> list[Tensor]:
    """(T,K) for each clip: the mean of teachers trained without its people, at its own spread of opening."""
    real = typical_motion(material.clips)
    opinions: dict[int, Tensor] = {}
    for teachers, strangers in folds:
        for clip in strangers:
            opinions[clip] = stretched(agree(teachers, lesson, material, clip), real[clip], lesson)
    return [opinions[clip] for clip in range(len(material.clips))]


def teachers_by_fold(material: Material, lesson: Lesson) -> Iterator[Fold]:
    """Every clip comes once among those that teachers never saw."""
    fold_of = fold_of_clips(material.clips)
    for fold in range(FOLDS):
        yield (
            train_teachers(material, lesson, fold_of != fold, seed=fold),
            np.flatnonzero(fold_of == fold).tolist(),
        )
        log.info("teachers of fold %d of %d are trained", fold + 1, FOLDS)


def fold_of_clips(clips: Sequence[Clip]) -> NDArray[np.int64]:
    """(clips,) which fold each clip is in; people and sounds stay together, folds are of like length."""
    frames: dict[str, int] = {}
    for clip in clips:
        frames[clip.group] = frames.get(clip.group, 0) + len(clip.motion)
    filled = [0] * FOLDS
    fold_of: dict[str, int] = {}
    for group, count in sorted(frames.items(), key=lambda item: (-item[1], item[0])):
        fold_of[group] = filled.index(min(filled))
        filled[fold_of[group]] += count
    return np.array([fold_of[clip.group] for clip in clips])


def train_teachers(
    material: Material, lesson: Lesson, chosen: NDArray[np.bool_], seed: int
) -> list[nn.Module]:
    """One net of each kind and a ridge regression, from the chosen (clips,)."""
    component_count, features = lesson.motion.shape[1], lesson.feature_shape
    kinds: tuple[Callable[[], nn.Module], ...] = (
        lambda: SpeechToMotion(256, component_count, dropout=0.45, features=features),
        lambda: SpeechToMotion(384, component_count, dropout=0.5, features=features),
        lambda: ConvTeacher(features, component_count),
        lambda: WindowTeacher(features, component_count),
    )
    teachers: list[nn.Module] = [fit_ridge(material, lesson, chosen)]
    for make in kinds:
        torch.manual_seed(seed)
        net = make().to(lesson.motion.device)
        teachers.append(train(net, lesson, allowed(material, lesson, chosen), TEACHER_STEPS, seed))
    return teachers


def everyone(material: Material) -> NDArray[np.bool_]:
    """(clips,) all of them chosen."""
    return np.ones(len(material.clips), bool)


def allowed(material: Material, lesson: Lesson, chosen: NDArray[np.bool_]) -> Tensor:
    """(P,) 1 for the pieces of the chosen (clips,), else 0."""
    return torch.tensor([float(chosen[piece.clip]) for piece in material.pieces], device=lesson.motion.device)


def fit_ridge(material: Material, lesson: Lesson, chosen: NDArray[np.bool_]) -> RidgeTeacher:
    """A ridge regression from the chosen (clips,) as they are."""
    tracks = typical_motion(material.clips)
    examples = []
    for piece in material.pieces:
        if piece.is_plain and chosen[piece.clip]:
            features = (piece.features[: 2 * piece.spoken].float() - lesson.mean) / lesson.std
            motion = torch.from_numpy(tracks[piece.clip][piece.start : piece.start + piece.spoken])
            examples.append((features, motion.to(features.device), material.clips[piece.clip].trust))
    return RidgeTeacher.fit(examples)


def agree(teachers: Sequence[nn.Module], lesson: Lesson, material: Material, clip: int) -> Tensor:
    """(T,K) mean of the teachers on one clip, each brought to the same spread of opening first."""
    said = [predict(teacher, lesson, material.plain(clip)) for teacher in teachers]
    spreads = torch.stack([(motion @ lesson.opening).std() for motion in said])  # (teachers,)
    factors = spreads.mean() / spreads
    return (torch.stack(said) * factors[:, None, None]).mean(0)


def stretched(opinion: Tensor, real: NDArray[np.float32], lesson: Lesson) -> Tensor:
    """(T,K) with the opening's spread of the real (T,K) motion, about its own mean.

    A mean of possible motions is narrower than each of them. Stretched about its mean, it closes lips again.
    """
    spread = (torch.from_numpy(real).to(opinion) @ lesson.opening).std()
    factor = (spread / (opinion @ lesson.opening).std()).clamp(1.0, 2.0)
    mean = opinion.mean(0)
    return mean + (opinion - mean) * factor
