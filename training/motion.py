"""Trains the motion net of `models/motion` and measures it, on one GPU in three minutes. From the root:

    python -m training.motion --clips DIR --encoder models/speech-encoder --out DIR

1. Every clip becomes encoder states, as it is and in random variants, windowed as in the product.
2. Teachers of five kinds are trained four times, each time without a quarter of the people, so every clip
   has an opinion of teachers that never saw it.
3. Three small nets learn from the real motion and, each to another extent, from the teachers' mean.
4. It is measured on the validation clips and written with the gain that restores the range of real speech.

`--encoder` may also be a folder with a Wav2Vec 2.0 or HuBERT encoder as transformers stores it; the net then
belongs to that encoder. `--clips` is described in `speech_lips.py`. Writes `model.safetensors`, which
`measure_motion.py` measures.
"""

import argparse
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor, nn

from heygem.models.motion import SpeechToMotion
from training.encoders import load_encoder
from training.motion_lesson import MOTION_UNIT, Lesson, predict, prepare_lesson, train
from training.motion_material import Material, encode_clips
from training.motion_scores import score, summary
from training.motion_teachers import allowed, ask_teachers, everyone, fit_ridge, teachers_by_fold
from training.speech_lips import Basis, Clip, is_validation, load_basis, load_clips, trains_shipped_weights

COMPONENTS = 32
WIDTH = 256
VARIANTS = 16  # random variants of each training clip, beside the clip itself
# Each net of the mean: how far it learns from the teachers rather than from the real lips, and its steps.
STUDENTS = ((0.65, 1500), (0.35, 1200), (0.0, 900))

MEAN = "the mean"

log = logging.getLogger(__name__)


def main() -> None:
    """Train, measure, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clips", type=Path, required=True, help="folder with INDEX.tsv")
    parser.add_argument("--encoder", type=Path, required=True, help="folder of the speech encoder")
    parser.add_argument("--out", type=Path, required=True, help="existing folder to write to")
    paths = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    encoder = load_encoder(paths.encoder, device)
    basis = load_basis(paths.clips, COMPONENTS)
    clips = load_clips(paths.clips, COMPONENTS, trains_shipped_weights)
    material = encode_clips(clips, encoder, VARIANTS, seed=0, device=device)
    log.info("%d clips in %d pieces", len(clips), len(material.pieces))
    lesson = prepare_lesson(material, basis)
    nets = train_all(material, lesson)
    unseen = encode_clips(
        load_clips(paths.clips, COMPONENTS, is_validation), encoder, 0, seed=0, device=device
    )
    gains = {name: measure(name, some, lesson, unseen, basis) for name, some in nets.items()}
    tensors = {"closing": torch.from_numpy(closing_motion(clips, basis))}
    write_model(paths.out / "model.safetensors", nets[MEAN], lesson, basis, gains[MEAN], tensors)


def train_all(material: Material, lesson: Lesson) -> dict[str, list[nn.Module]]:
    """The nets whose mean is shipped, each of them alone, and ridge regression."""
    opinions = ask_teachers(material, lesson, teachers_by_fold(material, lesson))
    students = train_students(material, lesson, opinions)
    alone = {
        f"taught {share:.0%} by teachers": [net] for (share, _), net in zip(STUDENTS, students, strict=True)
    }
    return {MEAN: students, **alone, "ridge regression": [fit_ridge(material, lesson, everyone(material))]}


def train_students(material: Material, lesson: Lesson, opinions: Sequence[Tensor]) -> list[nn.Module]:
    """The nets whose mean is shipped; `opinions` are the teachers' of each clip, (T,K)."""
    pieces, opinion = allowed(material, lesson, everyone(material)), material.bend(opinions)
    students: list[nn.Module] = []
    for seed, (share, steps) in enumerate(STUDENTS):
        torch.manual_seed(seed)
        net = SpeechToMotion(WIDTH, COMPONENTS, 0.4, lesson.feature_shape).to(lesson.motion.device)
        taught = replace(lesson, opinion=opinion if share else None, opinion_share=share)
        students.append(train(net, taught, pieces, steps, seed))
    return students


def say(nets: Sequence[nn.Module], lesson: Lesson, unseen: Material) -> list[NDArray[np.float32]]:
    """(T,K) of every clip in canonical units, the mean of the nets, before the gain."""
    said = [
        torch.stack([predict(net, lesson, unseen.plain(clip)) for net in nets]).mean(0)
        for clip in range(len(unseen.clips))
    ]
    return [motion.cpu().numpy() * np.float32(MOTION_UNIT) for motion in said]


def restoring_gain(said: Sequence[NDArray[np.float32]], clips: Sequence[Clip], basis: Basis) -> float:
    """What brings the median spread of opening to that of the real speakers among the clips."""
    pairs = [(motion, clip) for motion, clip in zip(said, clips, strict=True) if not clip.generated]
    ours = np.median([(motion @ basis.opening_row()).std() for motion, _ in pairs])
    return float(np.median([clip.opening.std() for _, clip in pairs]) / ours)


def closing_motion(clips: Sequence[Clip], basis: Basis) -> NDArray[np.float32]:
    """(K,) what real faces do for one unit of opening, by least squares."""
    motion = np.concatenate([clip.motion for clip in clips])
    opening = motion @ basis.opening_row()
    slope = opening @ motion
    return np.asarray(slope / (slope @ basis.opening_row()), dtype=np.float32)


def measure(name: str, one: Sequence[nn.Module], lesson: Lesson, unseen: Material, basis: Basis) -> float:
    """The gain that restores the net's range; with it, all figures on clips it never saw go to the log."""
    said = say(one, lesson, unseen)
    gain = restoring_gain(said, unseen.clips, basis)
    scores = [score(motion * gain, clip, basis) for motion, clip in zip(said, unseen.clips, strict=True)]
    log.info("%s, gain %.2f: %s", name, gain, json.dumps(summary(scores, unseen.clips)))
    return gain


def write_model(
    path: Path,
    nets: Sequence[nn.Module],
    lesson: Lesson,
    basis: Basis,
    gain: float,
    more: Mapping[str, torch.Tensor],
) -> None:
    """What `heygem.models.motion` reads: gain and unit folded into the last layer, weights in float16."""
    halves: dict[str, torch.Tensor] = {}
    for number, net in enumerate(nets):
        weights = {name: tensor.detach().float().clone() for name, tensor in net.state_dict().items()}
        for name in ("leave.weight", "leave.bias"):
            weights[name][:COMPONENTS] *= MOTION_UNIT * gain
        halves |= {f"net{number}.{name}": tensor.half().cpu() for name, tensor in weights.items()}
        halves[f"net{number}.feature_mean"] = lesson.mean.cpu()
        halves[f"net{number}.feature_std"] = lesson.std.cpu()
    shapes = {
        "components": torch.from_numpy(basis.components),
        "vertex_ids": torch.from_numpy(basis.vertex_ids),
    }
    tensors = {name: tensor.clone().contiguous() for name, tensor in (halves | shapes | dict(more)).items()}
    save_file(tensors, path, metadata={"gain": f"{gain:.4f}", "licence": "Apache-2.0"})


if __name__ == "__main__":
    main()
