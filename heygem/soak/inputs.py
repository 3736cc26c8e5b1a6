"""Short inputs, each of its own content."""

from pathlib import Path

import numpy as np

from heygem.assets.catalog import REHEARSAL_CLIP
from heygem.bench.inputs import cut_speech, cut_template
from heygem.soak import EngineName

SECONDS = {"tiny": 0.6, "mesh": 2.0}
STEP_SECONDS = 0.11  # between the starts of two cuts


def short_speeches(folder: Path, count: int, engine: EngineName) -> list[Path]:
    """Recordings of equal length, no two alike."""
    folder.mkdir(parents=True, exist_ok=True)
    starts = np.arange(count) * STEP_SECONDS
    return [cut_speech(folder, float(round(start, 2)), SECONDS[engine]) for start in starts]


def short_template(folder: Path, engine: EngineName) -> Path:
    """Half a second for the tiny engine, two seconds of 720p for the real one."""
    return REHEARSAL_CLIP if engine == "tiny" else cut_template(folder, 0.3, 2.0)
