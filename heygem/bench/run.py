"""Runs the parts of the benchmark one after the other and shows what they found."""

import platform
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple, get_args

from heygem.bench import ONLY_BY_NAME, PartName
from heygem.bench.jobs import measure_jobs
from heygem.bench.launch import measure_launch
from heygem.bench.long import measure_long
from heygem.bench.process import in_fresh_process
from heygem.bench.recovery import measure_recovery
from heygem.bench.render import measure_render
from heygem.bench.report import DeviceKind, Figure, show_report, write_report
from heygem.bench.residency import measure_residency
from heygem.bench.residency_gpu import measure_residency_gpu
from heygem.bench.steps import measure_steps
from heygem.bench.template import measure_template
from heygem.console import complain, say
from heygem.errors import HeyGemError
from heygem.hardware.device import TorchCuda, choose_device
from heygem.jobs.engine_set import EngineBuilder
from heygem.settings import Settings

Measure = Callable[[Settings, EngineBuilder | None, Path], list[Figure]]
CPU_INFO = Path("/proc/cpuinfo")


class Part(NamedTuple):
    """Figures measured together. `starts_processes`: it makes its own; the others each run in a fresh one."""

    measure: Measure
    starts_processes: bool = False


PARTS: dict[PartName, Part] = {
    "launch": Part(measure_launch, starts_processes=True),
    "recovery": Part(measure_recovery, starts_processes=True),
    "residency": Part(measure_residency, starts_processes=True),
    "jobs": Part(measure_jobs),
    "render": Part(measure_render),
    "steps": Part(measure_steps),
    "new": Part(measure_template),
    "long": Part(measure_long),
    "residency-gpu": Part(measure_residency_gpu, starts_processes=True),
}


def run_bench(
    settings: Settings,
    build_engines: EngineBuilder | None,
    *,
    only: Sequence[PartName] | None = None,
    long: bool = False,
    json_path: Path | None = None,
) -> int:
    """Measure, print the table and write the JSON. Returns 1 if something could not be measured, else 0.

    Args:
        build_engines: None: the real ones. Importable by name, for it is called in other processes.
        only: parts to measure; None: all, the long one if `long`.
    """
    left_out = ONLY_BY_NAME if long else (*ONLY_BY_NAME, "long")
    names = only or [name for name in get_args(PartName) if name not in left_out]
    device, device_name = in_fresh_process(describe_device, settings.device)
    complain(f"measuring on {device_name}")
    figures: list[Figure] = []
    with TemporaryDirectory(prefix="heygem-bench-") as folder:
        for name in names:
            complain(f"measuring: {name} ...")
            figures += run_part(name, settings, build_engines, Path(folder))
    say(show_report(figures, device))
    if json_path is not None:
        write_report(json_path, figures, device, device_name)
    return int(any(figure.key.endswith(".failed") for figure in figures))


def run_part(
    name: PartName, settings: Settings, build_engines: EngineBuilder | None, folder: Path
) -> list[Figure]:
    """The figures of one part; where it fails, one that says why."""
    part = PARTS[name]
    try:
        if part.starts_processes:
            return part.measure(settings, build_engines, folder)
        return in_fresh_process(part.measure, settings, build_engines, folder)
    except HeyGemError as error:
        return [Figure(f"{name}.failed", name, None, "", str(error))]


def describe_device(asked: str) -> tuple[DeviceKind, str]:
    """What the engine will run on, and its name."""
    device = choose_device(asked, TorchCuda())
    if device.kind == "cpu":
        return "cpu", _cpu_name()
    import torch

    return "cuda", torch.cuda.get_device_name(device.index)


def _cpu_name() -> str:
    found = re.search(r"model name\s*:\s*(.+)", CPU_INFO.read_text()) if CPU_INFO.exists() else None
    return found.group(1) if found else platform.processor() or platform.machine()
