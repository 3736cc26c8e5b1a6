"""Unload or reload one model while HeyGem runs: the engine thread does it, who asks waits."""

from heygem.errors import ModelBusyError
from heygem.jobs.engine_set import EngineSet
from heygem.jobs.worker import EngineWorker

START_SECONDS = 10.0  # within which the engine thread has to come to it


class ModelOrders:
    """What the page may ask for; it never touches a model itself."""

    def __init__(self, worker: EngineWorker) -> None:
        self._worker = worker

    def unload(self, name: str) -> int:
        """Forget a model until it is needed; returns the bytes its device was measured to get back.

        Raises:
            ModelBusyError: a job uses it, or the engine thread does not come to it.
        """
        freed_bytes = self._worker.order(lambda engines: engines.unload_model(name), START_SECONDS)
        if freed_bytes is None:
            raise _not_now(name)
        return freed_bytes

    def reload(self, name: str) -> None:
        """Have a model anew from its files: verified, loaded, warmed, compared.

        Raises:
            ModelBusyError: a job uses it, or the engine thread does not come to it.
            ModelError, DeviceError: it cannot be loaded; its status says so too.
        """

        def reload(engines: EngineSet) -> bool:
            engines.reload_model(name)
            return True

        if not self._worker.order(reload, START_SECONDS):
            raise _not_now(name)


def _not_now(name: str) -> ModelBusyError:
    return ModelBusyError("The engine is busy or not up: try again when the banner says ready.", model=name)
