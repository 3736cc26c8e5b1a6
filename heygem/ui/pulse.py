"""Has anything changed? Pages are drawn anew only when it has."""

import hashlib
import os
import time

from heygem.engines.status import EngineState
from heygem.studio import Studio

RAM_STEP_BYTES, VRAM_STEP_BYTES = 500_000_000, 100_000_000  # smaller changes wait for the next drawing,
DRAWN_EVERY_SECONDS = 10  # which comes at the latest after that


def pulse_of(studio: Studio) -> str:
    """A digest of whatever a page shows. Never waits for the engine."""
    status = studio.status()
    is_young = status.engine.state is EngineState.INITIALIZING
    gpu = status.gpu
    seen = (
        os.getpid(),
        studio.archive.revision,
        studio.library.at_work,
        status.engine,
        int(time.monotonic() / (1 if is_young else DRAWN_EVERY_SECONDS)),  # the banner counts the seconds
        status.free_ram_bytes // RAM_STEP_BYTES,
        gpu and (gpu.free_vram_bytes.value or 0) // VRAM_STEP_BYTES,
        status.queue_length,
        status.warnings,
        _log_size(studio) if is_young else 0,
    )
    return hashlib.blake2b(repr(seen).encode(), digest_size=8).hexdigest()


def _log_size(studio: Studio) -> int:
    try:
        return (studio.settings.log_dir / "app.log").stat().st_size
    except OSError:
        return 0
