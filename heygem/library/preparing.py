"""Preparing a template ahead of its first job, as an errand of the engine thread."""

from pathlib import Path

from heygem.engines.base import JobContext
from heygem.errors import HeyGemError, JobCanceledError, LibraryError, TemplateNotFoundError
from heygem.jobs.engine_set import EngineSet
from heygem.jobs.errands import ErrandKind
from heygem.jobs.job import DEFAULT_ENGINE
from heygem.library.pictures import write_still
from heygem.library.store import TemplateStore
from heygem.library.template import Footage, Template
from heygem.media.probe import probe_video
from heygem.media.types import VideoInfo

ATTEMPT_LIMIT = 3  # a template that ends the process so often is left alone


class PrepareTemplate:
    """See `heygem.jobs.errands.Errand`."""

    kind: ErrandKind = "prepare"

    def __init__(self, store: TemplateStore, template: Template, *, goes_first: bool) -> None:
        self.key = errand_key(template.id)
        self.goes_first = goes_first
        self._store = store
        self._id = template.id

    def run(self, engines: EngineSet, context: JobContext) -> None:
        """Prepare it, and write down what was seen."""
        try:
            template = self._store.begin(self._id)
        except TemplateNotFoundError:  # deleted meanwhile
            return
        if template.attempts > ATTEMPT_LIMIT:
            raise LibraryError(f"HeyGem ended {ATTEMPT_LIMIT} times while it prepared this template.")
        info = probe_video(template.path)
        engine = engines.engines[DEFAULT_ENGINE]
        try:
            with engines.leased(engine.name):
                outcome = engine.prepare(template.path, template.face_point, context)
        except JobCanceledError:
            self._store.put_back(self._id)
            raise
        if outcome.look.still_frame and not template.is_default:
            write_still(info, outcome.look.still_frame, still_path(template.path))
        self._store.prepared(self._id, footage_of(info), outcome)

    def failed(self, error: HeyGemError) -> None:
        """Write down why."""
        self._store.unusable(self._id, error)


def errand_key(template_id: str) -> str:
    """The key of the errand that prepares a template."""
    return f"prepare template {template_id}"


def footage_of(info: VideoInfo) -> Footage:
    """What is kept of a probe."""
    return Footage(info.width, info.height, info.fps, info.frame_count, info.duration_seconds, info.is_photo)


def still_path(path: Path) -> Path:
    """Where the still picture of an added template lies, beside it."""
    return path.with_name(f"{path.stem}.still.jpg")


def preview_path(path: Path) -> Path:
    """Where its short clip lies."""
    return path.with_name(f"{path.stem}.preview.mp4")
