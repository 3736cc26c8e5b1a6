"""Draws living photos and says what they cost and what they leave alone.

    python -m training.living_looks SPEECH PHOTO... --out FOLDER

For each photo, drawn with the speech and not encoded: `PHOTO.jpg` shows the head at rest and in its farthest
poses, a blink frame by frame, how much each pixel changes (tenfold), and one row of the picture over time.
Prints CPU milliseconds a frame on one core with and without life, the share of pixels that never change, and
the sharpness of the turned face against the photo's.
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from heygem.engines.base import LipSyncOptions, SilentContext
from heygem.engines.factory import build_engines
from heygem.engines.mesh.composer import Composer
from heygem.engines.mesh.engine import MeshEngine
from heygem.engines.mesh.render import RenderPlan
from heygem.media.audio import decode_speech
from heygem.media.frames import FrameSource
from heygem.media.probe import probe_video
from heygem.media.types import ColourTags, YuvFrame
from heygem.media.yuv import frame_rgb
from heygem.settings import Settings
from heygem.templates.canonical import VERTEX_COUNT

Rgb = NDArray[np.uint8]
SHEET_PX = 1200
BLINK_FRAMES = 8
EYES = (33, 263, 70, 300, 145, 374)


@dataclass(frozen=True, slots=True)
class Case:
    """One photo with all that is planned for it."""

    photo: YuvFrame
    colour: ColourTags
    points_px: NDArray[np.float64]  # (478,2)
    plan: RenderPlan

    def frames(self) -> list[YuvFrame]:
        assert self.plan.living is not None
        return list(self.plan.living.blinking([self.photo] * len(self.plan)))

    def around(self, points_px: NDArray[np.float64], margin: float) -> tuple[slice, slice]:
        """Rows and columns of a box around points, with a margin in face widths."""
        reach = margin * np.ptp(self.points_px[:VERTEX_COUNT, 0])
        low = np.maximum(points_px.min(0) - reach, 0).astype(int)
        high = (points_px.max(0) + reach).astype(int)
        return slice(low[1], high[1]), slice(low[0], high[0])


def case_of(engine: MeshEngine, path: Path, speech_path: Path) -> Case:
    """Plan a video of the photo with everything alive."""
    info = probe_video(path)
    options = LipSyncOptions(living="on")
    with engine.library.lease(path, None, SilentContext()) as prepared, FrameSource(info) as source:
        plan = engine.plan(decode_speech(speech_path), info, prepared, options, SilentContext())
        points = prepared.portrait.track.points[0, :, :2].astype(np.float64)
        return Case(next(iter(source.read_schedule([0]))).copy(), info.colour, points, plan)


def drawn(engine: MeshEngine, case: Case, plan: RenderPlan) -> tuple[list[YuvFrame], float]:
    """All frames, drawn one after the other, and CPU milliseconds for each."""
    composer, frames = Composer(engine.renderer.mesh), case.frames()
    began, made = time.thread_time(), []
    for frame, drawing in zip(frames, engine.renderer.drawings(plan), strict=True):
        made.append(composer.compose(frame, drawing) if drawing else frame)
    return made, (time.thread_time() - began) / len(made) * 1000


def sharpness(luma: NDArray[np.uint8]) -> float:
    """Mean squared Laplacian."""
    return float((cv2.Laplacian(luma, cv2.CV_64F) ** 2).mean())


def sheet(case: Case, frames: list[YuvFrame]) -> Rgb:
    """What the module's text says."""
    life = case.plan.living.life if case.plan.living else None
    assert life is not None
    middle = case.points_px[:VERTEX_COUNT].mean(0)
    head = case.around(np.stack([middle, middle]), 1.3)
    poses = [0, *(int(pick(life.turn[:, axis])) for axis in (0, 1) for pick in (np.argmin, np.argmax))]
    shut = int(np.argmax(life.closure))
    blink = range(max(shut - BLINK_FRAMES // 2 + 1, 0), min(shut + BLINK_FRAMES // 2 + 1, len(frames)))
    eyes = case.around(case.points_px[list(EYES)], 0.08)
    change = np.mean([np.abs(frame.y.astype(int) - case.photo.y) for frame in frames], axis=0)
    row = int(case.points_px[151, 1])  # across the forehead
    rows = [
        [frame_rgb(frames[step], case.colour)[head] for step in poses],
        [frame_rgb(frames[step], case.colour)[eyes] for step in blink][: BLINK_FRAMES // 2],
        [frame_rgb(frames[step], case.colour)[eyes] for step in blink][BLINK_FRAMES // 2 :],
        [
            cv2.cvtColor(np.clip(change * 10, 0, 255).astype(np.uint8), cv2.COLOR_GRAY2RGB),
            np.stack([frame_rgb(frame, case.colour)[row] for frame in frames]),
        ],
    ]
    return np.concatenate([_strip(pictures) for pictures in rows if pictures])


def _strip(pictures: list[Rgb]) -> Rgb:
    """Side by side, as wide as the sheet, all of one height."""
    height = SHEET_PX / sum(picture.shape[1] / picture.shape[0] for picture in pictures)
    fitted = [
        cv2.resize(
            p, (max(round(p.shape[1] * height / p.shape[0]), 1), round(height)), interpolation=cv2.INTER_AREA
        )
        for p in pictures
    ]
    whole = np.concatenate(fitted, 1)
    return np.asarray(cv2.resize(whole, (SHEET_PX, whole.shape[0])), dtype=np.uint8)


def reports(engine: MeshEngine, photos: list[Path], speech: Path, folder: Path) -> Iterator[str]:
    """A line for each photo, after its sheet was written."""
    for path in photos:
        case = case_of(engine, path, speech)
        frames, alive_ms = drawn(engine, case, case.plan)
        _, still_ms = drawn(engine, case, replace(case.plan, living=None))
        cv2.imwrite(
            str(folder / f"{path.stem}.jpg"), sheet(case, frames)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88]
        )
        same = np.mean(np.all([frame.y == case.photo.y for frame in frames], axis=0))
        upper = case.around(case.points_px[[10, 234, 454, 6]], 0.0)
        sharp = np.mean([sharpness(frame.y[upper]) for frame in frames]) / sharpness(case.photo.y[upper])
        face_px = np.ptp(case.points_px[:VERTEX_COUNT, 0])
        yield (
            f"{path.name:24} {case.photo.width}x{case.photo.height} face {face_px:.0f} px  "
            f"{alive_ms:.1f} ms a frame, still {still_ms:.1f}  unchanged {same:.0%}  sharpness {sharp:.2f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw living photos and measure them.")
    parser.add_argument("speech", type=Path)
    parser.add_argument("photos", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    settings = Settings.from_args(["--device", "cpu"], {"HEYGEM_CACHE_DIR": str(arguments.out / "cache")})
    engine = build_engines(settings, lambda _: None).engines["mesh"]
    assert isinstance(engine, MeshEngine)
    for line in reports(engine, arguments.photos, arguments.speech, arguments.out):
        print(line, flush=True)


if __name__ == "__main__":
    main()
