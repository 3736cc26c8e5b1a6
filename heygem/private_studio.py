"""A studio for one command, with its jobs in a folder of their own: it can work beside a running server."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from heygem.engines.status import EngineStatus
from heygem.jobs.engine_set import EngineBuilder
from heygem.settings import Settings
from heygem.studio import Studio


@contextmanager
def private_studio(
    settings: Settings,
    build_engines: EngineBuilder | None = None,
    *,
    parent: Path | None = None,
) -> Iterator[Studio]:
    """A studio, not yet started, whose jobs and results vanish at the end; prepared templates stay cached.

    Args:
        build_engines: None: the real ones.
        parent: where the folder is made; None: among the temporary files.
    """
    with TemporaryDirectory(prefix=".heygem-", dir=parent) as folder:
        own = replace(settings, data_dir=Path(folder, "data"), output_dir=Path(folder, "outputs"))
        studio = Studio(own, build_engines, prepare_ahead=False)
        try:
            yield studio
        finally:
            studio.stop()


def load_engine(settings: Settings, build_engines: EngineBuilder | None = None) -> EngineStatus:
    """Load and warm everything in this process, and say how that went."""
    with private_studio(replace(settings, preload=True), build_engines) as studio:
        studio.start(wait_for_page=False)
        return studio.wait_ready()
