"""Trains the motion net of `models/motion` and measures it, on one GPU in three minutes. From the root:

    python -m training.motion --clips DIR --encoder models/speech-encoder --out DIR

1. Every clip becomes encoder states, as it is and in random variants, windowed as in the product.
2. Teachers of four kinds are trained three times, each time without a third of the people, so that every clip
   has an opinion of teachers that never saw it.
3. One small net learns from the real motion and from the teachers' mean.
4. It is measured on the validation clips and written with the gain that restores the range of real speech.

`--clips` is described in `speech_lips.py`. Writes `model.safetensors`, which `measure_motion.py` measures.
"""

import argparse
import json
import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import nn

from heygem.models.motion import SpeechToMotion
from heygem.models.resident import LoadContext
from heygem.models.speech import WhisperEncoder
from training.motion_lesson import MOTION_UNIT, Lesson, predict, prepare_lesson, train
from training.motion_material import Material, encode_clips
from training.motion_scores import score, summary
from training.motion_teachers import TEACHER_STEPS, allowed, ask_teachers, fit_ridge
from training.speech_lips import Basis, Clip, is_validation, load_basis, load_clips, trains_shipped_weights

COMPONENTS = 32
WIDTH = 256
VARIANTS = 12  # random variants of each training clip, beside the clip itself
STUDENT_STEPS = 1500

NET = "the net"

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
    encoder = WhisperEncoder(LoadContext(paths.encoder, device, "fp32"))
    basis = load_basis(paths.clips, COMPONENTS)
    clips = load_clips(paths.clips, COMPONENTS, trains_shipped_weights)
    material = encode_clips(clips, encoder, VARIANTS, seed=0, device=device)
    log.info("%d clips in %d pieces", len(clips), len(material.pieces))
    lesson = prepare_lesson(material, basis)
    nets = train_all(material, lesson)
    unseen = encode_clips(
        load_clips(paths.clips, COMPONENTS, is_validation), encoder, 0, seed=0, device=device
    )
    gains = {name: measure(name, net, lesson, unseen, basis) for name, net in nets.items()}
    write_model(paths.out / "model.safetensors", nets[NET], lesson, basis, gains[NET])


def train_all(material: Material, lesson: Lesson) -> dict[str, nn.Module]:
    """The net, and two rivals that learn from the real motion alone."""
    everything = np.ones(len(material.clips), bool)
    pieces = allowed(material, lesson, everything)

    def gru(lesson: Lesson, steps: int) -> SpeechToMotion:
        torch.manual_seed(0)
        net = SpeechToMotion(WIDTH, COMPONENTS, dropout=0.4).to(lesson.motion.device)
        return train(net, lesson, pieces, steps, seed=0)

    taught = replace(lesson, opinion=material.bend(ask_teachers(material, lesson)))
    return {
        NET: gru(taught, STUDENT_STEPS),
        "same net without teachers": gru(lesson, TEACHER_STEPS),
        "ridge regression": fit_ridge(material, lesson, everything),
    }


def say(net: nn.Module, lesson: Lesson, unseen: Material) -> list[NDArray[np.float32]]:
    """(T,K) of every clip in canonical units, before the gain."""
    said = [predict(net, lesson, unseen.plain(clip)) for clip in range(len(unseen.clips))]
    return [motion.cpu().numpy() * np.float32(MOTION_UNIT) for motion in said]


def restoring_gain(said: Sequence[NDArray[np.float32]], clips: Sequence[Clip], basis: Basis) -> float:
    """What brings the median spread of opening to that of the real speakers among the clips."""
    pairs = [(motion, clip) for motion, clip in zip(said, clips, strict=True) if not clip.generated]
    ours = np.median([(motion @ basis.opening_row()).std() for motion, _ in pairs])
    return float(np.median([clip.opening.std() for _, clip in pairs]) / ours)


def measure(name: str, net: nn.Module, lesson: Lesson, unseen: Material, basis: Basis) -> float:
    """The gain that restores the net's range; with it, all figures on clips it never saw go to the log."""
    said = say(net, lesson, unseen)
    gain = restoring_gain(said, unseen.clips, basis)
    scores = [score(motion * gain, clip, basis) for motion, clip in zip(said, unseen.clips, strict=True)]
    log.info("%s, gain %.2f: %s", name, gain, json.dumps(summary(scores, unseen.clips)))
    return gain


def write_model(path: Path, net: nn.Module, lesson: Lesson, basis: Basis, gain: float) -> None:
    """What `heygem.models.motion` reads: gain and unit folded into the last layer, weights in float16."""
    weights = {name: tensor.detach().clone() for name, tensor in net.state_dict().items()}
    for name in ("leave.weight", "leave.bias"):
        weights[name] *= MOTION_UNIT * gain
    halves = {f"net.{name}": tensor.half().cpu().contiguous() for name, tensor in weights.items()}
    statistics = {"net.feature_mean": lesson.mean.cpu(), "net.feature_std": lesson.std.cpu()}
    shapes = {
        "components": torch.from_numpy(basis.components),
        "vertex_ids": torch.from_numpy(basis.vertex_ids),
    }
    save_file(halves | statistics | shapes, path, metadata={"gain": f"{gain:.4f}", "licence": "Apache-2.0"})


if __name__ == "__main__":
    main()
