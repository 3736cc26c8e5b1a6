"""Licences that were accepted once, for everybody who uses this cache."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from heygem.models.cache.disk import disk_errors_explained
from heygem.models.cache.layout import ModelCache
from heygem.models.cache.sources import Source
from heygem.models.hashes import write_json


def to_accept(sources: Iterable[Source], cache: ModelCache) -> list[Source]:
    """Those whose licence has not been accepted, or has changed since."""
    accepted = _read(cache)
    return [source for source in sources if accepted.get(source.name, {}).get("licence") != source.licence]


def accept(sources: Iterable[Source], cache: ModelCache) -> None:
    """Remember that these were accepted now.

    Raises:
        DiskFullError, StorageError: the cache cannot be written.
    """
    now = datetime.now(UTC).isoformat(timespec="seconds")
    entries = {source.name: {"licence": source.licence, "accepted": now} for source in sources}
    with disk_errors_explained(cache):
        write_json(cache.licences_path, _read(cache) | entries)


def _read(cache: ModelCache) -> dict[str, Any]:
    try:
        accepted = json.loads(cache.licences_path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return accepted if isinstance(accepted, dict) else {}
