"""`python -m heygem batch`: every speech said by every person, from the command line."""

import argparse
import sys
from pathlib import Path

from heygem.cli_options import add_engine_options, check_inputs, engine_options
from heygem.console import ProgressLine, complain, say
from heygem.ending import DONE, FAILED, expect_alive, interrupt_on_sigterm
from heygem.errors import SettingsError
from heygem.jobs.archive import Batch
from heygem.jobs.batch import BatchSpec, Source
from heygem.jobs.engine_set import EngineBuilder
from heygem.jobs.job import Job, JobState
from heygem.jobs.outputs import distinct_names, download_name
from heygem.log import configure_logging
from heygem.private_studio import private_studio
from heygem.settings import Settings
from heygem.studio import Studio

POLL_SECONDS = 0.5  # between two looks at the batch


def add_batch_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of the command."""
    parser.add_argument("--audio", type=Path, nargs="+", required=True, help="speech recordings")
    parser.add_argument("--template", type=Path, nargs="+", required=True, help="videos or photos of people")
    parser.add_argument("--out-dir", type=Path, required=True, help="where the videos go")
    parser.add_argument(
        "--order",
        choices=("template", "speech"),
        default="template",
        help="person by person (default) or speech by speech",
    )
    add_engine_options(parser)


def batch(arguments: argparse.Namespace, settings: Settings, build_engines: EngineBuilder | None) -> int:
    """Make a video of every speech with every template; one that fails does not stop the others."""
    configure_logging(settings.log_dir, to_terminal=False)
    check_inputs(*arguments.audio, *arguments.template)
    folder = arguments.out_dir.resolve()
    if not folder.is_dir():
        raise SettingsError(f"The folder {folder} is not there: make it, or choose another for --out-dir.")
    spec = BatchSpec(
        tuple(map(Source, arguments.audio)),
        tuple(map(Source, arguments.template)),
        engine_options(arguments),
        order=arguments.order,
    )
    interrupt_on_sigterm()
    with private_studio(settings, build_engines, parent=folder) as studio:
        batch_id = studio.submit_batch(spec)
        studio.start(wait_for_page=False)
        try:
            _follow(studio, batch_id)
        finally:  # what is done stays done, however the rest ended
            jobs = studio.archive.jobs_of_batch(batch_id)
            for path in _moved(jobs, folder):
                say(str(path))
    missing = [job for job in jobs if job.state is not JobState.SUCCEEDED]
    for job in missing:
        complain(f"heygem: {job.spec.title}: {job.error_message or job.state.value}")
    return FAILED if missing else DONE


def _follow(studio: Studio, batch_id: str) -> None:
    """Show "3 / 12" until nothing is left to do.

    Raises:
        ModelError: the engine did not come up.
        DeviceLostError: only a new process helps.
    """
    progress = ProgressLine(sys.stderr)
    try:
        while (shown := studio.archive.batch(batch_id)).finished < shown.total:
            expect_alive(studio.status().engine)
            progress.show(f"{shown.finished} / {shown.total}", _at_work(studio, shown))
            running = studio.jobs.in_state(JobState.RUNNING, JobState.PENDING)
            studio.wait_job(running[0].id, POLL_SECONDS)
    finally:
        progress.close()


def _at_work(studio: Studio, shown: Batch) -> str:
    running = studio.jobs.in_state(JobState.RUNNING)
    if not running:
        return "initializing"
    job = running[0]
    return f"{job.spec.title} {job.stage} {job.done}/{job.total}" if job.total else job.spec.title


def _moved(jobs: tuple[Job, ...], folder: Path) -> list[Path]:
    """The results under names a person can read; nothing that lies there already is overwritten."""
    done = [job for job in jobs if job.output_path is not None]
    taken = [path.name for path in folder.iterdir()]
    names = distinct_names([*taken, *(download_name(job.spec.title) for job in done)])[len(taken) :]
    paths = [folder / name for name in names]
    for job, path in zip(done, paths, strict=True):
        assert job.output_path is not None
        job.output_path.replace(path)
    return paths
