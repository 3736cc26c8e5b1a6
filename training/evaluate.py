"""Makes every talking clip of a folder talk again and measures the finished videos, tracked again.

    python -m training.evaluate CLIPS_FOLDER --out FOLDER

Each clip is the template of three videos: with its own sound, with the sound of the next clip, and with
silence. The engine may not use mouths nearer than 2 s to the frame it makes; for clips under 5 s it may use
painted ones only, which start from the clip's most restful frame. Writes `evaluation.json`, `evaluation.md`,
the videos, and a contact sheet per clip: mouth close-ups of the real clip, own sound, other sound, silence.
A file INDEX.tsv beside the clips, with columns file, language and origin, splits the means into groups.
"""

import argparse
import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from heygem.engines.base import LipSyncOptions, LipSyncRequest, SilentContext
from heygem.engines.factory import build_engines
from heygem.engines.mesh.engine import MeshEngine, base_frames
from heygem.engines.mesh.render import Wish
from heygem.engines.mesh.shaping import wanted_gap
from heygem.engines.mesh.speech_motion import full_basis, predict_steps, shape_motion
from heygem.media.audio import decode_speech
from heygem.media.frames import FrameSource
from heygem.media.probe import probe_video
from heygem.media.types import VideoInfo, Waveform
from heygem.settings import Settings
from heygem.templates.canonical import LIPS
from heygem.templates.tracker import FaceTracker
from training import ruler
from training.evaluation_report import ClipReport, Figures, groups_of, write_report, write_sheet
from training.picture_ruler import Grey, background_psnr, detail, grey_of, lower_face, mouth_of, psnr, ssim
from training.ruler import Array, Mask, Ruler

CLIP_SUFFIXES = {".mp4", ".mov", ".mkv", ".webm"}
BANK_GAP_SECONDS = 2.0
SHORTEST_FOR_OWN_MOUTHS_SECONDS = 5.0
FREE = 0.5  # of the lips: where less is seen they are left as they were
PROGRESS_FIGURES = ("r_zero", "r_best", "lag_frames", "lmd", "range", "sharpness")


@dataclass(frozen=True, slots=True)
class Clip:
    """A real video: its track in pixels (N,478,3), laid onto its own ruler, and what is said in it.

    `is_free` (N,): where nothing is before the mouth, which the engine else leaves as it was filmed.
    """

    info: VideoInfo
    groups: tuple[str, ...]
    points_px: NDArray[np.float32]
    ruler: Ruler
    shape: Array
    is_free: Mask
    speech: Waveform

    @property
    def may_use_own_mouths(self) -> bool:
        """Whether there are enough mouths far away from each frame."""
        return self.info.duration_seconds >= SHORTEST_FOR_OWN_MOUTHS_SECONDS

    @property
    def options(self) -> LipSyncOptions:
        """Such that the mouth to be made is never there to be copied."""
        gap = BANK_GAP_SECONDS if self.may_use_own_mouths else self.info.duration_seconds + 1
        return LipSyncOptions(bank_gap_seconds=gap)

    @property
    def opening(self) -> Array:
        return ruler.opening(self.shape)

    def schedule(self, count: int) -> NDArray[np.int64]:
        """The frame of the clip under each of `count` frames made from it."""
        fps = self.info.fps
        return base_frames(count, fps, len(self.points_px), fps, self.options.loop_mode)


@dataclass(frozen=True, slots=True)
class Made:
    """A finished video and its landmarks on the ruler of its template (T,478,2)."""

    info: VideoInfo
    shape: Array

    @property
    def opening(self) -> Array:
        return ruler.opening(self.shape)


def read_clip(engine: MeshEngine, path: Path, groups: tuple[str, ...]) -> Clip:
    """Track a clip, as the engine does for a template."""
    with engine.library.lease(path, None, SilentContext()) as prepared:
        points = prepared.portrait.track.filled_points
        is_free = prepared.portrait.visible[:, LIPS].mean(1) > FREE
    laid_on, speech = Ruler.of(points), decode_speech(path)
    return Clip(probe_video(path), groups, points, laid_on, laid_on.normalised(points), is_free, speech)


