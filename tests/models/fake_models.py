"""Models without nets, on a fake device: what the registry does with memory, faults and time."""

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from heygem.hardware.fake_device import FakeBlock, FakeDevice
from heygem.models.golden import write_goldens
from heygem.models.manifest import Manifest, WeightFile
from heygem.models.registry import ModelRegistry
from heygem.models.resident import LoadContext, ResidentModel
from heygem.models.spec import ModelSpec
from heygem.models.status import ModelStatus

MB = 1024**2


class FakeModel:
    """Holds a block of a fake device, and takes another for each run."""

    buckets = ("batch-1", "batch-8")

    def __init__(self, device: FakeDevice, weight_bytes: int, working_bytes: int) -> None:
        self._device = device
        self._block: FakeBlock = device.allocate(weight_bytes)
        self._working_bytes = working_bytes

    @property
    def bytes_resident(self) -> int:
        return self._block.size_bytes

    def warm(self, bucket: str) -> NDArray[np.float32]:
        count = int(bucket.removeprefix("batch-"))
        with self._device.run(self._working_bytes * count // 8):
            return np.ones(count, np.float32)

    def __del__(self) -> None:
        if hasattr(self, "_block"):  # else there was no room for it
            self._block.free()


class Shelf:
    """A fake device, models that fit on it or not, a clock, and a registry over them."""

    def __init__(self, folder: Path, capacity_bytes: int = 1000 * MB) -> None:
        self.device = FakeDevice(capacity_bytes)
        self.seconds = 0.0
        self.history: list[tuple[ModelStatus, ...]] = []
        self._folder = folder
        self._specs: list[ModelSpec] = []
        self._files: list[WeightFile] = []

    def put(
        self,
        name: str,
        weight_bytes: int,
        working_bytes: int = 0,
        *,
        required: bool = False,
        is_preferred: bool = False,
        load: Callable[[LoadContext], ResidentModel] | None = None,
    ) -> None:
        """A model whose file is there."""
        path = self._folder / "models" / name / "model.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
        digest = hashlib.sha256(name.encode()).hexdigest()
        outputs = {bucket: np.ones(int(bucket[-1]), np.float32) for bucket in FakeModel.buckets}
        write_goldens(path.parent, outputs)
        self._files.append(WeightFile(name, f"{name}/model.bin", digest, len(name), "CC0-1.0", "a test"))

        def load_fake(context: LoadContext) -> ResidentModel:
            return FakeModel(self.device, weight_bytes, working_bytes)

        spec = ModelSpec(
            name, name.title(), required, load or load_fake, {"fp32": 1.0}, is_preferred=is_preferred
        )
        self._specs.append(spec)

    def manifest(self) -> Manifest:
        """What is on the shelf."""
        return Manifest(self._files, [self._folder / "models"], self._folder / "verified.json")

    def registry(self, needs_path: Path | None = None, *, compiles: bool = False) -> ModelRegistry:
        return ModelRegistry(
            self._specs,
            self.manifest(),
            torch.device("cpu"),
            "auto",
            self.history.append,
            memory=self.device,
            needs_path=needs_path,
            compiles=compiles,
            clock=lambda: self.seconds,
        )


def resident_names(registry: ModelRegistry) -> set[str]:
    return {status.name for status in registry.statuses() if status.state == "ready"}


def status_of(statuses: Iterable[ModelStatus], name: str) -> ModelStatus:
    (status,) = (status for status in statuses if status.name == name)
    return status
