"""What becomes of old files: results, kept inputs, and remains of interrupted jobs."""

import logging
from collections.abc import Callable
from pathlib import Path
from threading import Lock

from heygem.errors import JobNotFoundError
from heygem.jobs.outputs import PARTIAL_PATTERN, job_id_of_partial
from heygem.jobs.store import JobStore
from heygem.jobs.uploads import UploadStore
from heygem.settings import Settings

DAY_SECONDS = 24 * 3600.0
SWEEP_SECONDS = 3600.0

_log = logging.getLogger(__name__)


class Retention:
    """Removes only what jobs of this store have made; anything else in the output folder is left alone."""

    def __init__(
        self,
        settings: Settings,
        store: JobStore,
        uploads: UploadStore,
        uploads_lock: Lock,
        clock: Callable[[], float],
    ) -> None:
        """`uploads_lock` is held by whoever keeps an input until its job is in the store."""
        self._settings = settings
        self._store = store
        self._uploads = uploads
        self._uploads_lock = uploads_lock
        self._clock = clock
        self._swept_at = float("-inf")

    def sweep_if_due(self) -> None:
        """Sweep at the first call, and then every hour."""
        if self._clock() - self._swept_at >= SWEEP_SECONDS:
            self._swept_at = self._clock()
            self.sweep()

    def sweep(self) -> None:
        """Remove results and inputs that are too old, and remains of interrupted jobs."""
        _remove(self.orphaned_partials())
        keep_seconds = self._settings.retention_days * DAY_SECONDS or float("inf")
        oldest = self._clock() - keep_seconds
        for job in self._store.expired(finished_before=oldest):
            if job.output_path is not None:
                _remove([job.output_path])
            self._store.forget_output(job.id)
        with self._uploads_lock:
            _remove(self.unneeded_uploads(finished_since=oldest))

    def unneeded_uploads(self, finished_since: float = float("inf")) -> list[Path]:
        """Inputs of no pending or running job, nor of one that finished since then."""
        return self._uploads.unneeded(self._store.inputs_in_use(finished_since))

    def orphaned_partials(self) -> list[Path]:
        """Unfinished files in the output folder that no job will finish."""
        return [path for path in self._settings.output_dir.glob(PARTIAL_PATTERN) if self._is_orphan(path)]

    def remove_unneeded(self) -> None:
        """Remove what no pending or running job needs, however young."""
        _remove(self.orphaned_partials())
        with self._uploads_lock:
            _remove(self.unneeded_uploads())

    def _is_orphan(self, partial: Path) -> bool:
        try:
            return self._store.get(job_id_of_partial(partial)).state.is_final
        except JobNotFoundError:  # of another data folder: only when nobody has written to it for a day
            return self._clock() - partial.stat().st_mtime > DAY_SECONDS


def _remove(paths: list[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
        _log.info("removed %s", path)