def make(engine: MeshEngine, clip: Clip, sound: Path, path: Path) -> Made:
    """Let the clip say a sound, and track the finished file again."""
    engine.generate(LipSyncRequest(sound, clip.info.path, path, clip.options), SilentContext())
    info = probe_video(path)
    with FrameSource(info) as source:
        track = FaceTracker(engine.models.landmarker, info.colour).track(source.read(), lambda _: None)
    return Made(info, clip.ruler.normalised(track.filled_points))


def asked_opening(engine: MeshEngine, clip: Clip, frame_count: int) -> Array:
    """(T,) in E: what the clip's own sound asks of its face, before any rendering."""
    steps = predict_steps(clip.speech, engine.models.encoder, engine.models.motion)
    basis = full_basis(engine.models.motion)
    motion = shape_motion(steps, clip.speech, basis, frame_count, clip.info.fps, clip.options)
    with engine.library.lease(clip.info.path, None, SilentContext()) as prepared:
        wish = Wish.of(prepared.portrait, motion, 1.0, engine.renderer.mesh, engine.face)
    return wanted_gap(wish.shapes(0, frame_count)) / engine.face.eye_distance


def sync_figures(made: Array, real: Array) -> Figures:
    """How one opening (T,) follows another."""
    r_best, lag = ruler.best_correlation(made, real)
    return {"r_zero": ruler.correlation(made, real), "r_best": r_best, "lag_frames": lag}


def own_sound_figures(clip: Clip, made: Made, asked: Array) -> Figures:
    """Against the real mouth at the same moment."""
    count = min(len(clip.shape), len(made.shape))
    shape, real, opening = made.shape[:count], clip.shape[:count], made.opening[:count]
    motion = sync_figures(asked[:count], clip.opening[:count])
    return {
        "motion_r_zero": motion["r_zero"],
        "motion_r_best": motion["r_best"],
        **sync_figures(opening, clip.opening[:count]),
        "r_free": ruler.correlation(
            opening[clip.is_free[:count]], clip.opening[:count][clip.is_free[:count]]
        ),
        "lmd": ruler.lip_distance(shape, real),
        "range": float(opening.std() / clip.opening[:count].std()),
        "jitter": ruler.jitter(shape) / ruler.jitter(real),
        **picture_figures(clip, made, count),
        "closure_f1": ruler.closure_f1(
            opening, clip.opening[:count], ruler.speaking(clip.speech, clip.info.fps, count)
        ),
        "asked_r": ruler.correlation(opening, asked[:count]),
        "asked_spread": float(opening.std() / asked[:count].std()),
    }


def other_sound_figures(clip: Clip, made: Made, speaker: Clip) -> Figures:
    """Against the mouth of who really said it; sharpness, jitter and background against the template."""
    real = ruler.at_rate(speaker.opening, speaker.info.fps, clip.info.fps)
    count = min(len(real), len(made.shape))
    real, opening = real[:count], made.opening[:count]
    pictures = picture_figures(clip, made, len(made.shape))
    return {
        **sync_figures(opening, real),
        "range": float(opening.std() / real.std()),
        "jitter": ruler.jitter(made.shape) / ruler.jitter(clip.shape),
        "sharpness": pictures["sharpness"],
        "background_psnr": pictures["background_psnr"],
        "closure_f1": ruler.closure_f1(opening, real, ruler.speaking(speaker.speech, clip.info.fps, count)),
        "template_r": ruler.correlation(made.opening, clip.opening[clip.schedule(len(made.shape))]),
    }


def silence_figures(clip: Clip, made: Made) -> Figures:
    """A talking template that has nothing to say."""
    pictures = picture_figures(clip, made, len(made.shape))
    return {
        "open": ruler.open_share(made.opening, clip.opening, clip.info.fps),
        "open_free": ruler.open_share(
            made.opening, clip.opening, clip.info.fps, clip.is_free[clip.schedule(len(made.shape))]
        ),
        "jitter": ruler.jitter(made.shape) / ruler.jitter(clip.shape),
        "sharpness": pictures["sharpness"],
        "background_psnr": pictures["background_psnr"],
    }


