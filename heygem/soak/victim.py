"""The process that is killed: it serves the jobs of one folder until nothing is left to do.

`python -m heygem.soak.victim FOLDER ENGINE`
"""

import sys
from functools import partial
from pathlib import Path

from heygem.engines.fake import FakeEngines
from heygem.jobs.engine_set import EngineBuilder
from heygem.jobs.job import JobState
from heygem.settings import Settings
from heygem.studio import Studio

SECONDS_PER_FRAME = 0.03


def settings_of(folder: Path) -> Settings:
    """Everything below `folder`; models load on first use."""
    return Settings(
        data_dir=folder / "data",
        cache_dir=folder / "cache",
        model_cache_dir=folder / "models",
        output_dir=folder / "outputs",
        device="cpu",
        preload=False,
        free_disk_reserve_bytes=0,
    )


def engines_named(name: str) -> EngineBuilder | None:
    """ "tiny": writes small real videos, slowly; "mesh": the real one."""
    return partial(FakeEngines, seconds_per_frame=SECONDS_PER_FRAME) if name == "tiny" else None


def serve_all(folder: Path, engine: str) -> None:
    """Until no job waits or runs."""
    studio = Studio(settings_of(folder), engines_named(engine))
    studio.start(wait_for_page=False)
    for job in studio.jobs.in_state(JobState.PENDING, JobState.RUNNING):
        studio.wait_job(job.id)
    studio.stop()


if __name__ == "__main__":
    serve_all(Path(sys.argv[1]), sys.argv[2])
