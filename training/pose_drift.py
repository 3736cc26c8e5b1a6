"""Learns how landmarks drift when a head turns: `python -m training.pose_drift CLIPS_FOLDER`.

Reads tracks.npz, pose.npz, basis.npz and INDEX.tsv of the clips (see `training.speech_lips`). Shapes of all
clips that may be bundled, each about its own mean, are fitted by yaw, pitch and their squares beside the
opening of the mouth and its root, which explain what speech does. Tells how much is left of what the opening
does not explain of the jaw, on people of the validation split, and writes `pose_drift` (5,468,3) into
models/face-landmarker/canonical_face.npz. Run `python -m training.manifest` after it. Takes seconds; nothing
in it is random.
"""

import argparse
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from heygem.engines.mesh.bank import head_turn_degrees
from heygem.templates.canonical import LIP_CENTRE_LOWER, LIP_CENTRE_UPPER, LIPS, VERTEX_COUNT
from heygem.templates.pose_drift import FEATURES, turn_features
from training.speech_lips import Basis, is_validation, load_basis, read_rows, trains_shipped_weights

FACE = Path(__file__).parents[1] / "models" / "face-landmarker" / "canonical_face.npz"
JAW = (152, 148, 377, 176, 400, 172, 397)
TURNS_FROM_DEGREES = 20.0  # clips in which the head turns so far are told apart
LEAST_FRAMES = 50

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TurningClip:
    """One clip: coefficients of its shapes (T,K), yaw and pitch (T,2), and what the mouth does (T,2)."""

    coefficients: Array
    turn_degrees: Array
    mouth: Array

    @property
    def swing_degrees(self) -> float:
        """How far the head turns to one side from its usual place."""
        yaw = self.turn_degrees[:, 0]
        return float(np.abs(yaw - np.median(yaw)).max())


def read_clips(
    folder: Path, basis: Basis, wanted: Callable[[Mapping[str, str]], bool]
) -> Iterator[TurningClip]:
    """Those whose line in INDEX.tsv is `wanted`, long enough and with a pose."""
    with np.load(folder / "tracks.npz") as tracks, np.load(folder / "pose.npz") as poses:
        for row in read_rows(folder, lambda row: row["id"] in poses and wanted(row)):
            track, pose = tracks[row["id"]].astype(np.float64), poses[row["id"]]
            count = min(len(track), len(pose))
            if count >= LEAST_FRAMES:
                yield turning_clip(track[:count], pose[:count], basis)


def turning_clip(coefficients: Array, pose: NDArray[np.floating], basis: Basis) -> TurningClip:
    """Coefficients (T,K) and poses (T,7) of one clip."""
    to_frame = Rotation.from_rotvec(pose[:, 1:4]).as_matrix()
    lips = [basis.vertex(LIP_CENTRE_LOWER), basis.vertex(LIP_CENTRE_UPPER)]
    points = np.tensordot(coefficients, basis.components[:, lips], 1) + basis.mean[lips]  # (T,2,3)
    gap = 10 * np.linalg.norm(points[:, 0] - points[:, 1], axis=-1)
    turn = head_turn_degrees(to_frame.transpose(0, 2, 1))
    return TurningClip(coefficients, turn, np.stack([gap, np.sqrt(gap)], 1))


def fit(clips: list[TurningClip]) -> Array:
    """(5,K): least squares over all frames, each clip about its own mean."""
    features = [centred(np.concatenate([turn_features(c.turn_degrees), c.mouth], 1)) for c in clips]
    shapes = np.concatenate([centred(clip.coefficients) for clip in clips])
    solution, *_ = np.linalg.lstsq(np.concatenate(features), shapes, rcond=None)
    return np.asarray(solution[:FEATURES])


def unexplained(clip: TurningClip, drift: Array, basis: Basis) -> tuple[float, float]:
    """Variance of the jaw that the opening of the mouth leaves, as it is and without the drift."""
    rows = [basis.vertex(number) for number in JAW]
    components = basis.components[:, rows, :2].reshape(len(basis.components), -1)
    without = clip.coefficients - turn_features(clip.turn_degrees) @ drift
    mouth = centred(clip.mouth)
    variances = []
    for coefficients in (clip.coefficients, without):
        jaw = centred(coefficients @ components)
        explained, *_ = np.linalg.lstsq(mouth, jaw, rcond=None)
        variances.append(float((jaw - mouth @ explained).var()))
    return variances[0], variances[1]


def centred(values: Array) -> Array:
    """Each column about its mean."""
    return values - values.mean(0)


def on_mesh(drift: Array, basis: Basis) -> NDArray[np.float32]:
    """(5,K) coefficients -> (5,468,3) canonical; none in the upper face, which nobody moves."""
    whole = np.zeros((FEATURES, VERTEX_COUNT, 3), np.float32)
    whole[:, basis.vertex_ids] = np.tensordot(drift, basis.components, 1)
    whole[:, LIPS] = whole[:, LIPS].mean(1, keepdims=True)  # lips that are closed are so in every pose
    return whole


def keep_in_face(name: str, values: NDArray[np.float32]) -> None:
    """Write one array of `canonical_face.npz`, beside those that are there."""
    with np.load(FACE, allow_pickle=False) as arrays:
        known = dict(arrays)
    np.savez_compressed(FACE, **(known | {name: values}))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clips", type=Path)
    folder = parser.parse_args().clips
    basis = load_basis(folder)
    clips = list(read_clips(folder, basis, trains_shipped_weights))
    drift = fit(clips)
    unseen = list(read_clips(folder, basis, is_validation))
    left = np.array([after / before for before, after in (unexplained(c, drift, basis) for c in unseen)])
    turning = np.array([clip.swing_degrees > TURNS_FROM_DEGREES for clip in unseen])
    print(f"learnt from {len(clips)} clips")
    for title, which in (("all", np.ones(len(unseen), bool)), ("turning", turning)):
        print(f"{title}: {which.sum()} unseen clips, median of what is left {np.median(left[which]):.2f}")
    keep_in_face("pose_drift", on_mesh(drift, basis))


if __name__ == "__main__":
    main()
