"""Clips of talking faces as training material: mouth motion, its sound, and how far to trust them.

A folder of clips holds INDEX.tsv (one line per clip), tracks.npz (id -> (T,64) coefficients of the face's
absolute shape at 25 frames per second), neutral.npz (id -> (265,3) the clip's own closed face), basis.npz
(the shapes) and audio/<id>.opus (16 kHz mono, 640 samples per frame).
"""

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from heygem.models.motion import LOWER_LIP, UPPER_LIP, opening_row

SAMPLES_PER_FRAME = 640
CLOSED_SHARE = 0.12  # of the clip's 95th percentile of opening: below it the mouth counts as closed

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Basis:
    """Lower-face shapes in canonical units: `components` (K,265,3), `mean` (265,3), `vertex_ids` (265,)."""

    mean: Floats
    components: Floats
    vertex_ids: NDArray[np.int64]
    eye_corners: float  # distance of the outer eye corners, the unit E of all ratios

    def vertex(self, landmark: int) -> int:
        """Which of the 265 vertices a landmark number is."""
        return int(np.flatnonzero(self.vertex_ids == landmark)[0])

    def opening_row(self) -> Floats:
        """(K,): how much each coefficient opens the mouth."""
        return opening_row(self.components, self.vertex_ids)


@dataclass(frozen=True, slots=True)
class Clip:
    """One talking face. `motion` is displacement from the clip's closed face as coefficients of the basis."""

    name: str
    split: str
    group: str  # clips of one group share a person or a sound
    language: str
    generated: bool  # lips or voice were made by a model
    trust: float  # 0.1-1, from how well lips and sound agree
    samples: Floats  # (640 T,) 16 kHz
    motion: Floats  # (T,K)
    opening: Floats  # (T,) lip gap, canonical units

    @property
    def closed(self) -> NDArray[np.bool_]:
        """(T,) frames whose lips count as touching."""
        return self.opening < CLOSED_SHARE * np.percentile(self.opening, 95)


def load_basis(folder: Path, component_count: int | None = None) -> Basis:
    """The first shapes of the folder's basis; all of them by default."""
    stored = np.load(folder / "basis.npz")
    return Basis(
        mean=stored["mean"].astype(np.float32),
        components=stored["components"][:component_count].astype(np.float32),
        vertex_ids=stored["vertex_ids"].astype(np.int64),
        eye_corners=float(stored["eye_corners"]),
    )


def read_rows(folder: Path, wanted: Callable[[Mapping[str, str]], bool]) -> list[dict[str, str]]:
    """The lines of INDEX.tsv that are `wanted`."""
    with (folder / "INDEX.tsv").open(encoding="utf-8") as index:
        return [row for row in csv.DictReader(index, delimiter="\t", quoting=csv.QUOTE_NONE) if wanted(row)]


def load_clips(folder: Path, component_count: int, wanted: Callable[[Mapping[str, str]], bool]) -> list[Clip]:
    """Every clip of INDEX.tsv whose row is `wanted`, sound and motion aligned."""
    rows = read_rows(folder, wanted)
    full = load_basis(folder)
    with np.load(folder / "tracks.npz") as tracks, np.load(folder / "neutral.npz") as neutrals:
        return [_load_clip(folder, row, full, component_count, tracks, neutrals) for row in rows]


def trains_shipped_weights(row: Mapping[str, str]) -> bool:
    """A training clip whose licence lets weights learnt from it ship, and whose sound belongs to its lips."""
    return row["split"] == "train" and row["bundle"] == "yes" and float(row["sync"]) > 0.1


def is_of_any_licence(row: Mapping[str, str]) -> bool:
    """A training clip of any licence, for study: weights learnt from all of them must not ship."""
    return row["split"] == "train" and float(row["sync"]) > 0.1


def is_validation(row: Mapping[str, str]) -> bool:
    """A clip of people and sounds that no training clip has; measured on, never learnt from."""
    return row["split"] == "val"


def _load_clip(
    folder: Path,
    row: Mapping[str, str],
    basis: Basis,
    component_count: int,
    tracks: Mapping[str, Any],
    neutrals: Mapping[str, Any],
) -> Clip:
    coefficients = tracks[row["id"]].astype(np.float32)  # (T,64) absolute shape
    lower, upper = basis.vertex(LOWER_LIP), basis.vertex(UPPER_LIP)
    lips = np.tensordot(coefficients, basis.components[:, [lower, upper]], 1) + basis.mean[[lower, upper]]
    opening = np.linalg.norm(lips[:, 0] - lips[:, 1], axis=1)  # (T,2,3) -> (T,)
    rest = basis.components.reshape(len(basis.components), -1) @ (neutrals[row["id"]] - basis.mean).reshape(
        -1
    )  # (64,)
    samples, _ = soundfile.read(folder / "audio" / f"{row['id']}.opus", dtype="float32")
    lag_frames, trust = _alignment(row)
    motion, opening, samples = _align(
        lag_frames, (coefficients - rest)[:, :component_count], opening, samples
    )
    return Clip(
        name=row["id"],
        split=row["split"],
        group=row["group"],
        language=row["language"],
        generated=row["generated"] == "1",
        trust=trust,
        samples=samples,
        motion=motion,
        opening=opening,
    )


def _alignment(row: Mapping[str, str]) -> tuple[int, float]:
    """Frames the mouth is later than the sound, where that is sure, and the clip's trust."""
    sync, best = float(row["sync"]), float(row["best_corr"])
    sure = best >= 0.4 and best - sync >= 0.05
    lag_frames = round(25 * float(row["best_lag_seconds"])) if sure else 0
    agreement = best if lag_frames else sync
    return lag_frames, float(np.clip((agreement - 0.05) / 0.4, 0.1, 1.0))


def _align(lag: int, motion: Floats, opening: Floats, samples: Floats) -> tuple[Floats, Floats, Floats]:
    """Pair frame i of the sound with frame i + lag of the track, and cut what has no partner."""
    if lag >= 0:
        motion, opening = motion[lag:], opening[lag:]
    else:
        samples = samples[-lag * SAMPLES_PER_FRAME :]
    count = min(len(motion), len(samples) // SAMPLES_PER_FRAME)
    return motion[:count], opening[:count], samples[: count * SAMPLES_PER_FRAME]
