"""The app on engines that lose their device in the first job: `python -m heygem.bench.losing [options]`.

`heygem.bench.recovery` runs it and measures how long it takes until another process is READY.
"""

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from heygem.bench.recovery import FAULT_FILE
from heygem.engines.base import (
    Checkup,
    JobContext,
    LipSyncEngine,
    LipSyncRequest,
    LipSyncResult,
    PreparedTemplate,
    Stage,
)
from heygem.hardware.device import Device
from heygem.jobs.engine_set import EngineSet
from heygem.models.status import ModelStatus
from heygem.server.run import serve
from heygem.settings import Settings


class LosingEngine:
    """An engine whose jobs break the device."""

    def __init__(self, engine: LipSyncEngine, device: Device, fault_file: Path) -> None:
        self._engine, self._device, self._fault_file = engine, device, fault_file

    @property
    def name(self) -> str:
        """That of the engine within."""
        return self._engine.name

    def prepare(
        self, template_path: Path, face_point: tuple[float, float] | None, context: JobContext
    ) -> PreparedTemplate:
        """As the engine within does it."""
        return self._engine.prepare(template_path, face_point, context)

    def generate(self, request: LipSyncRequest, context: JobContext) -> LipSyncResult:
        """As the engine within does it, until the first frame is drawn."""
        return self._engine.generate(request, _LosingContext(context, self._device, self._fault_file))

    def check(self, video_path: Path, request: LipSyncRequest, context: JobContext) -> Checkup:
        """As the engine within does it."""
        return self._engine.check(video_path, request, context)

    def rehearse(self) -> None:
        """As the engine within does it."""
        self._engine.rehearse()


class _LosingContext:
    """Breaks the device as soon as it hears of a drawn frame; who uses it next meets the fault."""

    def __init__(self, context: JobContext, device: Device, fault_file: Path) -> None:
        self._context, self._device, self._fault_file = context, device, fault_file

    def report(self, stage: Stage, done: int, total: int) -> None:
        """Pass it on."""
        self._context.report(stage, done, total)
        if stage == "render" and done and not self._fault_file.exists():
            from heygem.models.trial import break_device

            self._fault_file.touch()
            break_device(self._device)


def build_losing(settings: Settings, on_models: Callable[[tuple[ModelStatus, ...]], None]) -> EngineSet:
    """The real engines, in whose jobs the device is lost."""
    from heygem.engines.factory import build_engines

    engines = build_engines(settings, on_models)
    fault_file = settings.data_dir / FAULT_FILE
    losing: dict[str, LipSyncEngine] = {
        name: LosingEngine(engine, engines.device, fault_file) for name, engine in engines.engines.items()
    }
    return replace(engines, engines=losing)


if __name__ == "__main__":
    sys.exit(serve(Settings.from_args(sys.argv[1:], os.environ), build_losing))
