"""`python -m heygem serve | preload | generate | batch | templates | models | bench | soak | doctor`.

Exit codes: 0 done, 1 it could not be done, 2 the command itself is wrong, 75 the device is lost and another
try may help, 130 interrupted. Imports no torch and no gradio, so that every command answers at once and
`bench` runs where no page is installed.
"""

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import get_args

from heygem.bench import PartName
from heygem.cli_batch import add_batch_arguments, batch
from heygem.cli_options import add_engine_options, check_inputs, engine_options
from heygem.cli_templates import add_template_arguments, templates
from heygem.console import ProgressLine, byte_size, complain, say, table
from heygem.ending import (
    DONE,
    FAILED,
    INTERRUPTED,
    MISUSED,
    end_without_device,
    expect_alive,
    interrupt_on_sigterm,
)
from heygem.engines.status import EngineStatus
from heygem.errors import DeviceLostError, HeyGemError, SettingsError
from heygem.jobs.engine_set import EngineBuilder
from heygem.jobs.job import Job, JobSpec, JobState
from heygem.log import configure_logging
from heygem.models.status import ModelStatus
from heygem.models_command import add_models_arguments
from heygem.private_studio import load_engine, private_studio
from heygem.settings import Settings, add_settings_arguments
from heygem.soak import EngineName, SoakName
from heygem.studio import Studio

POLL_SECONDS = 0.2  # between two looks at a job
CANCEL_SECONDS = 10.0  # what an interrupted job gets to clean up

Command = Callable[[argparse.Namespace, Settings, EngineBuilder | None], int]


def main(
    argv: Sequence[str], environ: Mapping[str, str] = os.environ, build_engines: EngineBuilder | None = None
) -> int:
    """Run one command and return its exit code.

    Args:
        build_engines: what makes the engines; None: the real ones.
    """
    arguments = _parser().parse_args(argv)
    command: Command = arguments.command
    try:
        return command(arguments, Settings.from_namespace(arguments, environ), build_engines)
    except SettingsError as error:
        complain(f"heygem: {error}")
        return MISUSED
    except DeviceLostError as error:
        complain(f"heygem: {error}")
        end_without_device()  # the traceback of `error` holds the studio
    except HeyGemError as error:
        complain(f"heygem: {error}")
        return FAILED
    except KeyboardInterrupt:
        complain("heygem: interrupted.")
        return INTERRUPTED


def serve(arguments: argparse.Namespace, settings: Settings, build_engines: EngineBuilder | None) -> int:
    """The page and the engine, until interrupted."""
    from heygem.server.run import serve as run_server

    configure_logging(settings.log_dir)
    return run_server(settings, build_engines)


def preload(arguments: argparse.Namespace, settings: Settings, build_engines: EngineBuilder | None) -> int:
    """Load, warm and check every model, and say what each took."""
    configure_logging(settings.log_dir, to_terminal=False)
    status = load_engine(settings, build_engines)
    if status.models:
        say(_models_table(status))
    expect_alive(status)
    say(
        f"\nREADY on {status.device} after {status.ready_seconds or 0.0:.1f} s. {status.device_note}".rstrip()
    )
    return DONE


def generate(arguments: argparse.Namespace, settings: Settings, build_engines: EngineBuilder | None) -> int:
    """Make one video."""
    configure_logging(settings.log_dir, to_terminal=False)
    check_inputs(arguments.audio, arguments.template)
    out = _checked_output(arguments.out, (arguments.audio, arguments.template))
    spec = JobSpec(arguments.audio, arguments.template, options=engine_options(arguments))
    interrupt_on_sigterm()
    with private_studio(settings, build_engines, parent=out.parent) as studio:
        job = studio.submit(spec)
        studio.start(wait_for_page=False)
        job = _follow(studio, job)
        if job.state is not JobState.SUCCEEDED or job.output_path is None:
            complain(f"heygem: {job.error_message}")
            return FAILED
        job.output_path.replace(out)
    say(str(out))
    return DONE


def bench(arguments: argparse.Namespace, settings: Settings, build_engines: EngineBuilder | None) -> int:
    """Measure what HeyGem promises."""
    from heygem.bench.run import run_bench

    configure_logging(settings.log_dir, to_terminal=False)
    return run_bench(
        settings, build_engines, only=arguments.only, long=arguments.long, json_path=arguments.json
    )


def soak(arguments: argparse.Namespace, settings: Settings, build_engines: EngineBuilder | None) -> int:
    """Kill, crowd and fill up a queue, and see whether it loses anything."""
    from heygem.soak.run import run_soak

    configure_logging(settings.log_dir, to_terminal=False)
    return run_soak(
        settings,
        only=arguments.only,
        engine=arguments.engine,
        kills=arguments.kills,
        jobs=arguments.jobs,
        json_path=arguments.json,
    )


def doctor(arguments: argparse.Namespace, settings: Settings, build_engines: EngineBuilder | None) -> int:
    """Look for what is wrong."""
    from heygem.doctor import run_doctor

    configure_logging(settings.log_dir, to_terminal=False)
    return run_doctor(settings, build_engines, load=arguments.load)


