"""How long a new template takes to prepare, and whether the second use looks at it again."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from heygem.bench.inputs import cut_template
from heygem.bench.report import Figure
from heygem.engines.base import LipSyncEngine, SilentContext
from heygem.jobs.engine_set import EngineBuilder
from heygem.jobs.job import DEFAULT_ENGINE
from heygem.settings import Settings

SECONDS = 10.0
HEIGHT = 1080


def measure_template(
    settings: Settings,
    build_engines: EngineBuilder | None,
    folder: Path,
    seconds: float = SECONDS,
    height: int = HEIGHT,
) -> list[Figure]:
    """Prepare one template twice."""
    template = cut_template(folder, 0.0, seconds, height)
    with loaded_engine(settings, build_engines) as engine:
        started = perf_counter()
        first = engine.prepare(template, None, SilentContext())
        first_seconds = perf_counter() - started
        started = perf_counter()
        second = engine.prepare(template, None, SilentContext())
        second_seconds = perf_counter() - started
    again = 0 if second.was_prepared else second.frame_count
    note = f"{first.frame_count} frames of {height}p, {first.frames_without_face} without a face"
    return [
        Figure("new.prepare", "prepare a new template", first_seconds, "s", note),
        Figure(
            "new.prepare_over_length", "preparation / length of the template", first_seconds / seconds, "x"
        ),
        Figure("new.second_use", "the same template again", second_seconds, "s"),
        Figure("new.detected_again", "frames detected again at the second use", again, ""),
    ]


@contextmanager
def loaded_engine(settings: Settings, build_engines: EngineBuilder | None) -> Iterator[LipSyncEngine]:
    """The default engine, warm, on this thread, with an empty template cache."""
    with TemporaryDirectory(prefix="heygem-bench-") as cache:
        build = build_engines or _real_builder()
        engine_set = build(replace(settings, cache_dir=Path(cache)), lambda statuses: None)
        engine_set.preload()
        yield engine_set.engines[DEFAULT_ENGINE]


def _real_builder() -> EngineBuilder:
    from heygem.engines.factory import build_engines

    return build_engines
