"""Kinds of phones that a recogniser hears in the clips, frame by frame. From the project root:

    python -m training.phones --clips DIR --out FILE.npz

Needs hama (`pip install hama==1.7.0`, Apache-2.0), which neither the product nor any other training needs.
The file has (T,) uint8 for every clip that may train shipped weights, at 25 per second: places in `KINDS`.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.speech_lips import SAMPLES_PER_FRAME, load_clips, trains_shipped_weights

# What can be told from the lips. A phone belongs where its first letter stands, or else to the last kind.
KINDS = (
    "",  # silence
    "pbmɓɸβ",  # lips touch
    "fvɱʋ",  # lip on teeth
    "wuoɔʊyøœɥɒ",  # rounded
    "aæɑɐʌäã",  # wide open
    "iɪeɛjɨ",  # spread
    "ʃʒɹɝɚrɻʂʐɕʑ",  # pushed forward a little
    "tdsznlθðɾɲ",  # tongue and teeth
    "kgŋhɡxɣəʔ",  # the throat: lips do as their neighbours do
)
FORWARD = ("t͡ʃ", "d͡ʒ", "t͡ɕ")  # two letters that sound like the second
SPIKE_STEPS, STEPS_PER_FRAME = 10, 2  # a phone is heard within 200 ms; the recogniser hears 50 times a second


def main() -> None:
    """Listen to every clip."""
    from hama import ASRModel

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clips", type=Path, required=True, help="folder with INDEX.tsv")
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    recogniser = ASRModel()
    found: dict[str, NDArray[np.uint8]] = {}
    for clip in load_clips(asked.clips, 1, trains_shipped_weights):
        heard = recogniser.transcribe_waveform(clip.samples, 25 * SAMPLES_PER_FRAME)
        steps = kinds_of(heard.frame_token_ids, recogniser.decoder_tokens, recogniser.blank_id)
        found[clip.name] = at_frames(steps, len(clip.motion))
    np.savez_compressed(asked.out, **found)


def kind_of(phone: str) -> int:
    """Which of `KINDS` a phone, in IPA, belongs to."""
    if phone.startswith(FORWARD):
        return 6
    places = [kind for kind, letters in enumerate(KINDS) if phone[:1] and phone[0] in letters]
    return places[0] if places else len(KINDS) - 1


def kinds_of(tokens: Sequence[int], names: Sequence[str], blank: int) -> NDArray[np.uint8]:
    """(S,) tokens of a CTC recogniser, mostly blank, -> (S,) kinds: each lasts until the next, or 200 ms."""
    kinds, since, kind = np.zeros(len(tokens), np.uint8), SPIKE_STEPS, 0
    for step, token in enumerate(tokens):
        if token != blank and not names[token].startswith("<"):
            since, kind = 0, kind_of(names[token])
        kinds[step] = kind if since < SPIKE_STEPS else 0
        since += 1
    return kinds


def at_frames(steps: NDArray[np.uint8], count: int) -> NDArray[np.uint8]:
    """(S,) at 50 per second -> (count,) at 25; silence where nothing was heard any more."""
    frames = steps[::STEPS_PER_FRAME][:count]
    return np.pad(frames, (0, count - len(frames)))


if __name__ == "__main__":
    main()
