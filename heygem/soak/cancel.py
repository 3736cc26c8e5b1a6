"""How long after Cancel does a job stop, at each of its stages?"""

import time
from pathlib import Path
from threading import Event

from heygem.bench.inputs import cut_speech, cut_template
from heygem.bench.jobs import started_studio
from heygem.bench.report import BenchError, Figure
from heygem.engines.base import STAGES, Stage
from heygem.jobs.job import JobSpec, JobState
from heygem.settings import Settings
from heygem.soak import EngineName
from heygem.soak.victim import engines_named
from heygem.studio import Studio

# The last stage is over before anybody can press a button, and so are all but one of the tiny engine.
STAGES_ASKED: dict[str, tuple[Stage, ...]] = {"tiny": ("render",), "mesh": STAGES[:-1]}
SPEECH_SECONDS = {"tiny": 8.0, "mesh": 120.0}
TEMPLATE_SECONDS = 4.0
LONGEST_SECONDS = 300.0
POLL_SECONDS = 0.005


def measure_cancel(settings: Settings, folder: Path, engine: EngineName) -> list[Figure]:
    """The slowest of one cancel at each stage, on a new template and a new speech each."""
    seconds: dict[Stage, float] = {}
    with started_studio(settings, engines_named(engine)) as studio:
        for number, stage in enumerate(STAGES_ASKED[engine]):
            spec = JobSpec(
                cut_speech(folder, 0.5 * number, SPEECH_SECONDS[engine]),
                cut_template(folder, 0.5 * number, TEMPLATE_SECONDS),
            )
            seconds[stage] = _seconds_to_stop(studio, spec, stage)
    note = ", ".join(f"{stage} {value:.2f} s" for stage, value in seconds.items())
    return [Figure("cancel.slowest", "Cancel to canceled, slowest stage", max(seconds.values()), "s", note)]


def _seconds_to_stop(studio: Studio, spec: JobSpec, stage: Stage) -> float:
    pause, began, job = Event(), time.monotonic(), studio.submit(spec)
    while studio.jobs.get(job.id).stage != stage:
        if studio.jobs.get(job.id).state.is_final or time.monotonic() - began > LONGEST_SECONDS:
            raise BenchError(f"The job was not seen at its stage “{stage}”.")
        pause.wait(POLL_SECONDS)
    began = time.monotonic()
    studio.cancel(job.id)
    if studio.wait_job(job.id, LONGEST_SECONDS).state is not JobState.CANCELED:
        raise BenchError(f"The job was not canceled at its stage “{stage}”.")
    return time.monotonic() - began
