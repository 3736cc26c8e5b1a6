"""A hundred short videos in a row: is the last as fast as the first, and is memory flat?"""

from collections.abc import Sequence
from pathlib import Path
from statistics import median

import numpy as np

from heygem.bench.jobs import started_studio
from heygem.bench.render import transcode
from heygem.bench.report import Figure
from heygem.bench.watch import used_vram_bytes
from heygem.hardware.memory import process_ram_bytes
from heygem.jobs.batch import BatchSpec, Source
from heygem.jobs.job import JobState
from heygem.settings import Settings
from heygem.soak import EngineName
from heygem.soak.inputs import short_speeches, short_template
from heygem.soak.victim import engines_named

SETTLED_AFTER = 10  # items: caches are filled, allocators have their blocks


def measure_batch(settings: Settings, folder: Path, engine: EngineName, items: int) -> list[Figure]:
    """One batch of different recordings on one template."""
    speeches = tuple(Source(path) for path in short_speeches(folder, items, engine))
    batch = BatchSpec(speeches, (Source(short_template(folder, engine)),))
    ram_bytes, vram_bytes = [], []
    with started_studio(settings, engines_named(engine)) as studio:
        batch_id = studio.submit_batch(batch)
        for job in studio.archive.jobs_of_batch(batch_id):
            studio.wait_job(job.id)
            ram_bytes.append(process_ram_bytes())
            vram_bytes.append(used_vram_bytes(studio.telemetry()))
        jobs = studio.archive.jobs_of_batch(batch_id)
    done = [job for job in jobs if job.state is JobState.SUCCEEDED]
    seconds = [(job.finished_at or 0.0) - (job.started_at or 0.0) for job in done]
    usual, slow = median(seconds), float(np.percentile(seconds, 95))
    clip, speech = batch.templates[0].path, speeches[0].path
    plain = [transcode(clip, speech, folder / "transcode.mp4").wall_seconds for _ in jobs]
    own_spread = float(np.percentile(plain, 95)) / median(plain)
    return [
        Figure("batch.not_done", "items not done", len(jobs) - len(done), "", f"of {len(jobs)}"),
        Figure("batch.median", "median item", usual, "s"),
        Figure("batch.p95_over_median", "95th percentile / median", slow / usual, "x", f"{slow:.2f} s"),
        Figure("batch.own_spread", "the same of as many transcodes", own_spread, "x", "of the machine"),
        _growth("batch.growth", "RAM", ram_bytes),
        _growth("batch.vram_growth", "VRAM", vram_bytes),
    ]


def _growth(key: str, memory: str, used_bytes: Sequence[int | None]) -> Figure:
    """`used_bytes` after each item."""
    title = f"{memory} at the end above that after item {SETTLED_AFTER}"
    settled, last = used_bytes[min(SETTLED_AFTER, len(used_bytes) - 1)], used_bytes[-1]
    if settled is None or last is None:
        return Figure(key, title, None, "bytes", "no GPU that tells")
    return Figure(key, title, max(0, last - settled), "bytes", f"{settled / 1e9:.2f} GB then")
