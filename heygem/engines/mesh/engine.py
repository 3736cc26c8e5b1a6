"""The mesh engine: one job from files to a finished video, on models that are already resident."""

import time
import wave
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from heygem.engines.base import (
    STAGES,
    Checkup,
    JobContext,
    LipSyncOptions,
    LipSyncRequest,
    LipSyncResult,
    LoopMode,
    PreparedTemplate,
    SilentContext,
    Stage,
)
from heygem.engines.label import VisibleLabel
from heygem.engines.mesh.checkup import check_video
from heygem.engines.mesh.hearing import HeardSpeech
from heygem.engines.mesh.library import PortraitLibrary, PreparedPortrait
from heygem.engines.mesh.look import look_at
from heygem.engines.mesh.models import MeshModels
from heygem.engines.mesh.photo.living_photo import LivingPhoto
from heygem.engines.mesh.render import FrameRenderer, RenderPlan
from heygem.engines.mesh.speech_motion import Motion, full_basis, predict_steps, shape_motion
from heygem.media.audio import decode_speech
from heygem.media.frames import FrameSource
from heygem.media.probe import probe_audio, probe_video
from heygem.media.threads import FrameSink, prefetched
from heygem.media.types import OutputVideo, VideoInfo, Waveform, YuvFrame
from heygem.media.writer import VideoWriter
from heygem.templates.cache import TemplateCache
from heygem.templates.canonical import CanonicalFace

FRAMES_AHEAD = 8
REHEARSAL_CACHE_BYTES = 1 << 28


