"""What loading ahead is worth: the same first job, on resident models and on models that it has to load."""

from dataclasses import replace
from pathlib import Path
from statistics import median

from heygem.bench.inputs import cut_speech, cut_template
from heygem.bench.jobs import run_job, started_studio
from heygem.bench.process import in_fresh_process
from heygem.bench.report import Figure
from heygem.jobs.engine_set import EngineBuilder
from heygem.settings import Settings

SPEECH_SECONDS = 4.0
TEMPLATE_SECONDS = 2.0
ROUNDS = 3


def measure_residency(
    settings: Settings, build_engines: EngineBuilder | None, folder: Path, rounds: int = ROUNDS
) -> list[Figure]:
    """The waits of fresh processes for the same job, with and without preloading in turns."""
    audio = cut_speech(folder, 0.3, SPEECH_SECONDS)
    template = cut_template(folder, 0.3, TEMPLATE_SECONDS)
    waits: dict[bool, list[float]] = {True: [], False: []}
    for preload in (True, False) * rounds:
        own = replace(settings, preload=preload)
        waits[preload].append(in_fresh_process(first_wait, own, build_engines, audio, template))
    resident_seconds, loading_seconds = median(waits[True]), median(waits[False])
    saved_percent = 100 * (1 - resident_seconds / loading_seconds)
    return [
        Figure("residency.resident", "first job, preloaded", resident_seconds, "s", f"median of {rounds}"),
        Figure("residency.loading", "the same with --no-preload", loading_seconds, "s"),
        Figure("residency.saved", "waiting saved by preloading", saved_percent, "%"),
    ]


def first_wait(settings: Settings, build_engines: EngineBuilder | None, audio: Path, template: Path) -> float:
    """Seconds from submission to result of the first job of this process, once its engine is READY."""
    with started_studio(settings, build_engines) as studio:
        return run_job(studio, audio, template).wall_seconds
