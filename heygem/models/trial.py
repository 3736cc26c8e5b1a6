"""Trials of loading, memory and recovery with a full-size net. Each is for a fresh process of its own.

`heygem.bench.residency_gpu` runs them; on a CPU they run with a tiny net, to be tried out.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch

from heygem.errors import DeviceLostError
from heygem.hardware.device import Device, classify_device_error
from heygem.hardware.device_memory import DeviceMemory, device_memory
from heygem.models.catalog import CATALOG
from heygem.models.compiling import keep_compiled_code
from heygem.models.hashes import HashMemo
from heygem.models.manifest import Manifest, WeightFile
from heygem.models.registry import ModelRegistry
from heygem.models.resident import FloatArray, LoadContext, Precision, ResidentModel, warm_noise
from heygem.models.spec import ModelSpec
from heygem.models.status import ModelStatus
from heygem.models.trial_net import (
    FULL_SIZE,
    TINY_SIZE,
    TrialUNet,
    UNetSize,
    load_as_usual,
    make_unet,
    write_weights,
)

NAME, SPARE = "trial", "spare"
CYCLES = 50
_LITTLE_BYTES = 32 * 1024**2
_FILE = "unet.safetensors"
_PRECISIONS: tuple[Precision, ...] = ("fp32", "fp16", "int8")


@dataclass(frozen=True, slots=True)
class LoadTrial:
    """How fast the net became resident."""

    load_seconds: float
    warm_seconds: float
    bytes_per_second: float
    ceiling_bytes_per_second: float
    held_bytes: Mapping[str, int]  # device memory of the resident net by precision, as the allocator counts


@dataclass(frozen=True, slots=True)
class MemoryTrial:
    """What an earlier process promised, and what was measured in this one. Bytes."""

    planned_peak: int
    measured_peak: int  # of tensors
    device_peak: int  # of the device, beyond what the CUDA context takes
    claimed: int
    freed: int
    freed_seconds: float
    drift: int  # of the device over CYCLES times loading and unloading
    ladder_right: bool  # work that ran out of memory on the way gave what it gives with memory to spare
    spare_dropped: bool  # and the idle net made room


def write(folder: Path, device: Device) -> int:
    """Make the weights; returns the number of parameters."""
    return write_weights(folder, _size(device), _ready(device))


def usual_seconds(folder: Path, device: Device) -> float:
    """How long the usual way takes; imports and the CUDA context are not counted."""
    made = _ready(device)
    started = time.perf_counter()
    load_as_usual(folder, _size(device), made)
    _wait(device)
    return time.perf_counter() - started


def load_trial(folder: Path, device: Device) -> LoadTrial:
    """As at every start but the first after a change: the content is known, the ring is made.

    Leaves behind what the net needs, as every start does.
    """
    registry = trial_registry(folder, device, "auto", needs_path=folder / "needs.json")
    registry.get(NAME, TrialUNet)
    first_warm_seconds = registry.statuses()[0].warm_seconds
    registry.unload(NAME)
    registry.get(NAME, TrialUNet)
    status = registry.statuses()[0]
    ceilings = [registry.reader.ceiling_bytes_per_second(folder / NAME / _FILE, 1 << 40) for _ in range(3)]
    held = {"fp16": registry.plan().resident_bytes}
    registry.unload(NAME)
    for precision in ("fp32", "int8"):
        held[precision] = _held_bytes(folder, device, precision)
    return LoadTrial(
        status.load_seconds,
        first_warm_seconds,
        status.transfer_bytes_per_second or 0.0,
        max(ceilings),
        held,
    )


def _held_bytes(folder: Path, device: Device, precision: str) -> int:
    registry = trial_registry(folder, device, precision)
    registry.get(NAME, TrialUNet)
    return registry.plan().resident_bytes


def memory_trial(folder: Path, device: Device, cycles: int = CYCLES) -> MemoryTrial:
    """The plan against the peak; unloading; many cycles; a job that runs out of memory."""
    memory = device_memory(device)
    _ready(device)
    context_bytes = memory.device_used_bytes()
    registry = trial_registry(folder, device, "auto", needs_path=folder / "needs.json", names=(NAME, SPARE))
    planned_peak = registry.expected_need(NAME).total_bytes
    memory.reset_peak()
    net = registry.get(NAME, TrialUNet)
    latents = warm_noise((40, 8, 32, 32), seed=8)
    expected = net.run(latents)
    peak, device_peak = memory.peak_bytes(), memory.device_used_bytes() - context_bytes
    registry.get(SPARE, TrialUNet)
    is_right = True
    if device.kind == "cuda":
        between = (_working_bytes(net, latents[:1], memory) + _working_bytes(net, latents[:8], memory)) // 2
        with registry.lease(NAME):
            is_right = all(
                _same(expected, _run_short_of_memory(net, latents, memory, spare_bytes))
                for spare_bytes in (_LITTLE_BYTES, between)  # the spare net goes; then the batch shrinks
            )
    spare_dropped = {status.name: status.state for status in registry.statuses()}[SPARE] == "absent"
    del net
    unloaded = registry.unload(NAME)
    drift = _drift(registry, memory, cycles)
    return MemoryTrial(
        planned_peak,
        peak,
        device_peak,
        unloaded.claimed_bytes,
        unloaded.freed_bytes,
        unloaded.seconds,
        drift,
        is_right,
        spare_dropped,
    )


def lose_device(device: Device) -> str:
    """Break the CUDA context for good, with a real fault; returns what HeyGem takes the error for."""
    try:
        break_device(device)
        _wait(device)
    except (RuntimeError, DeviceLostError) as error:
        return type(classify_device_error(error)).__name__
    return "nothing happened"


def break_device(device: Device) -> None:
    """Send a fault to a GPU, which the next use of it meets; none works from then on.

    Raises:
        DeviceLostError: on a CPU, at once.
    """
    if device.kind == "cpu":
        raise DeviceLostError("The device is lost, for a trial.")
    made = torch.device(device.name)
    torch.zeros(4, device=made)[torch.tensor([10**9], device=made)]


def bundled(
    models_dir: Path, cache_dir: Path, device: Device, precision: str, compiles: bool
) -> list[ModelStatus]:
    """Load, warm and check HeyGem's own models."""
    memory = device_memory(device)
    if compiles:
        keep_compiled_code(cache_dir, memory.name)
    manifest = Manifest.load(models_dir, cache_dir)
    registry = ModelRegistry(
        CATALOG, manifest, torch.device(device.name), precision, _ignore, memory=memory, compiles=compiles
    )
    registry.preload_all()
    return list(registry.statuses())


