"""Keeps models resident: loads them, lends them, drops them only on purpose, and counts the memory they take.

Lives on the engine thread, which alone may call it; `statuses()` may be read from anywhere.
"""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch

from heygem.errors import DeviceLostError, DeviceMemoryError, HeyGemError, ModelBusyError, SettingsError
from heygem.hardware.device import classify_device_error
from heygem.hardware.device_memory import DeviceMemory, HostMemory
from heygem.models.budget import MemoryPlan, Need, NeedStore
from heygem.models.eviction import choose_victims
from heygem.models.loading import WeightReader
from heygem.models.maker import ModelMaker
from heygem.models.manifest import Manifest
from heygem.models.model_board import ModelBoard
from heygem.models.resident import LoadContext
from heygem.models.residents import Residents
from heygem.models.spec import ModelSpec
from heygem.models.status import ModelState, ModelStatus
from heygem.models.torch_setup import configure_torch

__all__ = ["ModelRegistry", "ModelSpec", "Unloaded"]

Net = TypeVar("Net")

SETTLE_SECONDS = 5.0  # within which a device has given back what was freed
SETTLED_SHARE = 0.9
_LOOK_SECONDS = 0.05

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Unloaded:
    """What dropping a model was to free, and what the device was measured to have got back."""

    name: str
    claimed_bytes: int
    freed_bytes: int
    seconds: float