def picture_figures(clip: Clip, made: Made, count: int) -> Figures:
    """Pixels of the first `count` frames against the template's frames under them."""
    schedule = clip.schedule(count)
    rows = []
    with FrameSource(clip.info) as real_source, FrameSource(made.info) as made_source:
        frames = zip(
            clip.points_px[schedule],
            made_source.read_schedule(range(count)),
            real_source.read_schedule(schedule.tolist()),
            strict=True,
        )
        for points, made_frame, real_frame in frames:
            greys = grey_of(made_frame, made.info.colour), grey_of(real_frame, clip.info.colour)
            rows.append(_frame_figures(points, *greys))
    made_detail, real_detail, mouth_psnr, mouth_ssim, background = np.mean(rows, axis=0).tolist()
    return {
        "sharpness": made_detail / real_detail,
        "mouth_psnr": mouth_psnr,
        "mouth_ssim": mouth_ssim,
        "background_psnr": background,
    }


def _frame_figures(points_px: NDArray[np.float32], made: Grey, real: Grey) -> tuple[float, ...]:
    made_mouth, real_mouth = mouth_of(made, points_px), mouth_of(real, points_px)
    return (
        detail(made_mouth),
        detail(real_mouth),
        psnr(made_mouth, real_mouth),
        ssim(made_mouth, real_mouth),
        background_psnr(made, real, lower_face(made, points_px)),
    )


def evaluate_clip(engine: MeshEngine, clip: Clip, speaker: Clip, folder: Path) -> ClipReport:
    """Make the three videos and the contact sheet of one clip; `speaker` lends the other sound."""
    name = clip.info.path.stem
    silence = folder / f"{name}_silence.wav"
    soundfile.write(silence, np.zeros_like(clip.speech.samples), clip.speech.rate_hz)
    own = make(engine, clip, clip.info.path, folder / f"{name}_own.mp4")
    other = make(engine, clip, speaker.info.path, folder / f"{name}_other.mp4")
    silent = make(engine, clip, silence, folder / f"{name}_silence.mp4")
    asked = asked_opening(engine, clip, len(own.shape))
    sheet = [clip.info, own.info, other.info, silent.info]
    write_sheet(sheet, clip.points_px, folder / f"{name}.png")
    return ClipReport(
        name=name,
        groups=clip.groups,
        frames=len(clip.points_px),
        own_mouths=clip.may_use_own_mouths,
        figures={
            "own": own_sound_figures(clip, own, asked),
            "other": other_sound_figures(clip, other, speaker),
            "silence": silence_figures(clip, silent),
        },
    )


def clips_in(folder: Path) -> dict[Path, tuple[str, ...]]:
    """The clips of a folder, and the groups that its INDEX.tsv puts each of them in."""
    groups: dict[str, tuple[str, ...]] = {}
    index = folder / "INDEX.tsv"
    if index.exists():
        with index.open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
                groups[row["file"]] = groups_of(row["language"], row["origin"])
    paths = sorted(path for path in folder.iterdir() if path.suffix in CLIP_SUFFIXES)
    return {path: groups.get(path.name, ()) for path in paths}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clips", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    folders = parser.parse_args()
    folders.out.mkdir(parents=True, exist_ok=True)
    settings = Settings.from_args([], {"HEYGEM_CACHE_DIR": str(folders.out / "cache")})
    engine = build_engines(settings, lambda _: None).engines["mesh"]
    assert isinstance(engine, MeshEngine)
    clips = [read_clip(engine, path, groups) for path, groups in clips_in(folders.clips).items()]
    reports = []
    for clip, speaker in zip(clips, clips[1:] + clips[:1], strict=True):
        report = evaluate_clip(engine, clip, speaker, folders.out)
        reports.append(report)
        write_report(reports, folders.out)  # after each clip: an interrupted run keeps what it has
        own = report.figures["own"]
        print(report.name, *(f"{name} {own[name]:.4g}" for name in PROGRESS_FIGURES), flush=True)


if __name__ == "__main__":
    main()
