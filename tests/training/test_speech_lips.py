"""Reading clips: sound and lips are paired as the index says, and nothing that may not ship is trained on."""

import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import soundfile

from training.speech_lips import SAMPLES_PER_FRAME, is_validation, load_clips, trains_shipped_weights

FRAMES = 50
ROW = {
    "id": "c1",
    "split": "train",
    "bundle": "yes",
    "group": "g1",
    "language": "en",
    "generated": "1",
    "sync": "0.3",
    "best_corr": "0.5",
    "best_lag_seconds": "0.08",
}


def write_clips(folder: Path, row: Mapping[str, str]) -> Path:
    """One clip of two shapes; coefficient 0 opens the mouth and counts the frames."""
    with (folder / "INDEX.tsv").open("w", encoding="utf-8", newline="") as index:
        writer = csv.DictWriter(index, list(row), delimiter="\t")
        writer.writeheader()
        writer.writerow(row)
    components = np.zeros((2, 2, 3))
    components[0, 1, 1], components[1, 0, 0] = 1, 1
    mean = np.array([[0, 0, 0], [0, 0.5, 0]])
    np.savez(folder / "basis.npz", mean=mean, components=components, vertex_ids=[13, 14], eye_corners=0.556)
    np.savez(folder / "tracks.npz", c1=np.stack([np.arange(FRAMES), np.zeros(FRAMES)], 1).astype(np.float16))
    np.savez(folder / "neutral.npz", c1=(mean + 4 * components[0]).astype(np.float32))
    (folder / "audio").mkdir()
    sound = np.repeat(np.arange(FRAMES, dtype=np.float32) / 100, SAMPLES_PER_FRAME)
    soundfile.write(folder / "audio" / "c1.opus", sound, 16_000, format="FLAC", subtype="PCM_24")
    return folder


def first_frames(folder: Path) -> tuple[float, float, int]:
    """Frame numbers that the first motion and the first sound come from, and how many frames there are."""
    (clip,) = load_clips(folder, 1, trains_shipped_weights)
    assert len(clip.samples) == SAMPLES_PER_FRAME * len(clip.motion) == SAMPLES_PER_FRAME * len(clip.opening)
    return float(clip.opening[0]) - 0.5, round(float(clip.samples[0]) * 100), len(clip.motion)


def test_motion_is_displacement_from_the_clips_own_rest(tmp_path: Path) -> None:
    (clip,) = load_clips(write_clips(tmp_path, ROW | {"best_lag_seconds": "0.0"}), 1, trains_shipped_weights)
    np.testing.assert_allclose(clip.motion[:, 0], np.arange(FRAMES) - 4, atol=1e-3)


@pytest.mark.parametrize(
    ("best", "lag_seconds", "expected"),
    [
        ("0.5", "0.08", (2, 0, FRAMES - 2)),  # the mouth is late: its first frames have no sound
        ("0.5", "-0.04", (0, 1, FRAMES - 1)),
        ("0.39", "0.08", (0, 0, FRAMES)),  # too unsure to shift
        ("0.34", "0.08", (0, 0, FRAMES)),
    ],
)
def test_sure_lags_are_undone(
    tmp_path: Path, best: str, lag_seconds: str, expected: tuple[int, int, int]
) -> None:
    row = ROW | {"best_corr": best, "best_lag_seconds": lag_seconds}
    assert first_frames(write_clips(tmp_path, row)) == pytest.approx(expected)


@pytest.mark.parametrize("column", [{"bundle": "no"}, {"split": "val"}, {"sync": "0.05"}])
def test_shipped_weights_see_only_free_synchronised_training_clips(column: dict[str, str]) -> None:
    assert trains_shipped_weights(ROW)
    assert not trains_shipped_weights(ROW | column)
    assert is_validation(ROW | column) == (column == {"split": "val"})
