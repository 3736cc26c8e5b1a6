"""How much skin flickers when real people speak, over what it does when they are silent, in one clip.

    python -m training.speech_flicker CLIPS_FOLDER

Nothing is made here: it tells what `training.looks` has to be held against where a template rests and its
video speaks. Flicker is that of `looks`; a frame is silent where lips hardly move for seven frames, and
speaks where they move quickly within five. Clips with fewer than nine frames of either are left out.
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d

from heygem.engines.factory import build_engines
from heygem.engines.mesh.engine import MeshEngine
from heygem.media.frames import FrameSource
from heygem.media.probe import probe_video
from heygem.settings import Settings
from heygem.templates.canonical import lip_gap
from heygem.templates.pose import fit_pose
from training.looks_ruler import Mask, SkinMap, followed
from training.picture_ruler import grey_of
from training.real_pairs import VIDEO_SUFFIXES, track_file

STILL, QUICK = 0.006, 0.02  # canonical lip gap, a frame
STILL_FRAMES, QUICK_FRAMES = 7, 5
LEAST_FRAMES = 9
MOST_FRAMES = 250

Array = NDArray[np.float64]


def silent_and_speaking(gap: Array) -> tuple[Mask, Mask]:
    """Lip gaps (N,) canonical -> for the frames between the first and the last (N-2,) which are which."""
    speed = np.abs(np.gradient(gap))[1:-1]
    silent = maximum_filter1d(speed, STILL_FRAMES) < STILL
    return silent, maximum_filter1d(speed, QUICK_FRAMES) > QUICK


def measured(engine: MeshEngine, skin: SkinMap, clip: Path) -> tuple[float, float] | None:
    """Of ring and chin: flicker when speaking over flicker when silent."""
    info, points = probe_video(clip), track_file(engine, clip).filled_points[:MOST_FRAMES]
    with FrameSource(info) as source:
        frames = source.read_schedule(range(len(points)))
        rows = [
            skin.texture(grey_of(frame, info.colour), face)
            for frame, face in zip(frames, followed(points), strict=True)
        ]
    change = np.abs(np.diff(np.stack(rows), 2, axis=0))  # (N-2,P)
    shapes = fit_pose(points, engine.face).to_canonical(points[:, : len(engine.face.vertices)])
    silent, speaking = silent_and_speaking(lip_gap(shapes))
    if min(silent.sum(), speaking.sum()) < LEAST_FRAMES:
        return None
    ring, chin = (change[:, where].mean(1) for where in (skin.ring, skin.chin))
    ratios = [float(one[speaking].mean() / one[silent].mean()) for one in (ring, chin)]
    return ratios[0], ratios[1]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clips", type=Path)
    folder = parser.parse_args().clips
    engine = build_engines(Settings.from_args([], {}), lambda _: None).engines["mesh"]
    assert isinstance(engine, MeshEngine)
    skin = SkinMap.of(engine.face)
    found = []
    for clip in sorted(one for one in folder.iterdir() if one.suffix in VIDEO_SUFFIXES):
        ratios = measured(engine, skin, clip)
        if ratios is None:
            print(f"{clip.name}: too little of either")
            continue
        print(f"{clip.name}: ring {ratios[0]:.2f}, chin {ratios[1]:.2f}")
        found.append(ratios)
    quartiles = np.quantile(found, [0.25, 0.5, 0.75], axis=0)
    for title, values in zip(("ring", "chin"), quartiles.T, strict=True):
        low, middle, high = values
        print(f"{title}: median {middle:.2f}, quartiles {low:.2f} and {high:.2f}, {len(found)} clips")


if __name__ == "__main__":
    main()
