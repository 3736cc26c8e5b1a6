"""What the engine thread needs of the engines, which it imports only when it runs."""

from collections.abc import Callable, Mapping
from typing import Protocol

from heygem.engines.base import LipSyncEngine
from heygem.errors import JobError
from heygem.hardware.device import Device
from heygem.models.status import ModelStatus
from heygem.settings import Settings
from heygem.templates.cache import TemplateCache


class EngineSet(Protocol):
    """What the engine thread needs of the engines and their models."""

    @property
    def engines(self) -> Mapping[str, LipSyncEngine]:
        """By name."""

    @property
    def template_cache(self) -> TemplateCache:
        """Where all engines keep prepared templates."""

    @property
    def device(self) -> Device:
        """Where the models live."""

    def preload(self) -> None:
        """Load and warm every model, then rehearse every engine."""

    def clear_caches(self) -> None:
        """Give back what no job holds: prepared templates, and memory that allocators keep. Models stay."""


# Imports and builds the engines; its second argument is told each change of a model's state.
EngineBuilder = Callable[[Settings, Callable[[tuple[ModelStatus, ...]], None]], EngineSet]


def engine_named(engines: EngineSet, name: str) -> LipSyncEngine:
    """The engine a job asks for.

    Raises:
        JobError: there is none of this name.
    """
    engine = engines.engines.get(name)
    if engine is None:
        raise JobError(f"There is no engine “{name}” here: choose one of {', '.join(engines.engines)}.")
    return engine
