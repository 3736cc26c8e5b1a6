"""Chooses the mouth shapes the mesh engine paints once per person, and says what a smile is.

    python -m training.mouth_shapes SPEECH_LIPS_FOLDER models/mouth-repair/shapes.safetensors

Takes the lower-face motion of all clips whose licence allows shipping (`bundle=yes`), scaled to a speaker of
the median spread, and covers it with cluster means: most of them around what people do often, some at the far
ends (wide open, pursed, stretched), and the mouth at rest. Seeded; the same data give the same file.

A smile is what all of the lower face does where the mouth is wide and its corners high, openings being
equal: a linear regression on the same motion, made symmetric. At full strength it is as wide as one moment in
thirty of these clips, and its corners are as high as in one of fifty.
"""

import argparse
import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file
from scipy.cluster.vq import kmeans2
from scipy.optimize import linear_sum_assignment

from heygem.models.motion import LOWER_LIP, UPPER_LIP, opening_row
from heygem.templates.canonical import LIPS, MOUTH_CORNERS

COMMON, RARE = 16, 8
WIDER = 1.4  # lively people open the mouth further than the typical speaker's widest
FAR = 0.9  # quantile of the distance to the nearest common shape
COMPONENTS = 32
MOST_YAW_DEGREES = 20.0
MOST_SHIFT = 0.012  # canonical: lips that wander farther aside are a slipped track
SEED = 20261123
SMILE_WIDER, SMILE_HIGHER = 0.06, 0.03  # canonical: mouth, and its corners over the lips' middle

Floats = NDArray[np.float32]


def typical_motion(folder: Path) -> NDArray[np.float32]:
    """(F,32) displacement from each clip's neutral, all clips scaled to one opening spread; frontal clips."""
    basis, tracks, neutral = (np.load(folder / f"{name}.npz") for name in ("basis", "tracks", "neutral"))
    components = basis["components"].reshape(len(basis["components"]), -1)
    mean = basis["mean"].reshape(-1)
    at = {int(vertex): row for row, vertex in enumerate(basis["vertex_ids"])}
    opening = opening_row(basis["components"], basis["vertex_ids"])
    with (folder / "INDEX.tsv").open(encoding="utf-8") as file:
        table = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        rows = [r for r in table if r["bundle"] == "yes" and abs(float(r["yaw"])) <= MOST_YAW_DEGREES]
    clips = []
    for row in rows:
        rest = (neutral[row["id"]].reshape(-1) - mean) @ components.T
        clips.append(tracks[row["id"]].astype(np.float32) - rest)
    spreads = np.array([float((clip @ opening).std()) for clip in clips])
    scale = np.clip(spreads / np.median(spreads), 0.5, 2.0)
    motion: NDArray[np.float32] = np.concatenate(
        [clip / factor for clip, factor in zip(clips, scale, strict=True)]
    )
    lips = [row for vertex, row in at.items() if vertex in LIPS]
    aside = np.abs(motion @ basis["components"][:, lips, 0].mean(1))
    steady: NDArray[np.float32] = motion[aside < MOST_SHIFT, :COMPONENTS].astype(np.float32)
    return steady


def cover(motion: NDArray[np.float32], opening: NDArray[np.float32]) -> NDArray[np.float32]:
    """(F,32) -> (26,32): rest, means of clusters, means of what these leave far off, a wide-open mouth."""
    size = np.linalg.norm(motion, axis=1)
    lips = motion[size < np.quantile(size, 0.995)]
    common, _ = kmeans2(lips, COMMON, seed=SEED, minit="++")
    distance = np.min([np.linalg.norm(lips - shape, axis=1) for shape in common], axis=0)
    # Means here too: a lone far frame is as often a slip of the tracker as a mouth.
    rare, _ = kmeans2(lips[distance > np.quantile(distance, FAR)], RARE, seed=SEED, minit="++")
    widest = max([*common, *rare], key=lambda shape: float(shape @ opening))
    return np.concatenate([np.zeros((1, COMPONENTS)), common, rare, [widest * WIDER]]).astype(np.float32)


def smile(motion: NDArray[np.float32], components: NDArray[np.float32], at: dict[int, int]) -> Floats:
    """(265,3) displacement from the motion (F,32) and the shapes (32,265,3) of its coefficients.

    `at` says which of the 265 vertices a landmark is.
    """
    corners, middle = [at[corner] for corner in MOUTH_CORNERS], [at[UPPER_LIP], at[LOWER_LIP]]
    told = np.stack(
        [
            components[:, corners[1], 0] - components[:, corners[0], 0],  # wider
            components[:, middle, 1].mean(1) - components[:, corners, 1].mean(1),  # higher; y runs down
            components[:, middle[1], 1] - components[:, middle[0], 1],  # more open
        ],
        axis=1,
    )  # (32,3)
    features = np.column_stack([motion @ told, np.ones(len(motion))])
    response, *_ = np.linalg.lstsq(features, motion, rcond=None)  # (4,32)
    wanted = SMILE_WIDER * response[0] + SMILE_HIGHER * response[1]
    return np.tensordot(wanted, components, 1).astype(np.float32)


def mirrored(displacement: NDArray[np.floating], places: Floats) -> NDArray[np.floating]:
    """The mirror image of displacements (...,V,3) on a face (V,3) that is its own mirror image."""
    flip = np.array([-1, 1, 1], np.float32)
    _, mirror = linear_sum_assignment(np.linalg.norm(places[:, None] - (places * flip)[None], axis=-1))
    return np.asarray(displacement[..., mirror, :] * flip)


def symmetric(displacement: Floats, places: Floats) -> Floats:
    """The mean of a displacement (V,3) and its mirror image; see `mirrored`."""
    mean: Floats = (displacement + mirrored(displacement, places)) / 2
    return mean


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("speech_lips", type=Path)
    parser.add_argument("output", type=Path)
    arguments = parser.parse_args()
    basis = np.load(arguments.speech_lips / "basis.npz")
    opening = opening_row(basis["components"][:COMPONENTS], basis["vertex_ids"])
    motion, components = typical_motion(arguments.speech_lips), basis["components"][:COMPONENTS]
    shapes = cover(motion, opening)
    at = {int(vertex): row for row, vertex in enumerate(basis["vertex_ids"])}
    smiling = symmetric(smile(motion, components, at), basis["canonical"].astype(np.float32))
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    save_file(
        {
            "displacement": np.tensordot(shapes, components, 1).astype(np.float16),
            "smile": smiling.astype(np.float16),
            "vertex_ids": basis["vertex_ids"].astype(np.int64),
        },
        arguments.output,
    )
    print("openings (canonical):", np.round(np.sort(shapes @ opening), 3).tolist())


if __name__ == "__main__":
    main()