def models(arguments: argparse.Namespace, settings: Settings, build_engines: EngineBuilder | None) -> int:
    """List, fetch, check, link, import and tidy up models."""
    from heygem.models_command import run_models

    return run_models(arguments, settings)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m heygem", description="A studio for talking videos.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_command(commands, "serve", serve)
    _add_command(commands, "preload", preload)
    _add_generate_arguments(_add_command(commands, "generate", generate))
    add_batch_arguments(_add_command(commands, "batch", batch))
    add_template_arguments(_add_command(commands, "templates", templates))
    add_models_arguments(_add_command(commands, "models", models))
    bench_parser = _add_command(commands, "bench", bench)
    bench_parser.add_argument("--json", type=Path, metavar="PATH", help="write the figures to this file too")
    bench_parser.add_argument("--only", nargs="+", choices=get_args(PartName), help="measure these parts")
    bench_parser.add_argument("--long", action="store_true", help="add the ten-minute job")
    soak_parser = _add_command(commands, "soak", soak)
    soak_parser.add_argument("--only", nargs="+", choices=get_args(SoakName), help="do these")
    soak_parser.add_argument(
        "--engine",
        choices=get_args(EngineName),
        default="tiny",
        help="a small fast one, or the real one",
    )
    soak_parser.add_argument("--kills", type=int, default=200, help="how many (default: %(default)s)")
    soak_parser.add_argument("--jobs", type=int, default=100, help="how many jobs (default: %(default)s)")
    soak_parser.add_argument("--json", type=Path, metavar="PATH", help="write the figures to this file too")
    doctor_parser = _add_command(commands, "doctor", doctor)
    doctor_parser.add_argument("--load", action="store_true", help="load and warm every model here too")
    return parser


def _add_command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, command: Command
) -> argparse.ArgumentParser:
    """A command with the flags that all share; its help is the first line of the function's docstring."""
    text = (command.__doc__ or "").strip()
    parser = commands.add_parser(name, help=text, description=text)
    parser.set_defaults(command=command)
    add_settings_arguments(parser)
    return parser


def _add_generate_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--audio", type=Path, required=True, help="the speech: a sound file, or a video with sound"
    )
    parser.add_argument("--template", type=Path, required=True, help="the person: a video or a photo")
    parser.add_argument("--out", type=Path, required=True, help="the video to make (.mp4)")
    add_engine_options(parser)


def _checked_output(out: Path, inputs: Sequence[Path]) -> Path:
    """`out` absolute, if a result may go there.

    Raises:
        SettingsError: it may not.
    """
    out = out.resolve()
    if out.suffix.lower() != ".mp4":
        raise SettingsError(
            f"The result is an MP4 video: give --out a name that ends in .mp4, not {out.name}."
        )
    if not out.parent.is_dir():
        raise SettingsError(f"The folder {out.parent} is not there: make it, or choose another for --out.")
    if out in [path.resolve() for path in inputs]:
        raise SettingsError(f"--out {out.name} would overwrite its own input: choose another name.")
    return out


def _follow(studio: Studio, job: Job) -> Job:
    """Show progress until the job is over; an interruption cancels it.

    Raises:
        ModelError: the engine did not come up.
        DeviceLostError: only a new process helps.
    """
    progress = ProgressLine(sys.stderr)
    try:
        while not job.state.is_final:
            engine = studio.status().engine
            expect_alive(engine)
            progress.show(*_progress_of(job, engine))
            job = studio.wait_job(job.id, POLL_SECONDS)
    except KeyboardInterrupt:
        studio.cancel(job.id)
        studio.wait_job(job.id, CANCEL_SECONDS)
        raise
    finally:
        progress.close()
    return job


def _progress_of(job: Job, engine: EngineStatus) -> tuple[str, str]:
    """Headline and figures of the progress line."""
    if job.stage:
        return job.stage, f"{job.done}/{job.total}" if job.total else ""
    return "initializing", f"{engine.ready_models} of {len(engine.models)} {engine.step}".rstrip()


def _models_table(status: EngineStatus) -> str:
    times = ("verify s", "load s", "GB/s", "warm s")
    header = ("model", "state", "on disk", "resident", *times, "golden", "shapes")
    goldens = {True: "same", False: "DIFFERENT", None: "-"}
    rows = [
        (
            model.name,
            model.state.value,
            byte_size(model.bytes_on_disk),
            byte_size(model.bytes_resident),
            f"{model.verify_seconds:.2f}",
            f"{model.load_seconds:.2f}",
            _wire(model),
            f"{model.warm_seconds:.2f}",
            goldens[model.golden_ok],
            " ".join(model.warmed_buckets),
        )
        for model in status.models
    ]
    return table(header, rows)


def _wire(model: ModelStatus) -> str:
    """How fast its weights came, of what the wire allowed in this run."""
    rate = model.transfer_bytes_per_second
    if rate is None:
        return "-"
    return f"{rate / 1e9:.1f} of {max(rate, model.ceiling_bytes_per_second) / 1e9:.1f}"
