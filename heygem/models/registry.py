"""Loads models, warms them, holds them to their goldens, and keeps them.

Lives on the engine thread, which alone may call it; `statuses()` may be read from anywhere.
"""

import ctypes
import dataclasses
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import torch

from heygem.errors import GoldenMismatchError, HeyGemError, SettingsError
from heygem.models.golden import deviation, read_goldens
from heygem.models.manifest import Manifest, VerifiedModel
from heygem.models.resident import FloatArray, LoadContext, Precision, ResidentModel
from heygem.models.status import ModelState, ModelStatus

Net = TypeVar("Net")

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # <malloc.h>
_LARGEST_KEPT_BYTES = 32 * 1024**2  # of one block; glibc accepts no more
_MOST_KEPT_BYTES = 256 * 1024**2


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """How to get one model. `name` is also its folder and its name in the manifest.

    Attributes:
        tolerances: for each precision the model can run in, the largest `deviation` from its goldens.
        cuda_precision: what "auto" means on a GPU; on a CPU it means fp32.
    """

    name: str
    title: str
    required: bool
    load: Callable[[LoadContext], ResidentModel]
    tolerances: Mapping[Precision, float]
    cuda_precision: Precision = "fp32"

    def precision(self, asked: str, device: torch.device) -> Precision:
        """The precision to run in: the asked-for one, or fp32 where this model has to be exact."""
        if asked == "auto":
            return self.cuda_precision if device.type == "cuda" else "fp32"
        return next((known for known in self.tolerances if known == asked), "fp32")


class ModelRegistry:
    """The resident models of one engine.

    `on_change` receives all statuses, a fresh tuple of frozen snapshots, after each change of any of them.
    """

    def __init__(
        self,
        specs: Sequence[ModelSpec],
        manifest: Manifest,
        device: torch.device,
        precision: str,
        on_change: Callable[[tuple[ModelStatus, ...]], None],
    ) -> None:
        """Make an empty registry, on the engine thread.

        Raises:
            SettingsError: no model can run in `precision`.
        """
        if precision == "int8":
            raise SettingsError("No bundled model runs in int8: choose auto, fp32, bf16 or fp16.")
        self._specs = {spec.name: spec for spec in specs}
        self._manifest = manifest
        self._device = device
        self._asked_precision = precision
        self._on_change = on_change
        self._resident: dict[str, ResidentModel] = {}
        self._statuses = tuple(ModelStatus(spec.name, spec.title, spec.required) for spec in specs)
        self._weight_bytes_read = dict.fromkeys(self._specs, 0)
        configure_torch()

    @property
    def weight_bytes_read(self) -> Mapping[str, int]:
        """Bytes of weights that loading has read so far, by model. Stands still once all is resident."""
        return dict(self._weight_bytes_read)

    def statuses(self) -> tuple[ModelStatus, ...]:
        """Snapshots of all models, in the order they load. May be called from any thread."""
        return self._statuses

    def preload_all(self) -> None:
        """Make every model resident whose weights are there; the required ones must be.

        An optional model that fails stays FAILED and the others go on.

        Raises:
            ModelError, DeviceError: a required model failed; its status says so too.
        """
        for spec in self._specs.values():
            absent = not spec.required and not self._manifest.is_present(spec.name)
            if absent or spec.name in self._resident:
                continue
            try:
                self._make_resident(spec)
            except (HeyGemError, RuntimeError):  # a GPU that is full raises RuntimeError
                if spec.required:
                    raise

    def get(self, name: str, kind: type[Net]) -> Net:
        """The resident model `name`, of class `kind`; loads it first if need be.

        Raises:
            ModelError: it cannot be loaded.
        """
        if name not in self._resident:
            self._make_resident(self._specs[name])
        model = self._resident[name]
        if not isinstance(model, kind):
            raise TypeError(f"{name} is a {type(model).__name__}, not a {kind.__name__}")
        return model

    def unload(self, name: str) -> None:
        """Forget a model; the next `get` loads it again."""
        self._resident.pop(name, None)
        self._replace(name, state=ModelState.ABSENT, bytes_resident=0, warmed_buckets=(), golden_ok=None)

    def _make_resident(self, spec: ModelSpec) -> None:
        """Verify, load, warm, compare; READY only when all of it went well."""
        with self._failing_visibly(spec.name):
            with self._timed(spec.name, ModelState.VERIFYING, "verify_seconds"):
                verified = self._manifest.verify(spec.name)
            with self._timed(spec.name, ModelState.LOADING, "load_seconds"):
                model = self._load(spec, verified)
            with self._timed(spec.name, ModelState.WARMING, "warm_seconds"):
                self._warm(spec, model)
            self._resident[spec.name] = model
            self._replace(spec.name, state=ModelState.READY)

    def _load(self, spec: ModelSpec, verified: VerifiedModel) -> ResidentModel:
        precision = spec.precision(self._asked_precision, self._device)
        model = spec.load(LoadContext(verified.folder, self._device, precision))
        self._weight_bytes_read[spec.name] += verified.bytes_on_disk
        self._replace(spec.name, bytes_on_disk=verified.bytes_on_disk, bytes_resident=model.bytes_resident)
        return model

    def _warm(self, spec: ModelSpec, model: ResidentModel) -> None:
        """Run every bucket once and hold its output to the golden."""
        goldens = read_goldens(self._manifest.models_dir / spec.name)
        tolerance = spec.tolerances[spec.precision(self._asked_precision, self._device)]
        warmed: tuple[str, ...] = ()
        for bucket in model.buckets:
            output = model.warm(bucket)
            if goldens or spec.required:
                self._replace(spec.name, golden_ok=False)
                _compare(spec, bucket, deviation(output, _golden(spec, bucket, goldens)), tolerance)
                self._replace(spec.name, golden_ok=True)
            warmed = (*warmed, bucket)
            self._replace(spec.name, warmed_buckets=warmed)

    @contextmanager
    def _failing_visibly(self, name: str) -> Iterator[None]:
        """Whatever goes wrong goes on its way, but not before the status says so."""
        self._replace(name, problem="", warmed_buckets=(), golden_ok=None)
        try:
            yield
        except BaseException as problem:
            self._replace(name, state=ModelState.FAILED, bytes_resident=0, problem=str(problem))
            raise

    @contextmanager
    def _timed(self, name: str, state: ModelState, seconds_field: str) -> Iterator[None]:
        self._replace(name, state=state)
        started = time.perf_counter()
        yield
        self._replace(name, **{seconds_field: time.perf_counter() - started})

    def _replace(self, name: str, **changes: Any) -> None:
        self._statuses = tuple(
            dataclasses.replace(status, **changes) if status.name == name else status
            for status in self._statuses
        )
        self._on_change(self._statuses)


