"""The visual bench: makes templates speak, draws sheets to look at, and measures what must not be seen.

    python -m training.looks TEMPLATES [SPEECH] --out FOLDER [--seconds 6] [--only WORD ...]

TEMPLATES and SPEECH are folders or single files. For each pair the folder gets the video, mouth close-ups
(made above, template below), slices through time, and a made frame beside the template's with their
difference; `looks.json` and the table that is printed hold the figures:

    ring, chin   flicker of the skin around the mouth and on the chin over the template's own
    sharp        detail of the mouth box over the template's own
    seam         how far the step over the mouth layer's edge differs from the template's own, in grey levels
    folds        triangles turned inside out, over all frames
    crossed      places where the upper lip lies below the lower one, over all frames
    outside      pixels outside the mesh that differ from the template, on the planes given to the encoder
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from heygem.engines.base import LipSyncOptions, LipSyncRequest, SilentContext
from heygem.engines.factory import build_engines
from heygem.engines.mesh.engine import MeshEngine
from heygem.engines.mesh.render import RenderPlan
from heygem.media.audio import decode_speech
from heygem.media.frames import FrameSource
from heygem.media.probe import probe_video
from heygem.media.types import VideoInfo
from heygem.settings import Settings
from heygem.templates.canonical import CHIN, NOSE_BASE
from training.looks_ruler import (
    SkinMap,
    crossing_count,
    flicker,
    fold_count,
    followed,
    outside_mask,
    seam_step,
)
from training.looks_sheets import CLOSE_UPS, Take, write_close_ups, write_difference, write_slices
from training.picture_ruler import detail, grey_of, mouth_of
from training.real_pairs import SOUND_SUFFIXES, VIDEO_SUFFIXES, track_file

MASK_EVERY_FRAMES = 10  # the outline of the mesh is filled triangle by triangle: a sample will do


@dataclass(frozen=True, slots=True)
class Looks:
    """Figures of one finished video; see the module's text. Ratios are over the template's own.

    `ring_levels` and `chin_levels` are the same flicker in grey levels.
    """

    template: str
    speech: str
    frames: int
    ring: float | None  # None: a photo
    chin: float | None
    ring_levels: float
    chin_levels: float
    sharp: float
    seam: float
    folds: int
    crossed: int
    outside: int


@dataclass(frozen=True, slots=True)
class MeshFaults:
    """Counted on the mesh and on the planes, before any encoding."""

    folds: int
    crossed: int
    outside: int


def look(
    engine: MeshEngine, skin: SkinMap, template: Path, sound: Path, folder: Path, smile: float = 0.0
) -> Looks:
    """Make one video, draw its sheets and measure it."""
    name = f"{template.stem}__{sound.stem}"
    # A photo keeps still here, or its sway would count as flicker; see `training.living_looks`.
    options = LipSyncOptions(living="off", smile=smile)
    request = LipSyncRequest(sound, template, folder / f"{name}.mp4", options)
    engine.generate(request, SilentContext())
    info = probe_video(template)
    with engine.library.lease(template, None, SilentContext()) as prepared:
        plan = engine.plan(decode_speech(sound), info, prepared, request.options, SilentContext())
    made_points = track_file(engine, request.output_path).filled_points
    count = min(len(plan), len(made_points))
    made = Take(probe_video(request.output_path), made_points[:count], np.arange(count))
    schedule = plan.schedule[:count]
    real = Take(info, plan.portrait.track.filled_points[schedule], schedule)
    write_close_ups([made, real], _telling_moments(plan, count), folder / f"{name}_mouths.jpg")
    write_slices([made, real], folder / f"{name}_slices.jpg")
    write_difference(made, real, count // 2, folder / f"{name}_difference.jpg")
    return Looks(
        template.name,
        sound.name,
        count,
        **picture_figures(skin, made, real),
        **asdict(mesh_faults(engine, info, plan)),
    )


def picture_figures(skin: SkinMap, made: Take, real: Take) -> dict[str, float | None]:
    """Flicker, sharpness and seam of the finished file."""
    made_skin, made_detail = _textures(skin, made, real.points_px)
    real_skin, real_detail = _textures(skin, real, real.points_px)
    moves = not real.info.is_photo  # what does not flicker at all is no measure
    ring, chin = (flicker(made_skin, where) for where in (skin.ring, skin.chin))
    return {
        "ring": ring / flicker(real_skin, skin.ring) if moves else None,
        "chin": chin / flicker(real_skin, skin.chin) if moves else None,
        "ring_levels": ring,
        "chin_levels": chin,
        "sharp": made_detail / real_detail,
        "seam": seam_step(made_skin, real_skin, skin),
    }


def _textures(
    skin: SkinMap, take: Take, box_points_px: NDArray[np.floating]
) -> tuple[NDArray[np.float32], float]:
    """Followed skin (T,P), and mean detail of the mouth boxes of the template's landmarks."""
    rows, details = [], []
    with FrameSource(take.info) as source:
        frames = source.read_schedule(take.schedule.tolist())
        for frame, face, box in zip(frames, followed(take.points_px), box_points_px, strict=True):
            grey = grey_of(frame, take.info.colour)
            rows.append(skin.texture(grey, face))
            details.append(detail(mouth_of(grey, box)))
    return np.stack(rows), float(np.mean(details))