class StageClock:
    """Wall seconds by stage: starting one ends the one before."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = dict.fromkeys(STAGES, 0.0)
        self._stage: Stage = STAGES[0]
        self._since = time.perf_counter()

    def start(self, stage: Stage) -> None:
        now = time.perf_counter()
        self.seconds[self._stage] += now - self._since
        self._stage, self._since = stage, now


@dataclass(frozen=True, slots=True)
class MeshEngine:
    """Any face, native resolution, CPU or GPU. A job leaves no trace in it."""

    models: MeshModels
    face: CanonicalFace
    library: PortraitLibrary
    renderer: FrameRenderer
    rehearsal_clip: Path  # a tiny template
    heard: HeardSpeech
    name: str = "mesh"

    def prepare(
        self, template_path: Path, face_point: tuple[float, float] | None, context: JobContext
    ) -> PreparedTemplate:
        """Track the template and fill its mouth bank, unless the cache has both."""
        with self.library.lease(template_path, face_point, context) as prepared:
            track = prepared.portrait.track
            look = look_at(prepared.portrait, prepared.info, self.models.landmarker)
            return PreparedTemplate(prepared.key, len(track), track.absent_count, prepared.was_prepared, look)

    def generate(self, request: LipSyncRequest, context: JobContext) -> LipSyncResult:
        """Sound, template, motion, picture: one pass over the frames, one lossy encode."""
        options, clock = request.options, StageClock()
        speech = self._listen(request.audio_path, context)
        clock.start("template")
        with self.library.lease(request.template_path, options.face_point, context) as prepared:
            clock.start("motion")
            info = prepared.info
            # The clip is opened, and its first frames decoded, while the motion is made.
            template = _read(info, _schedule(speech, info, prepared, options))
            with prefetched(template, FRAMES_AHEAD) as frames:
                plan = self.plan(speech, info, prepared, options, context)
                clock.start("render")
                self._render(request, info, plan, frames, context)
        clock.start("finish")
        context.report("finish", 1, 1)
        fps = options.fps or info.fps
        return LipSyncResult(
            frame_count=len(plan),
            fps=fps,
            width=info.width,
            height=info.height,
            duration_seconds=float(len(plan) / fps),
            stage_seconds=clock.seconds,
            template_was_prepared=prepared.was_prepared,
        )

    def check(self, video_path: Path, request: LipSyncRequest, context: JobContext) -> Checkup:
        """Track the finished video and compare it with the motion that was asked for."""
        info = probe_video(video_path)
        speech = self._listen(request.audio_path, context)
        motion = self.motion_of(speech, info.fps, request.options, context)
        point = request.options.face_point
        return check_video(info, motion, self.face, self.models.landmarker, point, context)

    def rehearse(self) -> None:
        """One tiny job through the real code, in a folder and a template cache that are thrown away."""
        with TemporaryDirectory(prefix="heygem-rehearsal-") as name:
            folder = Path(name)
            library = self.library.for_rehearsal(TemplateCache(folder / "templates", REHEARSAL_CACHE_BYTES))
            speech = _second_of_babble(folder / "speech.wav")
            request = LipSyncRequest(speech, self.rehearsal_clip, folder / "rehearsal.mp4")
            replace(self, library=library, heard=HeardSpeech()).generate(request, SilentContext())

    def forget(self) -> None:
        """Drop what earlier jobs left in memory; models, and what is on the disk, stay."""
        self.library.forget()
        self.heard.forget()

    def _listen(self, audio_path: Path, context: JobContext) -> Waveform:
        """The speech at 16 kHz; reports seconds heard, so that a long file can be canceled."""
        total = round(probe_audio(audio_path).duration_seconds)
        return decode_speech(audio_path, lambda seconds: context.report("audio", seconds, total))

    def plan(
        self,
        speech: Waveform,
        info: VideoInfo,
        prepared: PreparedPortrait,
        options: LipSyncOptions,
        context: JobContext,
    ) -> RenderPlan:
        """Everything that is decided before the first pixel; reports the windows of sound that were heard."""
        schedule = _schedule(speech, info, prepared, options)
        fps = options.fps or info.fps
        motion = self.motion_of(speech, fps, options, context)
        portrait = prepared.portrait
        plan = self.renderer.plan(portrait, prepared.bank, motion, schedule, options, info.fps)
        if not info.is_photo or options.living == "off":
            return plan
        with FrameSource(info) as source:
            photo = next(iter(source.read_schedule([0])))
            living = LivingPhoto.of(photo, portrait, motion, self.face, float(fps), options.living)
        return replace(plan, living=living)

    def motion_of(
        self, speech: Waveform, fps: Fraction, options: LipSyncOptions, context: JobContext
    ) -> Motion:
        """The mouth motion of every output frame. Speech that was heard lately is not heard again."""
        steps = self.heard.of(
            sha256(speech.samples.tobytes()).hexdigest(),
            lambda: predict_steps(
                speech,
                self.models.encoder,
                self.models.motion,
                lambda done, total: context.report("motion", done, total),
            ),
        )
        context.report("motion", 1, 1)  # also where it was heard before: a canceled job ends here
        basis = full_basis(self.models.motion)
        return shape_motion(steps, speech, basis, _frame_count(speech, fps), fps, options)

    def _render(
        self,
        request: LipSyncRequest,
        info: VideoInfo,
        plan: RenderPlan,
        frames: Iterator[YuvFrame],
        context: JobContext,
    ) -> None:
        """Decode, draw and encode, each on a thread of its own; memory does not grow with length."""
        options = request.options
        fps = options.fps or info.fps
        output = OutputVideo(info.width, info.height, fps, len(plan), info.colour, crf=options.quality_crf)
        with (
            VideoWriter(request.output_path, output, request.audio_path) as writer,
            FrameSink(writer.write, FRAMES_AHEAD) as sink,
        ):
            if plan.living:
                frames = plan.living.blinking(frames)
            label = VisibleLabel(info.width, info.height) if options.visible_label else None
            for done, frame in enumerate(self.renderer.draw(frames, plan), 1):
                sink.put(label.over(frame) if label else frame)
                context.report("render", done, len(plan))


def _schedule(
    speech: Waveform, info: VideoInfo, prepared: PreparedPortrait, options: LipSyncOptions
) -> NDArray[np.int64]:
    """(T,) template frame under each output frame."""
    fps, frames = options.fps or info.fps, len(prepared.portrait.track)
    return base_frames(_frame_count(speech, fps), fps, frames, info.fps, options.loop_mode)


def _frame_count(speech: Waveform, fps: Fraction) -> int:
    """The video is as long as the speech."""
    return max(1, round(len(speech.samples) * fps / speech.rate_hz))


def _read(info: VideoInfo, schedule: NDArray[np.int64]) -> Iterator[YuvFrame]:
    """The scheduled frames; the clip is open no longer than that."""
    with FrameSource(info) as source:
        yield from source.read_schedule(schedule.tolist())


def _second_of_babble(path: Path) -> Path:
    """Write one second of noise that swells like syllables."""
    seconds = np.arange(16000) / 16000
    noise = np.random.default_rng(0).normal(size=16000) * np.sin(seconds * np.pi * 4) ** 2
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))
        file.writeframes((noise * 3000).astype("<i2").tobytes())
    return path


def base_frames(
    count: int, fps: Fraction, template_frames: int, template_fps: Fraction, mode: LoopMode
) -> NDArray[np.int64]:
    """Which template frame lies under each of `count` output frames: (T,) int64.

    Ping-pong does not double the end frames; freeze stays on the last one.
    """
    # Exact in integers: output frame i is shown at i/fps, over the template frame nearest in time.
    numerator, denominator = (template_fps / fps).as_integer_ratio()
    position = (2 * np.arange(count, dtype=np.int64) * numerator + denominator) // (2 * denominator)
    last = template_frames - 1
    if mode == "freeze" or last == 0:
        return np.minimum(position, last)
    if mode == "loop":
        return position % template_frames
    folded = position % (2 * last)
    return np.minimum(folded, 2 * last - folded)
