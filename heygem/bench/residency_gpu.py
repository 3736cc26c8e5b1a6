"""Loading, memory and recovery with an 850 M net, each trial in a fresh process; a tiny net on a CPU."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from heygem.bench.process import in_fresh_process
from heygem.bench.report import Figure
from heygem.errors import HeyGemError
from heygem.hardware.device import Device, TorchCuda, choose_device
from heygem.jobs.engine_set import EngineBuilder
from heygem.models.status import ModelState
from heygem.settings import Settings

BUNDLED = (  # key, precision, compiled
    ("int8_bundled", "int8", False),
    ("compiled_cold", "auto", True),
    ("compiled_warm", "auto", True),
)


def measure_residency_gpu(
    settings: Settings, build_engines: EngineBuilder | None, folder: Path
) -> list[Figure]:
    """All figures; a trial that fails leaves those of the others."""
    from heygem.models import trial

    device = in_fresh_process(_device, settings.device)
    with TemporaryDirectory(dir=folder) as name:
        place = Path(name)
        parameters = in_fresh_process(trial.write, place, device)
        figures = [_figure("parameters", "parameters of the net", parameters, "")]
        figures += _tried("load", lambda: _load_figures(place, device))
        figures += _tried("memory", lambda: _memory_figures(place, device))
    if device.kind == "cuda":
        figures += _tried("lost", lambda: _lost_figures(device))
        for bundle in BUNDLED:
            figures += _tried(bundle[0], partial(_bundled_figures, settings, device, folder, *bundle))
    return figures


def _tried(name: str, measure: Callable[[], list[Figure]]) -> list[Figure]:
    try:
        return measure()
    except (HeyGemError, RuntimeError, OSError, ArithmeticError) as error:
        return [Figure(f"residency_gpu.{name}.failed", name, None, "", str(error).partition("\n")[0])]


def _device(asked: str) -> Device:
    return choose_device(asked, TorchCuda())


def _load_figures(folder: Path, device: Device) -> list[Figure]:
    """Of the large net with random weights: how fast, and how large."""
    from heygem.models import trial

    usual = in_fresh_process(trial.usual_seconds, folder, device)
    load = in_fresh_process(trial.load_trial, folder, device)
    held, ceiling = load.held_bytes, load.ceiling_bytes_per_second
    return [
        _figure("usual", "resident the usual way: initialise, unpickle, cast, move", usual, "s"),
        _figure("load", "resident HeyGem's way", load.load_seconds, "s"),
        _figure("over_usual", "share of the usual way's time", load.load_seconds / usual, ""),
        _figure("rate", "transfer", load.bytes_per_second / 1e9, "GB/s"),
        _figure("ceiling", "slower of reading and copying", ceiling / 1e9, "GB/s"),
        _figure("efficiency", "transfer over that ceiling", load.bytes_per_second / ceiling, ""),
        _figure("warm", "warm-up of both shapes", load.warm_seconds, "s"),
        _figure("fp32", "device memory in fp32", held["fp32"], "bytes"),
        _figure("fp16", "in fp16, share of fp32", held["fp16"] / held["fp32"], ""),
        _figure("int8", "in int8, share of fp32", held["int8"] / held["fp32"], ""),
        _figure("int8_over_fp16", "int8 over fp16", held["int8"] / held["fp16"], ""),
    ]


def _memory_figures(folder: Path, device: Device) -> list[Figure]:
    """Of the same net in the next process: the plan, unloading, cycles, too little memory."""
    from heygem.models import trial

    memory = in_fresh_process(trial.memory_trial, folder, device)
    error = abs(memory.measured_peak / memory.planned_peak - 1)
    freed = memory.freed / memory.claimed if memory.claimed else 0.0
    return [
        _figure(
            "planned", "peak planned from what an earlier process measured", memory.planned_peak, "bytes"
        ),
        _figure("peak", "peak measured", memory.measured_peak, "bytes"),
        _figure("device_peak", "what the device itself says then", memory.device_peak, "bytes"),
        _figure("plan_error", "error of the plan", error, ""),
        _figure("freed", "given back by unloading, share of the claim", freed, ""),
        _figure("freed_seconds", "within", memory.freed_seconds, "s"),
        _figure("drift", f"drift over {trial.CYCLES} times loading and unloading", memory.drift, "bytes"),
        _figure("ladder", "work short of memory done right, 1: yes", float(memory.ladder_right), ""),
        _figure("dropped", "an idle net made room for it, 1: yes", float(memory.spare_dropped), ""),
    ]


def _lost_figures(device: Device) -> list[Figure]:
    """Of a broken CUDA context."""
    from heygem.models import trial

    taken_for = in_fresh_process(trial.lose_device, device)
    is_known = float(taken_for == "DeviceLostError")
    return [_figure("lost", "a real sticky error is known, 1: yes", is_known, "", taken_for)]


def _bundled_figures(
    settings: Settings, device: Device, folder: Path, key: str, precision: str, compiles: bool
) -> list[Figure]:
    """Of HeyGem's own models on this GPU."""
    from heygem.models import trial

    cache_dir = folder / "cache"
    statuses = in_fresh_process(trial.bundled, settings.models_dir, cache_dir, device, precision, compiles)
    ready = sum(status.state is ModelState.READY and bool(status.golden_ok) for status in statuses)
    warm = sum(status.warm_seconds for status in statuses)
    held = sum(status.bytes_resident for status in statuses)
    notes = "; ".join(f"{status.name}: {status.note}" for status in statuses if status.note)
    of_all = f"of {len(statuses)} {notes}".strip()
    return [
        _figure(f"{key}.ready", f"own models ready and right, {key}", ready, "", of_all),
        _figure(f"{key}.warm", f"their warm-up, {key}", warm, "s"),
        _figure(f"{key}.held", f"their device memory, {key}", held, "bytes"),
    ]


def _figure(key: str, title: str, value: float, unit: str, note: str = "") -> Figure:
    return Figure(f"residency_gpu.{key}", title, value, unit, note)
