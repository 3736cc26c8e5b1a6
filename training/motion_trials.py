"""What else might make the motion better, each idea beside the shipped recipe. From the project root:

    python -m training.motion_trials --clips DIR --encoder models/speech-encoder --trial NAME

| trial | what it does |
|---|---|
| shipped | the recipe of `training/motion.py` |
| all-clips | the same with clips of all licences; such weights must not ship |
| self-taught | the shipped clips, and of the others only the sound: teachers say how those mouths moved |
| style | nets are told how the speaker moves (six numbers of the clip), in training and in measuring |
| spread | nets also say how far the opening may be off; the range is restored where they are unsure |
| phones | nets also say what kind of phone a recogniser hears, as `training/phones.py` wrote it |

Writes nothing; figures on the validation clips go to the log.
"""

import argparse
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from heygem.models.motion import UPPER_LIP
from heygem.templates.canonical import MOUTH_CORNERS
from training.encoders import load_encoder
from training.motion import (
    COMPONENTS,
    MEAN,
    VARIANTS,
    measure,
    train_all,
    train_students,
)
from training.motion_extras import try_phones, try_spread
from training.motion_lesson import (
    MOTION_UNIT,
    Lesson,
    prepare_lesson,
    typical_motion,
)
from training.motion_material import Material, Piece
from training.motion_teachers import (
    Fold,
    agree,
    ask_teachers,
    stretched,
    teachers_by_fold,
)
from training.speech_lips import (
    Basis,
    Clip,
    Floats,
    is_of_any_licence,
    load_basis,
    trains_shipped_weights,
)
from training.trial_bench import Bench

FEWER_VARIANTS = 5  # of each clip where there are many
PSEUDO_TRUST = 0.6  # of what teachers say of a clip that nobody has seen
STYLE_SEED = 11

log = logging.getLogger(__name__)


def main() -> None:
    """Make one trial."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clips", type=Path, required=True, help="folder with INDEX.tsv")
    parser.add_argument("--encoder", type=Path, required=True, help="folder of the speech encoder")
    parser.add_argument("--trial", choices=TRIALS, required=True)
    parser.add_argument(
        "--phones", type=Path, help="kinds of phones of every clip, for the trial of that name"
    )
    asked = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    encoder = load_encoder(asked.encoder, device)
    basis = load_basis(asked.clips, COMPONENTS)
    TRIALS[asked.trial](Bench(asked.clips, encoder, basis, device, asked.phones))


def try_shipped(bench: Bench) -> None:
    """The recipe as it is."""
    _train_and_measure(bench, bench.material(trains_shipped_weights, VARIANTS), bench.unseen())


def try_all_clips(bench: Bench) -> None:
    """The recipe on four times as many minutes."""
    _train_and_measure(bench, bench.material(is_of_any_licence, FEWER_VARIANTS), bench.unseen())


def _train_and_measure(bench: Bench, material: Material, unseen: Material) -> None:
    lesson = prepare_lesson(material, bench.basis)
    nets = train_all(material, lesson)
    measure(MEAN, nets[MEAN], lesson, unseen, bench.basis)


def try_self_taught(bench: Bench) -> None:
    """Clips whose lips nobody looked at, as twenty teachers think they moved."""
    seen = bench.material(trains_shipped_weights, VARIANTS)
    heard = bench.material(
        lambda row: is_of_any_licence(row) and not trains_shipped_weights(row), FEWER_VARIANTS
    )
    lesson = prepare_lesson(seen, bench.basis)
    folds = list(teachers_by_fold(seen, lesson))
    opinions = ask_teachers(seen, lesson, folds)
    order = np.argsort([clip.opening.std() for clip in seen.clips])
    usual = typical_motion(seen.clips)[int(order[len(order) // 2])]
    guesses = _guesses(heard, lesson, folds, usual)
    pseudo = [_as_guessed(*one, bench.basis) for one in zip(heard.clips, guesses, strict=True)]
    count = len(seen.clips)
    moved = [replace(piece, clip=piece.clip + count) for piece in heard.pieces]
    both = Material([*seen.clips, *pseudo], [*seen.pieces, *moved])
    lesson = prepare_lesson(both, bench.basis)
    nets = train_students(both, lesson, [*opinions, *_typical(pseudo, lesson)])
    measure("self-taught", nets, lesson, bench.unseen(), bench.basis)


def _guesses(heard: Material, lesson: Lesson, folds: Sequence[Fold], usual: Floats) -> list[Tensor]:
    """(T,K) of each clip by all teachers, at the spread of opening of the usual (T,K) motion."""
    return [
        stretched(
            torch.stack([agree(teachers, lesson, heard, clip) for teachers, _ in folds]).mean(0),
            usual,
            lesson,
        )
        for clip in range(len(heard.clips))
    ]


def _as_guessed(clip: Clip, guess: Tensor, basis: Basis) -> Clip:
    """The clip with lips that only the teachers have seen."""
    motion = guess.cpu().numpy() * np.float32(MOTION_UNIT)
    opening = np.maximum(motion @ basis.opening_row(), 0)
    return replace(clip, motion=motion, opening=opening, trust=PSEUDO_TRUST)


def _typical(clips: Sequence[Clip], lesson: Lesson) -> list[Tensor]:
    return [torch.from_numpy(motion).to(lesson.motion) for motion in typical_motion(clips)]


def try_style(bench: Bench) -> None:
    """The clip's style is one more layer of its features: six numbers, each along a direction of its own."""
    material = bench.material(trains_shipped_weights, VARIANTS)
    styles = np.array([style_of(clip, bench.basis) for clip in material.clips])
    mean, std = styles.mean(0), styles.std(0)
    told, unseen = (_told(some, bench.basis, mean, std) for some in (material, bench.unseen()))
    _train_and_measure(bench, told, unseen)


def style_of(clip: Clip, basis: Basis) -> NDArray[np.float32]:
    """(6,): how far the mouth opens, its mean opening, width and roundness with their spreads."""
    opening = clip.motion @ basis.opening_row()
    left, right, middle = (basis.vertex(landmark) for landmark in (*MOUTH_CORNERS, UPPER_LIP))
    width = clip.motion @ (basis.components[:, right, 0] - basis.components[:, left, 0])
    forward = clip.motion @ basis.components[:, middle, 2]
    spreads = [np.log(track.std() + 1e-4) for track in (opening, width, forward)]
    return np.array([*spreads, opening.mean(), width.mean(), forward.mean()], np.float32)


def _told(
    material: Material, basis: Basis, mean: NDArray[np.floating], std: NDArray[np.floating]
) -> Material:
    """The material with the style before its layers, so that every kind of net can read it."""
    rng = np.random.default_rng(STYLE_SEED)
    directions = rng.standard_normal((len(mean), material.pieces[0].features.shape[2]))
    pieces: list[Piece] = []
    for piece in material.pieces:
        style = np.clip((style_of(material.clips[piece.clip], basis) - mean) / std, -2, 2) @ directions
        layer = torch.from_numpy(style).to(piece.features).expand(len(piece.features), 1, -1)
        pieces.append(replace(piece, features=torch.cat([layer, piece.features], 1)))
    return Material(material.clips, pieces)


TRIALS: dict[str, Callable[[Bench], None]] = {
    "shipped": try_shipped,
    "all-clips": try_all_clips,
    "self-taught": try_self_taught,
    "style": try_style,
    "spread": try_spread,
    "phones": try_phones,
}

if __name__ == "__main__":
    main()
