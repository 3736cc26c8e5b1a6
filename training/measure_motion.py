"""Measures the shipped motion net through the product's own code, before any rendering. From the root:

    python -m training.measure_motion --clips DIR --models models --out FILE.json

Correlations, range, jitter and closures on clips of people it never saw; lips that stay open in a pause or in
silence; and the time it takes on one CPU thread. What the
engine does with it afterwards, pauses and sharper turns, is left out.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from heygem.engines.mesh.speech_motion import predict_steps
from heygem.media.types import Waveform
from heygem.models.motion import MotionNet
from heygem.models.resident import LoadContext, warm_noise
from heygem.models.speech import RATE_HZ, WhisperEncoder
from training.motion_scores import open_share, score, summary
from training.speech_lips import (
    SAMPLES_PER_FRAME,
    Basis,
    Clip,
    Floats,
    is_validation,
    load_basis,
    load_clips,
)

SETTLED_FRAMES = 5  # after 200 ms of silence the mouth must be closed
Speak = Callable[[Floats], NDArray[np.float32]]  # sound (n,) -> coefficients (T,K)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clips", type=Path, required=True, help="folder with INDEX.tsv")
    parser.add_argument("--models", type=Path, default=Path("models"))
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write")
    paths = parser.parse_args()
    torch.set_num_threads(1)
    cpu = torch.device("cpu")
    net = MotionNet(paths.models / "motion" / "model.safetensors", cpu)
    encoder = WhisperEncoder(LoadContext(paths.models / "speech-encoder", cpu, "fp32"))
    basis = load_basis(paths.clips, len(net.components))
    clips = load_clips(paths.clips, len(net.components), is_validation)

    def speak(samples: Floats) -> NDArray[np.float32]:
        return predict_steps(Waveform(samples, RATE_HZ), encoder, net).astype(np.float32)

    figures: dict[str, object] = dict(
        summary([score(speak(clip.samples), clip, basis) for clip in clips], clips)
    )
    figures["open_in_pause"] = float(np.mean([open_in_pause(speak, clip, basis) for clip in clips]))
    figures["open_in_silence"] = open_share(speak(np.zeros(8 * RATE_HZ, np.float32))[SETTLED_FRAMES:], basis)
    figures["milliseconds_per_second"] = milliseconds_per_second(net)
    paths.out.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def open_in_pause(speak: Speak, clip: Clip, basis: Basis) -> float:
    """Share of frames with open lips, from 200 ms into a second of digital silence put amid the clip."""
    middle = len(clip.motion) // 2
    before, after = np.split(clip.samples, [middle * SAMPLES_PER_FRAME])
    motion = speak(np.concatenate([before, np.zeros(RATE_HZ, np.float32), after]))
    return open_share(motion[middle + SETTLED_FRAMES : middle + RATE_HZ // SAMPLES_PER_FRAME], basis)


def milliseconds_per_second(net: MotionNet) -> float:
    """Time of the net alone for one second of sound, on one thread, in windows of 16 s."""
    features = torch.from_numpy(warm_noise((16 * 50, 6, 512), seed=1))
    net.predict(features)
    started = time.perf_counter()
    for _ in range(5):
        net.predict(features)
    return round((time.perf_counter() - started) / (5 * 16) * 1000, 2)


if __name__ == "__main__":
    main()
