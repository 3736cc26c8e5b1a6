"""Makes every template say every speech and measures the finished files, tracked again.

    python -m training.real_pairs TEMPLATES_FOLDER [SPEECH_FOLDER] --out FOLDER

For each pair: does the video have the right length; does the re-tracked opening follow the motion asked for
(correlation, and spread against spread); is a second of silence put into the middle of the speech closed in
every frame after 200 ms. Writes `pairs.json` and the videos, and prints a table.
"""

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import get_args

import numpy as np
import soundfile
from numpy.typing import NDArray

from heygem.engines.base import LipSyncOptions, LipSyncRequest, Living, SilentContext
from heygem.engines.factory import build_engines
from heygem.engines.mesh.engine import MeshEngine
from heygem.engines.mesh.render import Wish
from heygem.engines.mesh.shaping import wanted_gap
from heygem.engines.mesh.speech_motion import full_basis, predict_steps, shape_motion
from heygem.media.audio import decode_speech
from heygem.media.frames import FrameSource
from heygem.media.probe import probe_video
from heygem.media.types import Waveform
from heygem.settings import Settings
from heygem.templates.canonical import VERTEX_COUNT, CanonicalFace, lip_gap
from heygem.templates.face_track import FaceTrack
from heygem.templates.pose import fit_pose
from heygem.templates.tracker import FaceTracker

VIDEO_SUFFIXES = {".mp4", ".mov", ".mkv", ".webm", ".jpg", ".png"}
SOUND_SUFFIXES = {".wav", ".flac", ".mp3", ".m4a"}
CLOSED_MARGIN = 0.02  # in eye distances, above the template's own closed level
SETTLE_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class PairReport:
    """One finished video. Openings in outer-eye-corner distances."""

    template: str
    speech: str
    frames_off: int
    correlation: float
    spread: float  # re-tracked standard deviation over the asked-for one
    open_in_silence: float  # share of frames


def track_file(engine: MeshEngine, path: Path) -> FaceTrack:
    """Track a finished video with the engine's own landmarker."""
    info = probe_video(path)
    with FrameSource(info) as source:
        tracker = FaceTracker(engine.models.landmarker, info.colour)
        return tracker.track(
            source.read() if not info.is_photo else source.read_schedule([0]), lambda _: None
        )


def openings(track: FaceTrack, face: CanonicalFace) -> NDArray[np.float64]:
    """(N,) lip opening in eye distances."""
    points = track.filled_points
    return lip_gap(fit_pose(points, face).to_canonical(points[:, :VERTEX_COUNT])) / face.eye_distance


def with_silence(speech: Waveform, at_seconds: float) -> Waveform:
    """One second of digital silence put in at `at_seconds`."""
    cut = round(at_seconds * speech.rate_hz)
    silence = np.zeros(speech.rate_hz, np.float32)
    return Waveform(np.concatenate([speech.samples[:cut], silence, speech.samples[cut:]]), speech.rate_hz)


def check_pair(
    engine: MeshEngine, template: Path, speech_path: Path, folder: Path, living: Living = "auto"
) -> PairReport:
    """Make one video and measure it."""
    face = engine.face
    spoken = decode_speech(speech_path)
    middle = spoken.duration_seconds / 2
    speech = with_silence(spoken, middle)
    sound = folder / f"{template.stem}__{speech_path.stem}.wav"
    soundfile.write(sound, speech.samples, speech.rate_hz)
    request = LipSyncRequest(sound, template, sound.with_suffix(".mp4"), LipSyncOptions(living=living))
    result = engine.generate(request, SilentContext())
    got = openings(track_file(engine, request.output_path), face)
    with engine.library.lease(template, None, SilentContext()) as prepared:
        portrait = prepared.portrait
        steps = predict_steps(speech, engine.models.encoder, engine.models.motion)
        basis = full_basis(engine.models.motion)
        motion = shape_motion(steps, speech, basis, result.frame_count, result.fps, request.options)
        # Without the bank's gain: it is there so that the opening is seen as asked for.
        wish = Wish.of(portrait, motion, 1.0, engine.renderer.mesh, face)
        asked = wanted_gap(wish.shapes(0, len(motion))) / face.eye_distance
        closed = (
            float(np.quantile(openings(portrait.track, face)[portrait.track.present], 0.10)) + CLOSED_MARGIN
        )
    seconds = np.arange(len(got)) / float(result.fps)
    silent = (seconds >= middle + SETTLE_SECONDS) & (seconds < middle + 1)
    return PairReport(
        template=template.name,
        speech=speech_path.name,
        frames_off=abs(len(got) - round(speech.duration_seconds * float(result.fps))),
        correlation=float(np.corrcoef(got[: len(asked)], asked[: len(got)])[0, 1]),
        spread=float(got.std() / asked.std()),
        open_in_silence=float((got[silent] > closed).mean()),
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Measure finished videos of every template with every speech."
    )
    parser.add_argument("templates", type=Path)
    parser.add_argument("speech", type=Path, nargs="?")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--living", choices=get_args(Living), default="auto", help="of photos")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    settings = Settings.from_args([], {"HEYGEM_CACHE_DIR": str(arguments.out / "cache")})
    engines = build_engines(settings, lambda _: None)
    engine = engines.engines["mesh"]
    assert isinstance(engine, MeshEngine)
    templates = sorted(path for path in arguments.templates.iterdir() if path.suffix in VIDEO_SUFFIXES)
    folder = arguments.speech or arguments.templates
    speeches = sorted(path for path in folder.iterdir() if path.suffix in SOUND_SUFFIXES)
    reports = []
    for template in templates:
        for speech in speeches:
            report = check_pair(engine, template, speech, arguments.out, arguments.living)
            reports.append(asdict(report))
            print(
                f"{report.template:36} {report.speech:20} off {report.frames_off}  "
                f"r {report.correlation:.3f}  spread {report.spread:.2f}  "
                f"open in silence {report.open_in_silence:.2f}",
                flush=True,
            )
    (arguments.out / "pairs.json").write_text(json.dumps(reports, indent=1))


if __name__ == "__main__":
    main()
