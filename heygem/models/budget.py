"""How much memory a model will need: what it was measured to need when it was last warmed on this device.

No constant is reserved. A model that was never measured here is guessed from its files, and the guess
refuses nobody: it only makes room.
"""

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from heygem.models.hashes import write_json


@dataclass(frozen=True, slots=True)
class Need:
    """Device memory of one model in one precision."""

    resident_bytes: int
    working_bytes: Mapping[str, int] = field(default_factory=dict)  # by bucket, beside the weights
    is_measured: bool = True

    @property
    def peak_bytes(self) -> int:
        """What its largest shape takes beside the weights."""
        return max(self.working_bytes.values(), default=0)

    @property
    def total_bytes(self) -> int:
        """The most it takes."""
        return self.resident_bytes + self.peak_bytes


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """What a set of models holds together, and the most they will ever hold: they run one after the other."""

    resident_bytes: int
    working_bytes: int

    @classmethod
    def of(cls, needs: Iterable[Need]) -> "MemoryPlan":
        listed = list(needs)
        return cls(
            sum(need.resident_bytes for need in listed), max((need.peak_bytes for need in listed), default=0)
        )

    @property
    def peak_bytes(self) -> int:
        return self.resident_bytes + self.working_bytes


class NeedStore:
    """Measured needs, kept in a small JSON file; an unreadable one only costs knowledge."""

    def __init__(self, path: Path, device_name: str) -> None:
        self._path = path
        self._device_name = device_name

    def find(self, model: str, precision: str, weights_id: str) -> Need | None:
        """What was measured for exactly these weights on this kind of device; None: nothing was."""
        entry: Any = self._read().get(self._key(model, precision, weights_id))
        try:
            working = {bucket: int(size) for bucket, size in entry["working_bytes"].items()}
            return Need(int(entry["resident_bytes"]), working)
        except (TypeError, KeyError, ValueError, AttributeError):
            return None

    def keep(self, model: str, precision: str, weights_id: str, need: Need) -> None:
        """Remember for the next start; where nothing can be written, forget."""
        entries = self._read() | {self._key(model, precision, weights_id): asdict(need)}
        with suppress(OSError):
            write_json(self._path, entries)

    def _key(self, model: str, precision: str, weights_id: str) -> str:
        return f"{self._device_name}|{model}|{precision}|{weights_id}"

    def _read(self) -> dict[str, Any]:
        try:
            entries = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return entries if isinstance(entries, dict) else {}
