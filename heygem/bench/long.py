"""Does memory grow with the length of a job?"""

from pathlib import Path

from heygem.bench.inputs import cut_speech, cut_template
from heygem.bench.jobs import run_job, started_studio
from heygem.bench.report import Figure
from heygem.bench.watch import PeakMemory
from heygem.hardware.memory import process_ram_bytes
from heygem.jobs.engine_set import EngineBuilder
from heygem.settings import Settings

SPEECH_SECONDS = 600.0
TEMPLATE_SECONDS = 10.0
HEIGHT = 1080


def measure_long(settings: Settings, build_engines: EngineBuilder | None, folder: Path) -> list[Figure]:
    """Ten minutes of speech on a 1080p template."""
    audio = cut_speech(folder, 0.0, SPEECH_SECONDS)
    template = cut_template(folder, 0.0, TEMPLATE_SECONDS, HEIGHT)
    with started_studio(settings, build_engines) as studio:
        idle_bytes = process_ram_bytes()
        with PeakMemory(studio.telemetry) as peak:
            job = run_job(studio, audio, template)
    return [
        Figure("long.job", "ten-minute 1080p job", job.wall_seconds, "s", f"{job.frame_count} frames"),
        Figure("long.peak_ram", "its peak RAM above idle", peak.ram_bytes - idle_bytes, "bytes"),
    ]
