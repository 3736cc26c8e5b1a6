"""One attempt at one video, up to a file that has been looked at with fresh eyes."""

import logging
from pathlib import Path

from heygem.engines.base import LipSyncEngine, LipSyncRequest, LipSyncResult
from heygem.jobs.job import Job
from heygem.jobs.progress import JobWork
from heygem.media.check import check_video

_log = logging.getLogger(__name__)


def make_video(engine: LipSyncEngine, job: Job, work: JobWork, partial: Path) -> LipSyncResult:
    """Write the whole video to `partial`.

    Raises:
        MediaError: an input cannot be used, or the video is not what it should be.
        JobCanceledError: asked for through `work`.
        FaceError, DeviceError: as the engine finds.
    """
    _log.info("attempt %d: %s", job.attempt, job.spec.title)
    partial.parent.mkdir(parents=True, exist_ok=True)
    result = engine.generate(request_of(job, partial), work)
    work.write()  # the last chance to cancel
    check_video(partial, result.frame_count, result.fps, with_audio=True)
    return result


def request_of(job: Job, output_path: Path) -> LipSyncRequest:
    """What the engine is asked for."""
    return LipSyncRequest(job.spec.audio_path, job.spec.template_path, output_path, job.spec.options)