def trial_registry(
    folder: Path,
    device: Device,
    precision: str,
    *,
    needs_path: Path | None = None,
    names: tuple[str, ...] = (NAME,),
) -> ModelRegistry:
    """A registry over as many nets as there are names, all of the same file."""
    made, memo_path = _ready(device), folder / "verified.json"
    memo = HashMemo(memo_path)
    for name in names:
        (folder / name).mkdir(exist_ok=True)
        if not (folder / name / _FILE).exists():
            (folder / name / _FILE).hardlink_to(folder / _FILE)
    digest, size = memo.sha256(folder / _FILE), (folder / _FILE).stat().st_size
    files = [WeightFile(name, f"{name}/{_FILE}", digest, size, "CC0-1.0", "random") for name in names]
    tolerances: dict[Precision, float] = dict.fromkeys(_PRECISIONS, 1.0)
    load = partial(_load, size_of=device)
    specs = [ModelSpec(name, name, False, load, tolerances, "fp16") for name in names]
    return ModelRegistry(
        specs,
        Manifest(files, [folder], memo_path),
        made,
        precision,
        _ignore,
        memory=device_memory(device),
        needs_path=needs_path,
    )


def _load(context: LoadContext, size_of: Device) -> ResidentModel:
    return TrialUNet(context, _size(size_of))


def _size(device: Device) -> UNetSize:
    return FULL_SIZE if device.kind == "cuda" else TINY_SIZE


def _ready(device: Device) -> torch.device:
    """The device with its context made and the slow imports done: what everybody pays anyway."""
    make_unet(TINY_SIZE)
    made = torch.device(device.name)
    torch.zeros(1, device=made)
    return made


def _wait(device: Device) -> None:
    if device.kind == "cuda":
        torch.cuda.synchronize(device.index)


def _ignore(statuses: tuple[ModelStatus, ...]) -> None:
    """Nobody watches."""


def _working_bytes(net: TrialUNet, latents: FloatArray, memory: DeviceMemory) -> int:
    """What a run takes beside the weights."""
    memory.give_back()
    held = memory.tensor_bytes()
    memory.reset_peak()
    net.run(latents)
    return memory.peak_bytes() - held


def _run_short_of_memory(
    net: TrialUNet, latents: FloatArray, memory: DeviceMemory, spare_bytes: int
) -> FloatArray:
    """Run while something else holds all of the GPU's memory but `spare_bytes`."""
    memory.give_back()
    ballast = []
    while (left := (memory.free_bytes() or 0) - spare_bytes) > _LITTLE_BYTES:
        try:
            ballast.append(torch.empty(min(left, 1024**3), dtype=torch.uint8, device="cuda"))
        except torch.OutOfMemoryError:
            break
    output = net.run(latents)
    ballast.clear()
    memory.give_back()
    return output


def _same(one: FloatArray, other: FloatArray) -> bool:
    """But for the rounding of another batch size."""
    return bool(np.abs(one - other).mean() <= 0.01 * np.abs(one).mean())


def _drift(registry: ModelRegistry, memory: DeviceMemory, cycles: int) -> int:
    """Bytes the device holds more after many cycles than after the first."""
    used = []
    for _ in range(cycles):
        registry.get(NAME, TrialUNet)
        registry.unload(NAME)
        used.append(memory.device_used_bytes())
    return used[-1] - used[0]
