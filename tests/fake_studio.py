"""A studio on a fake engine, for tests of what stands above it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from heygem.assets.catalog import DEFAULT_SPEECHES, REHEARSAL_CLIP
from heygem.engines.base import FaceBox, Stage
from heygem.engines.fake import ONE_FACE, FakeEngines
from heygem.jobs.job import Job, JobSpec
from heygem.settings import Settings
from heygem.studio import Studio

SPEECH = DEFAULT_SPEECHES[0].audio_path
CLIP = REHEARSAL_CLIP


def settings_in(folder: Path) -> Settings:
    """Settings that keep to `folder`."""
    argv = ["--data-dir", f"{folder}/data", "--output-dir", f"{folder}/out", "--device", "cpu", "--port", "0"]
    return Settings.from_args(argv, {"HEYGEM_CACHE_DIR": f"{folder}/cache"})


@contextmanager
def fake_studio(
    folder: Path,
    *,
    start: bool = True,
    on_stage: Callable[[Stage], None] | None = None,
    seconds_per_frame: float = 0.0,
    face_boxes: tuple[FaceBox, ...] = ONE_FACE,
) -> Iterator[Studio]:
    """A studio whose jobs are written by `FakeEngines`; without `start` nothing serves them."""
    engines = partial(FakeEngines, seconds_per_frame=seconds_per_frame, face_boxes=face_boxes)
    if on_stage is not None:
        engines = partial(engines, on_stage=on_stage)
    studio = Studio(settings_in(folder), engines)
    try:
        if start:
            studio.start(wait_for_page=False)
        yield studio
    finally:
        studio.stop()


def finished_job(studio: Studio, title: str = "") -> Job:
    """A job that is over."""
    return studio.wait_job(studio.submit(JobSpec(SPEECH, CLIP, title=title)).id, 60)
