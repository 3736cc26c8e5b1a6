"""Recorded outputs: what each model gave, in another process, on the fixed input of each of its shapes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file, save_file

from heygem.models.resident import FloatArray, Precision

GOLDEN_NAME = "golden.safetensors"
GOLDEN_PATTERN = "golden*.safetensors"
_MOST_VALUES = 4096


def fingerprint(output: npt.NDArray[Any]) -> FloatArray:
    """Some 4096 values at most, evenly spread over the whole output: (n,) float32, small to commit."""
    step = max(output.size // _MOST_VALUES, 1) | 1  # odd, so that it walks through all channels and layers
    return output.astype(np.float32).reshape(-1)[::step].copy()


def deviation(output: npt.NDArray[Any], golden: FloatArray) -> float:
    """Mean absolute difference over the golden's mean absolute value; infinite if shapes differ.

    A mean, because encoders have single values hundreds of times larger than the rest, in which rounding
    would hide what matters.
    """
    given = fingerprint(output)
    if given.shape != golden.shape:
        return float("inf")
    return float(np.abs(given - golden).mean() / np.abs(golden).mean())


def golden_path(folder: Path, precision: Precision) -> Path:
    """Quantised models have goldens of their own; the others are held to those of fp32."""
    return folder / (f"golden.{precision}.safetensors" if precision == "int8" else GOLDEN_NAME)


def read_goldens(folder: Path, precision: Precision = "fp32") -> Mapping[str, FloatArray]:
    """Fingerprint by bucket; empty if none were recorded."""
    path = golden_path(folder, precision)
    return load_file(path) if path.exists() else {}


def write_goldens(folder: Path, goldens: Mapping[str, FloatArray], precision: Precision = "fp32") -> None:
    """Record fingerprints by bucket."""
    save_file(dict(goldens), golden_path(folder, precision))
