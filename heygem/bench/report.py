"""Figures, the bars they are held against, and how both are shown."""

import json
import math
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

import heygem
from heygem.console import byte_size, table
from heygem.errors import HeyGemError

DeviceKind = Literal["cpu", "cuda"]
Verdict = Literal["met", "MISSED", "reported", "not measured"]
PACKAGES = ("torch", "av", "numpy", "opencv-python-headless", "transformers", "gradio")


class BenchError(HeyGemError):
    """Something could not be measured."""

    code = "bench"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value; None: it could not be measured, and `note` says why."""

    key: str  # "<part>.<name>", the key of its bar
    title: str
    value: float | None
    unit: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """What a figure must reach, by kind of device; None: it is only reported there."""

    cpu: float | None
    cuda: float | None
    at_most: bool = True  # False: at least

    def limit(self, device: DeviceKind) -> float | None:
        return self.cpu if device == "cpu" else self.cuda


BARS: Mapping[str, Bar] = {
    "launch.page": Bar(cpu=4.0, cuda=4.0),
    "launch.ready": Bar(cpu=20.0, cuda=12.0),
    "launch.idle_cpu": Bar(cpu=8.0, cuda=8.0),
    "recovery.ready": Bar(cpu=None, cuda=15.0),
    "recovery.job": Bar(cpu=1.0, cuda=1.0, at_most=False),
    "jobs.first_over_median": Bar(cpu=1.10, cuda=1.05),
    "jobs.weight_bytes_opened": Bar(cpu=0.0, cuda=0.0),
    "residency.saved": Bar(cpu=None, cuda=80.0, at_most=False),
    "residency_gpu.over_usual": Bar(cpu=None, cuda=0.1),
    "residency_gpu.efficiency": Bar(cpu=None, cuda=0.8, at_most=False),
    "residency_gpu.fp16": Bar(cpu=None, cuda=0.55),
    "residency_gpu.int8_over_fp16": Bar(cpu=None, cuda=0.95),
    "residency_gpu.plan_error": Bar(cpu=None, cuda=0.05),
    "residency_gpu.freed": Bar(cpu=None, cuda=0.9, at_most=False),
    "residency_gpu.freed_seconds": Bar(cpu=None, cuda=5.0),
    "residency_gpu.drift": Bar(cpu=None, cuda=50e6),
    "residency_gpu.ladder": Bar(cpu=None, cuda=1.0, at_most=False),
    "residency_gpu.lost": Bar(cpu=None, cuda=1.0, at_most=False),
    "render.over_transcode": Bar(cpu=1.6, cuda=1.2),
    "render.cpu_beyond_transcode": Bar(cpu=25.0, cuda=25.0),
    "new.prepare_over_length": Bar(cpu=2.0, cuda=0.5),
    "new.detected_again": Bar(cpu=0.0, cuda=0.0),
    "long.peak_ram": Bar(cpu=1.5e9, cuda=1.5e9),
    "kills.wrong": Bar(cpu=0.0, cuda=0.0),
    "kills.bad_files": Bar(cpu=0.0, cuda=0.0),
    "kills.remains": Bar(cpu=0.0, cuda=0.0),
    "kills.recovery": Bar(cpu=5.0, cuda=5.0),
    "cancel.slowest": Bar(cpu=2.0, cuda=2.0),
    "disk.lost": Bar(cpu=0.0, cuda=0.0),
    "disk.refused": Bar(cpu=1.0, cuda=1.0, at_most=False),
    "batch.not_done": Bar(cpu=0.0, cuda=0.0),
    "batch.p95_over_median": Bar(cpu=1.10, cuda=1.10),
    "batch.growth": Bar(cpu=100e6, cuda=100e6),
    "batch.vram_growth": Bar(cpu=50e6, cuda=50e6),
    "crowd.lost": Bar(cpu=0.0, cuda=0.0),
    "crowd.p99": Bar(cpu=200.0, cuda=200.0),
    "crowd.idle_cpu": Bar(cpu=8.0, cuda=8.0),
}


def verdict(figure: Figure, device: DeviceKind) -> Verdict:
    """The figure against its bar."""
    if figure.value is None:
        return "not measured"
    bar = BARS.get(figure.key)
    limit = bar.limit(device) if bar else None
    if bar is None or limit is None:
        return "reported"
    met = figure.value <= limit if bar.at_most else figure.value >= limit
    return "met" if met else "MISSED"


def show_report(figures: Sequence[Figure], device: DeviceKind) -> str:
    """The table of all figures."""
    rows = [
        (f.title, show_value(f.value, f.unit), _show_bar(f, device), verdict(f, device), f.note)
        for f in figures
    ]
    return table(("measured", "value", "bar", "verdict", "note"), rows)


def write_report(path: Path, figures: Sequence[Figure], device: DeviceKind, device_name: str) -> None:
    """The same as JSON, with what is needed to repeat it."""
    report = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "heygem": heygem.__version__,
        "device": device_name,
        "cpu_count": os.cpu_count(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
        "figures": [asdict(f) | {"bar": _limit(f, device), "verdict": verdict(f, device)} for f in figures],
    }
    path.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def show_value(value: float | None, unit: str) -> str:
    """Three significant digits; bytes as MB or GB."""
    if value is None:
        return "-"
    if unit == "bytes":
        return byte_size(round(value))
    digits = 0 if value == 0 else max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:.{digits}f} {unit}".rstrip()


def _show_bar(figure: Figure, device: DeviceKind) -> str:
    limit = _limit(figure, device)
    if limit is None:
        return ""
    return f"{'<=' if BARS[figure.key].at_most else '>='} {show_value(limit, figure.unit)}"


def _limit(figure: Figure, device: DeviceKind) -> float | None:
    return BARS[figure.key].limit(device) if figure.key in BARS else None


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