def mesh_faults(engine: MeshEngine, info: VideoInfo, plan: RenderPlan) -> MeshFaults:
    """Go through the drawings once more, and through every tenth picture of them."""
    triangles = engine.renderer.mesh.triangles
    folds = crossed = outside = 0
    with FrameSource(info) as source:
        base = (frame.copy() for frame in source.read_schedule(plan.schedule.tolist()))
        kept: list[tuple[int, NDArray[np.uint8]]] = []

        def passing() -> Iterator:
            for index, frame in enumerate(base):
                if index % MASK_EVERY_FRAMES == 0:
                    kept.append((index, frame.y.copy()))
                yield frame

        drawn = engine.renderer.draw(passing(), plan)
        for index, (drawing, frame) in enumerate(zip(engine.renderer.drawings(plan), drawn, strict=True)):
            if drawing is not None:
                down = drawing.source_px[CHIN] - drawing.source_px[NOSE_BASE]
                folds += fold_count(drawing.source_px, drawing.target_px, triangles)
                crossed += crossing_count(drawing.target_px, down / np.linalg.norm(down))
            if index % MASK_EVERY_FRAMES == 0:
                at, before = kept.pop(0)
                assert at == index
                changed = frame.y != before
                if drawing is not None:
                    changed &= outside_mask(drawing.source_px, drawing.target_px, triangles, before.shape)
                outside += int(changed.sum())
    return MeshFaults(folds, crossed, outside)


def _telling_moments(plan: RenderPlan, count: int) -> list[int]:
    """Evenly spread, each moved to the widest or most closed mouth near it, in turns."""
    gaps = plan.gap[:count]
    reach = max(count // (4 * CLOSE_UPS), 1)
    moments = []
    for number, centre in enumerate(np.linspace(0, count - 1, CLOSE_UPS + 2)[1:-1].round().astype(int)):
        around = slice(max(centre - reach, 0), centre + reach + 1)
        pick = gaps[around].argmax() if number % 2 == 0 else gaps[around].argmin()
        moments.append(int(around.start + pick))
    return moments


def _files(path: Path, suffixes: set[str]) -> list[Path]:
    return [path] if path.is_file() else sorted(one for one in path.iterdir() if one.suffix in suffixes)


def _cut(sound: Path, seconds: float, folder: Path) -> Path:
    """The beginning of a recording, or all of it where it is shorter."""
    speech = decode_speech(sound)
    target = folder / f"{sound.stem}.wav"
    soundfile.write(target, speech.samples[: round(seconds * speech.rate_hz)], speech.rate_hz)
    return target


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("templates", type=Path)
    parser.add_argument("speech", type=Path, nargs="?")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--only", nargs="*", default=[], help="templates whose name contains one of these")
    parser.add_argument("--smile", type=float, default=0.0, help="the option of jobs")
    arguments = parser.parse_args()
    (arguments.out / "sounds").mkdir(parents=True, exist_ok=True)
    settings = Settings.from_args([], {"HEYGEM_CACHE_DIR": str(arguments.out / "cache")})
    engine = build_engines(settings, lambda _: None).engines["mesh"]
    assert isinstance(engine, MeshEngine)
    skin = SkinMap.of(engine.face)
    templates = [
        path
        for path in _files(arguments.templates, VIDEO_SUFFIXES)
        if not arguments.only or any(word in path.name for word in arguments.only)
    ]
    sounds = [
        _cut(path, arguments.seconds, arguments.out / "sounds")
        for path in _files(arguments.speech or arguments.templates, SOUND_SUFFIXES)
    ]
    found: list[Looks] = []
    print(f"{'template':36} {'speech':20}", *(f"{field.name:>11}" for field in fields(Looks)[2:]))
    for template in templates:
        for sound in sounds:
            found.append(look(engine, skin, template, sound, arguments.out, arguments.smile))
            row = list(asdict(found[-1]).values())
            print(
                f"{row[0]:36} {row[1]:20}",
                *(f"{'-':>11}" if value is None else f"{value:11.3g}" for value in row[2:]),
                flush=True,
            )
            (arguments.out / "looks.json").write_text(json.dumps([asdict(one) for one in found], indent=1))


if __name__ == "__main__":
    main()
