"""Runs the soaks one after the other and shows what they found."""

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import get_args

from heygem.bench.process import in_fresh_process
from heygem.bench.report import Figure, show_report, verdict, write_report
from heygem.bench.run import describe_device
from heygem.console import complain, say
from heygem.errors import HeyGemError
from heygem.settings import Settings
from heygem.soak import EngineName, SoakName
from heygem.soak.batch import measure_batch
from heygem.soak.cancel import measure_cancel
from heygem.soak.crowd import measure_crowd
from heygem.soak.disk import measure_disk
from heygem.soak.kills import measure_kills

Soak = Callable[[Path], list[Figure]]


def run_soak(
    settings: Settings,
    *,
    only: Sequence[SoakName] | None,
    engine: EngineName,
    kills: int,
    jobs: int,
    json_path: Path | None,
) -> int:
    """Measure and print the table. Returns 1 if a bar was missed or something could not be measured."""
    soaks: dict[SoakName, Soak] = {
        "kills": lambda folder: measure_kills(folder, engine, kills, jobs),
        "disk": measure_disk,
        "cancel": lambda folder: in_fresh_process(measure_cancel, settings, folder, engine),
        "batch": lambda folder: in_fresh_process(measure_batch, settings, folder, engine, jobs),
        "crowd": lambda folder: measure_crowd(folder, engine, 5 * jobs),
    }
    figures: list[Figure] = []
    for name in only or get_args(SoakName):
        complain(f"soaking: {name} ...")
        with TemporaryDirectory(prefix="heygem-soak-") as folder:
            figures += _figures(name, soaks[name], Path(folder))
    device, device_name = in_fresh_process(describe_device, "cpu")
    say(show_report(figures, device))
    if json_path is not None:
        write_report(json_path, figures, device, device_name)
    failed = any(figure.key.endswith(".failed") for figure in figures)
    return int(failed or any(verdict(figure, device) == "MISSED" for figure in figures))


def _figures(name: SoakName, soak: Soak, folder: Path) -> list[Figure]:
    try:
        return soak(folder)
    except HeyGemError as error:
        return [Figure(f"{name}.failed", name, None, "", str(error))]
