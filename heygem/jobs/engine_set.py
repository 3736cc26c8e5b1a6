"""What the engine thread needs of the engines, which it imports only when it runs."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
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

    def tidy(self) -> None:
        """A job has ended: give back what it freed, where memory would otherwise grow from job to job."""

    def relieve(self) -> None:
        """The device is full: beside `clear_caches`, drop the models that are neither required nor in use."""

    def let_go(self) -> None:
        """Unload every model and drop what earlier jobs left in memory; the next job loads what it needs."""

    def leased(self, engine: str) -> AbstractContextManager[None]:
        """While inside, the models of an engine are in use: nothing drops them."""

    def unload_model(self, name: str) -> int:
        """Forget one model; returns the bytes its device was measured to get back.

        Raises:
            ModelBusyError: a job uses it.
        """

    def reload_model(self, name: str) -> None:
        """Have one model anew from its files.

        Raises:
            ModelBusyError: a job uses it.
            ModelError, DeviceError: it cannot be loaded.
        """


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
