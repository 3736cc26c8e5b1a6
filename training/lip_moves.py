"""Learns how lips usually move: `python -m training.lip_moves CLIPS_FOLDER`.

Reads tracks.npz, neutral.npz, basis.npz and INDEX.tsv of the clips (see `training.speech_lips`). The motion
of all clips that may be bundled, made symmetric, is written as its principal moves, each as large as its
standard deviation: `lip_moves` (12,468,3) of models/face-landmarker/canonical_face.npz. Tells how well open
mouths of the validation split are closed with them: how far their lips are from the person's closed ones. Run
`python -m training.manifest` after it. Takes seconds; nothing in it is random.
"""

import argparse
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from heygem.engines.mesh.lips_together import lips_together
from heygem.templates.canonical import LIPS, VERTEX_COUNT, lip_gap
from training.mouth_shapes import mirrored
from training.pose_drift import keep_in_face
from training.speech_lips import Basis, is_validation, load_basis, read_rows, trains_shipped_weights

MOVES = 12
FRAMES_A_CLIP = 200
OPEN_FROM, OPEN_TO = 0.06, 0.14  # canonical lip gap of mouths that are closed for the test

Floats = NDArray[np.float32]
Array = NDArray[np.float64]


def faces_of(
    folder: Path, basis: Basis, wanted: Callable[[Mapping[str, str]], bool]
) -> Iterator[tuple[Array, Array]]:
    """Of each clip `wanted`: its closed face (265,3) and its shapes (T,265,3), evenly thinned."""
    with np.load(folder / "tracks.npz") as tracks, np.load(folder / "neutral.npz") as neutral:
        for row in read_rows(folder, wanted):
            track = tracks[row["id"]].astype(np.float32)
            chosen = track[np.linspace(0, len(track) - 1, FRAMES_A_CLIP).astype(int)]
            shapes = np.tensordot(chosen, basis.components, 1) + basis.mean
            yield neutral[row["id"]].astype(np.float64), shapes.astype(np.float64)


def principal_moves(motion: Array, places: Floats) -> Array:
    """(F,265,3) displacements on a face (265,3) that is its own mirror image -> (12,265,3)."""
    both = np.concatenate([motion, mirrored(motion, places)]).reshape(2 * len(motion), -1)
    covariance = both.T @ both / len(both)  # about the closed face, not about the mean
    values, vectors = np.linalg.eigh(covariance)
    largest = np.argsort(values)[::-1][:MOVES]
    return np.asarray((vectors[:, largest] * np.sqrt(values[largest])).T.reshape(MOVES, -1, 3))


def on_mesh(moves: Array, basis: Basis) -> Floats:
    """(12,265,3) -> (12,468,3)."""
    whole = np.zeros((len(moves), VERTEX_COUNT, 3), np.float32)
    whole[:, basis.vertex_ids] = moves
    return whole


def closing_errors(closed: Array, shapes: Array, moves: Floats, basis: Basis) -> list[tuple[float, float]]:
    """Of each open mouth among `shapes`: distance (canonical) of its lips from the `closed` ones, before and
    after they are drawn together."""
    lips, errors = list(LIPS), []
    face, truth = np.zeros((2, VERTEX_COUNT, 3))
    truth[basis.vertex_ids] = closed
    for shape in shapes:
        face[basis.vertex_ids] = shape
        if OPEN_FROM <= lip_gap(face) <= OPEN_TO:
            together = lips_together(face, moves.astype(np.float64))
            before, after = (np.linalg.norm((f - truth)[lips], axis=-1).mean() for f in (face, together))
            errors.append((float(before), float(after)))
    return errors


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clips", type=Path)
    folder = parser.parse_args().clips
    basis = load_basis(folder)
    motion = [shapes - closed for closed, shapes in faces_of(folder, basis, trains_shipped_weights)]
    places = np.load(folder / "basis.npz")["canonical"].astype(np.float32)
    moves = on_mesh(principal_moves(np.concatenate(motion), places), basis)
    errors = []
    for closed, shapes in faces_of(folder, basis, is_validation):
        errors += closing_errors(closed, shapes, moves, basis)
    before, after = np.mean(errors, axis=0)
    print(f"learnt from {len(motion)} clips; {len(errors)} open mouths of unseen people:")
    print(f"lips {before:.4f} away from closed ones, and {after:.4f} when drawn together")
    keep_in_face("lip_moves", moves)


if __name__ == "__main__":
    main()