class ModelRegistry:
    """The resident models of all engines.

    `on_change` receives all statuses, a fresh tuple of frozen snapshots, after each change of any of them.

    Attributes:
        reader: what brings the weights to the device.
    """

    def __init__(
        self,
        specs: Sequence[ModelSpec],
        manifest: Manifest,
        device: torch.device,
        precision: str,
        on_change: Callable[[tuple[ModelStatus, ...]], None],
        *,
        memory: DeviceMemory | None = None,
        needs_path: Path | None = None,
        compiles: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make an empty registry, on the engine thread.

        Args:
            memory: of the device; None: RAM.
            needs_path: the file that remembers what models were measured to need; None: nothing does.
            compiles: nets are to be compiled.
            clock: seconds, for how long a model has been idle.

        Raises:
            SettingsError: no model can run in `precision`.
        """
        if precision == "int8" and not any("int8" in spec.tolerances for spec in specs):
            raise SettingsError("No model here runs in int8: choose auto, fp32, bf16 or fp16.")
        configure_torch(device)
        self._specs = {spec.name: spec for spec in specs}
        self._manifest = manifest
        self._memory = memory or HostMemory()
        self._clock = clock
        self._board = ModelBoard(specs, on_change)
        self._residents = Residents({spec.name: spec.tier for spec in specs})
        self._weight_bytes_read = dict.fromkeys(self._specs, 0)
        needs = NeedStore(needs_path, self._memory.name) if needs_path else None
        self.reader = WeightReader(device)
        context = LoadContext(
            manifest.models_dir,
            device,
            "fp32",
            reader=self.reader,
            relieve=self.drop_idle,
            compiles=compiles,
        )
        self._maker = ModelMaker(manifest, context, precision, self._memory, needs, self._board)

    @property
    def weight_bytes_read(self) -> Mapping[str, int]:
        """Bytes of weights that loading has read so far, by model. Stands still once all is resident."""
        return dict(self._weight_bytes_read)

    def statuses(self) -> tuple[ModelStatus, ...]:
        """Snapshots of all models, in the order they load. May be called from any thread."""
        return self._board.statuses

    def plan(self) -> MemoryPlan:
        """The memory that what is resident holds, and the most it will ever hold."""
        return MemoryPlan.of(self._residents.needs())

    def expected_need(self, name: str) -> Need:
        """What a model will take: as measured here before, or a guess."""
        return self._maker.expected_need(self._specs[name])

    def preload_all(self) -> None:
        """Make every model resident whose weights are there; the required ones must be.

        An optional model that fails stays FAILED and the others go on; one that would not fit stays ABSENT.

        Raises:
            ModelError, DeviceError: a required model failed, or the device is lost; its status says so too.
        """
        for spec in sorted(self._specs.values(), key=lambda spec: -spec.tier):
            absent = not spec.required and not self._manifest.is_present(spec.name)
            if absent or spec.name in self._residents:
                continue
            if spec.required:
                self._make_resident(spec)
            elif self._fits_beside_all(spec):
                self._try_resident(spec)
        self._measure_ceiling()

    def get(self, name: str, kind: type[Net]) -> Net:
        """The resident model `name`, of class `kind`; loads it first if need be.

        Raises:
            ModelError, DeviceError: it cannot be loaded.
        """
        if name not in self._residents:
            self._make_resident(self._specs[name])
        model = self._residents.use(name, self._clock())
        if not isinstance(model, kind):
            raise TypeError(f"{name} is a {type(model).__name__}, not a {kind.__name__}")
        return model

    @contextmanager
    def lease(self, *names: str) -> Iterator[None]:
        """While inside, these models are neither evicted nor unloaded. They need not be resident yet."""
        self._count_leases(names, 1)
        try:
            yield
        finally:
            self._count_leases(names, -1)

    def unload(self, name: str, note: str = "") -> Unloaded:
        """Forget a model and wait until its memory is back; the next `get` loads it again.

        Raises:
            ModelBusyError: a job leases it.
        """
        if self._residents.leases(name):
            title = self._specs[name].title
            raise ModelBusyError(f"{title} is in use: unload it when the running job is done.", model=name)
        before = self._memory.device_used_bytes()
        claimed_bytes = self._residents.drop(name)
        if self._board[name].state in (ModelState.READY, ModelState.FAILED):
            changes = {
                "bytes_resident": 0,
                "warmed_buckets": (),
                "golden_ok": None,
                "problem": "",
                "note": note,
            }
            self._board.move(name, ModelState.ABSENT, **changes)
        unloaded = self._settled(name, before, claimed_bytes)
        _log.info("%s", unloaded)
        return unloaded

    def reload(self, name: str) -> None:
        """Have a model anew, from its files; it is warmed and compared again.

        Raises:
            ModelBusyError: a job leases it.
            ModelError, DeviceError: it cannot be loaded.
        """
        self.unload(name)
        self._make_resident(self._specs[name])

    def drop_idle(self) -> None:
        """Drop every model that is neither required nor leased, and what allocators keep."""
        for candidate in self._residents.candidates():
            self.unload(candidate.name, note="dropped: memory was short")
        self._memory.give_back()

    def _make_resident(self, spec: ModelSpec) -> None:
        """Load a model; where the device is full, once more after dropping all that may go."""
        try:
            made = self._maker.make(spec, self._make_room)
        except (HeyGemError, RuntimeError) as problem:
            is_full = isinstance(classify_device_error(problem), DeviceMemoryError)
            if not is_full or not self._residents.candidates():
                raise
            made = None  # the exception and all it holds on the device go before the next try
        if made is None:
            self.drop_idle()
            made = self._maker.make(spec, self._make_room)
        self._residents.keep(spec.name, made, self._clock())
        self._weight_bytes_read[spec.name] += self._board[spec.name].bytes_on_disk

    def _try_resident(self, spec: ModelSpec) -> None:
        """Load an optional model; only a lost device is anybody else's trouble."""
        try:
            self._make_resident(spec)
        except (HeyGemError, RuntimeError) as problem:  # a GPU that is full raises RuntimeError
            _log.warning("%s is not available: %s", spec.title, problem)
            if isinstance(classify_device_error(problem), DeviceLostError):
                raise

    def _make_room(self, spec: ModelSpec, need: Need) -> None:
        """Evict what is worth least until `need` fits beside the rest.

        Raises:
            DeviceMemoryError: it was measured not to fit, and may not be tried all the same.
        """
        short_bytes = self._short_bytes(need)
        if short_bytes <= 0:
            return
        for victim in choose_victims(self._residents.candidates(), short_bytes, self._clock()):
            self.unload(victim.name, note=f"dropped to make room for {spec.title}")
        short_bytes = self._short_bytes(need)
        if short_bytes > 0 and need.is_measured and not spec.required:
            raise DeviceMemoryError(
                f"{spec.title} needs {_gigabytes(need.total_bytes)} of device memory, "
                f"{_gigabytes(short_bytes)} more than is free: close other programs that use it.",
                model=spec.name,
            )

    def _fits_beside_all(self, spec: ModelSpec) -> bool:
        """Whether there is room without dropping anything; says so where there is not."""
        short_bytes = self._short_bytes(self._maker.expected_need(spec))
        if short_bytes > 0:
            note = f"loads when it is needed: {_gigabytes(short_bytes)} too little memory to keep it ready"
            self._board.replace(spec.name, note=note)
        return short_bytes <= 0

    def _short_bytes(self, need: Need) -> int:
        """What is missing for a model beside the largest work of those that stay; 0 or less: nothing."""
        free_bytes = self._memory.free_bytes()
        if free_bytes is None:
            return 0
        return need.resident_bytes + max(need.peak_bytes, self.plan().working_bytes) - free_bytes

    def _count_leases(self, names: Sequence[str], change: int) -> None:
        for name in names:
            leases = self._residents.count_lease(name, change)
            self._board.replace(name, leases=leases, used_at=time.time())

    def _settled(self, name: str, used_before_bytes: int, claimed_bytes: int) -> Unloaded:
        """What the device got back, once it has nearly all of the claim or the time is up."""
        started = time.monotonic()
        self._memory.give_back()
        while True:
            freed_bytes = max(0, used_before_bytes - self._memory.device_used_bytes())
            seconds = time.monotonic() - started
            is_back = freed_bytes >= SETTLED_SHARE * claimed_bytes
            if is_back or seconds >= SETTLE_SECONDS or not self._memory.is_exact:
                return Unloaded(name, claimed_bytes, freed_bytes, seconds)
            time.sleep(_LOOK_SECONDS)

    def _measure_ceiling(self) -> None:
        """What the wire allows in this run, measured with the model that moved most; its ring then goes."""
        moved = [status for status in self.statuses() if status.transfer_bytes]
        if moved:
            name = max(moved, key=lambda status: status.transfer_bytes).name
            ceiling = self._maker.ceiling_bytes_per_second(name)
            for status in moved:
                self._board.replace(status.name, ceiling_bytes_per_second=ceiling)
        self.reader.release()


def _gigabytes(count_bytes: int) -> str:
    return f"{count_bytes / 1e9:.2g} GB"
