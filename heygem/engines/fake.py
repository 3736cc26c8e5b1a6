"""An engine without models: it writes a small real video, as slowly and as faultily as it is told to.

For tests of whatever stands above the engines, and for work on the page. Imports no torch.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from heygem.engines.base import (
    Checkup,
    FaceBox,
    JobContext,
    LipSyncRequest,
    LipSyncResult,
    PreparedTemplate,
    Stage,
    TemplateLook,
)
from heygem.errors import ModelBusyError
from heygem.hardware.device import Device
from heygem.media.probe import probe_audio, probe_video
from heygem.media.types import OutputVideo, YuvFrame
from heygem.media.writer import VideoWriter
from heygem.models.status import ModelState, ModelStatus
from heygem.settings import Settings
from heygem.templates.cache import TemplateCache, content_hash

WIDTH_PX, HEIGHT_PX = 128, 96
MODELS = (("speech-encoder", "Speech encoder"), ("motion", "Motion"))

ONE_FACE: tuple[FaceBox, ...] = ((0.3, 0.2, 0.6, 0.8),)

OnModels = Callable[[tuple[ModelStatus, ...]], None]


def _nothing(stage: Stage) -> None:
    """The default hook."""


class FakeLipSyncEngine:
    """Goes through every stage and writes a video as long as the speech.

    `on_stage` is called on the engine thread as a stage begins: let it raise, wait or count.
    `seconds_per_frame` is how long a frame takes to render, `face_boxes` the faces seen in every template.
    """

    def __init__(
        self,
        cache: TemplateCache,
        *,
        on_stage: Callable[[Stage], None] = _nothing,
        seconds_per_frame: float = 0.0,
        name: str = "mesh",
        face_boxes: tuple[FaceBox, ...] = ONE_FACE,
    ) -> None:
        self.name = name
        self.prepared: list[Path] = []
        self._face_boxes = face_boxes
        self._cache = cache
        self._on_stage = on_stage
        self._seconds_per_frame = seconds_per_frame

    def prepare(
        self, template_path: Path, face_point: tuple[float, float] | None, context: JobContext
    ) -> PreparedTemplate:
        """See `LipSyncEngine`."""
        self._on_stage("template")
        info = probe_video(template_path)
        key = content_hash(template_path)
        was_prepared = self._cache.read(key, "track") is not None
        context.report("template", info.frame_count, info.frame_count)
        if not was_prepared:
            self._cache.write(key, "track", {"points": np.zeros((info.frame_count, 2), np.float32)})
        self.prepared.append(template_path)
        look = TemplateLook(120.0, 5.0, 0.3, still_frame=0, face_boxes=self._face_boxes)
        return PreparedTemplate(key, info.frame_count, 0, was_prepared, look)

    def generate(self, request: LipSyncRequest, context: JobContext) -> LipSyncResult:
        """See `LipSyncEngine`."""
        started_at = time.monotonic()
        self._enter("audio", context)
        audio = probe_audio(request.audio_path)
        fps = request.options.fps or probe_video(request.template_path).fps
        frame_count = max(1, round(Fraction(audio.duration_seconds) * fps))
        with self._cache.lease(content_hash(request.template_path)):
            prepared = self.prepare(request.template_path, request.options.face_point, context)
            self._enter("motion", context)
            self._on_stage("render")
            self._render(request, fps, frame_count, context)
        self._enter("finish", context)
        return LipSyncResult(
            frame_count=frame_count,
            fps=fps,
            width=WIDTH_PX,
            height=HEIGHT_PX,
            duration_seconds=float(frame_count / fps),
            stage_seconds={"render": time.monotonic() - started_at},
            template_was_prepared=prepared.was_prepared,
        )

    def check(self, video_path: Path, request: LipSyncRequest, context: JobContext) -> Checkup:
        """See `LipSyncEngine`."""
        self._enter("template", context)
        probe_video(video_path)
        return Checkup(0.8, 0.9, offset_ms=40.0, frames_without_face=0)

    def rehearse(self) -> None:
        """See `LipSyncEngine`."""

    def _enter(self, stage: Stage, context: JobContext) -> None:
        self._on_stage(stage)
        context.report(stage, 0, 1)

    def _render(self, request: LipSyncRequest, fps: Fraction, frame_count: int, context: JobContext) -> None:
        video = OutputVideo(WIDTH_PX, HEIGHT_PX, fps, frame_count, crf=request.options.quality_crf)
        with VideoWriter(request.output_path, video, request.audio_path) as writer:
            for index in range(frame_count):
                time.sleep(self._seconds_per_frame)
                writer.write(_picture(index))
                context.report("render", index + 1, frame_count)


class FakeEngines:
    """An engine set of one fake engine and two models that take `seconds_per_model` to load."""

    def __init__(
        self,
        settings: Settings,
        on_models: OnModels,
        *,
        on_stage: Callable[[Stage], None] = _nothing,
        seconds_per_frame: float = 0.0,
        seconds_per_model: float = 0.0,
        face_boxes: tuple[FaceBox, ...] = ONE_FACE,
        device: Device | None = None,
    ) -> None:
        self.template_cache = TemplateCache(settings.templates_dir, settings.template_cache_bytes)
        self.engine = FakeLipSyncEngine(
            self.template_cache,
            on_stage=on_stage,
            seconds_per_frame=seconds_per_frame,
            face_boxes=face_boxes,
        )
        self.engines: Mapping[str, FakeLipSyncEngine] = {self.engine.name: self.engine}
        self.device = device or Device("cpu")
        self.clear_count = 0
        self.tidy_count = 0
        self._is_leased = False
        self._on_models = on_models
        self._seconds_per_model = seconds_per_model
        self._models = {name: ModelStatus(name, title, required=True) for name, title in MODELS}
        self._tell()

    def preload(self) -> None:
        """Take every model through its states."""
        for name, title in MODELS:
            for state in (ModelState.VERIFYING, ModelState.LOADING, ModelState.WARMING, ModelState.READY):
                self._models[name] = ModelStatus(name, title, required=True, state=state)
                self._tell()
                if state is ModelState.LOADING:
                    time.sleep(self._seconds_per_model)

    def clear_caches(self) -> None:
        """Drop templates that no job holds, and count the call."""
        self.template_cache.clear_unleased()
        self.clear_count += 1

    def tidy(self) -> None:
        """Count the call."""
        self.tidy_count += 1

    def relieve(self) -> None:
        """There is no memory to be short of."""
        self.clear_caches()

    def let_go(self) -> None:
        """All models back to ABSENT."""
        for name in self._models:
            self.unload_model(name)

    @contextmanager
    def leased(self, engine: str) -> Iterator[None]:
        """All models are in use inside, and loaded if they were not."""
        self._is_leased = True
        for name in self._models:
            self._models[name] = replace(self._models[name], state=ModelState.READY)
        self._tell()
        try:
            yield
        finally:
            self._is_leased = False

    def unload_model(self, name: str) -> int:
        """Back to ABSENT; a megabyte comes back."""
        if self._is_leased:
            raise ModelBusyError(f"{name} is in use.", model=name)
        self._models[name] = replace(self._models[name], state=ModelState.ABSENT)
        self._tell()
        return 1_000_000

    def reload_model(self, name: str) -> None:
        """Ready again."""
        self.unload_model(name)
        self._models[name] = replace(self._models[name], state=ModelState.READY)
        self._tell()

    def _tell(self) -> None:
        self._on_models(tuple(self._models.values()))


def _picture(index: int) -> YuvFrame:
    """A grey ramp that moves by a pixel a frame."""
    ramp = (np.arange(WIDTH_PX) + index) % 200 + 16
    luma = np.broadcast_to(ramp.astype(np.uint8), (HEIGHT_PX, WIDTH_PX))
    chroma = np.full((HEIGHT_PX // 2, WIDTH_PX // 2), 128, np.uint8)
    return YuvFrame(luma, chroma, chroma)