def configure_torch() -> None:
    """The process-wide choices for torch, made in this one place, on the engine thread.

    Denormal numbers count as zero: silence would otherwise run many times slower on a CPU. TF32 is off, so
    that fp32 means fp32: where speed matters on a GPU a model runs in half precision instead. Convolutions
    are timed once per shape on a GPU, which warming does for all shapes there are. Half of the cores: the
    other half decodes, draws and encodes, and threads that wait for each other on a busy core cost ten times
    what they save. Freed memory is kept for the next layer: coming back from the system page by page it
    would double the time of eight landmark crops.
    """
    _keep_freed_memory()
    torch.set_num_threads(max(1, len(os.sched_getaffinity(0)) // 2))
    torch.set_flush_denormal(True)
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.benchmark = True


def _keep_freed_memory() -> None:
    """Raise the limits of glibc's allocator; other C libraries have none."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        libc.mallopt(_M_MMAP_THRESHOLD, _LARGEST_KEPT_BYTES)
        libc.mallopt(_M_TRIM_THRESHOLD, _MOST_KEPT_BYTES)


def _golden(spec: ModelSpec, bucket: str, goldens: Mapping[str, FloatArray]) -> FloatArray:
    if bucket not in goldens:
        raise GoldenMismatchError(
            f"No output of {spec.title} is recorded for {bucket}: run `python -m training.goldens`.",
            model=spec.name,
        )
    return goldens[bucket]


def _compare(spec: ModelSpec, bucket: str, found: float, tolerance: float) -> None:
    if not found <= tolerance:  # also when it is not a number
        raise GoldenMismatchError(
            f"{spec.title} does not compute what it should ({bucket}: off by {found:.2g}, allowed "
            f"{tolerance:.2g}): update the graphics driver, or start with --device cpu.",
            model=spec.name,
        )
