"""Prepared assets of templates, kept on disk by content and in memory while they are in use.

An entry is a folder named by its key, holding `.npz` files written whole or not at all. Least recently used
entries go first when the folder outgrows its cap; leased entries never go.
"""

import hashlib
import io
import os
import shutil
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

HASH_CHUNK_BYTES = 1 << 20
Arrays = Mapping[str, NDArray[Any]]


def content_hash(path: Path) -> str:
    """sha256 of the file's bytes, in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(HASH_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


class TemplateCache:
    """Thread-safe; one per data folder. `max_bytes` bounds what lies on disk."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self.folder = folder
        self.max_bytes = max_bytes
        self._leases: dict[str, int] = {}
        self._lock = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def bytes_on_disk(self) -> int:
        """Size of all entries."""
        return sum(_folder_bytes(entry) for entry in self._entries())

    @contextmanager
    def lease(self, key: str) -> Iterator[None]:
        """Hold `key` so that neither the cap nor clear-cache can take it."""
        with self._lock:
            self._leases[key] = self._leases.get(key, 0) + 1
        try:
            yield
        finally:
            with self._lock:
                self._leases[key] -= 1
                if not self._leases[key]:
                    del self._leases[key]

    def read(self, key: str, name: str) -> Arrays | None:
        """The arrays stored as `name`, or None; a damaged file is dropped and counts as absent."""
        path = self.folder / key / f"{name}.npz"
        try:
            with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as arrays:
                found = dict(arrays)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, BadZipFile, KeyError):
            path.unlink(missing_ok=True)
            return None
        with suppress(OSError):
            os.utime(path.parent)  # marks the entry as recently used
        return found

    def write(self, key: str, name: str, arrays: Arrays) -> None:
        """Store arrays as `name` of `key`, whole or not at all, then keep within the cap."""
        entry = self.folder / key
        entry.mkdir(parents=True, exist_ok=True)
        partial = entry / f".{name}.{os.getpid()}.part"
        with partial.open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays)
        partial.replace(entry / f"{name}.npz")
        self._shrink(self.max_bytes)

    def clear_unleased(self) -> int:
        """Drop every entry no job holds; returns the bytes that went."""
        return self._shrink(0)

    def unleased_bytes(self) -> int:
        """What `clear_unleased` would free."""
        with self._lock:
            return sum(_folder_bytes(entry) for entry in self._entries() if entry.name not in self._leases)

    def _entries(self) -> list[Path]:
        return [entry for entry in self.folder.iterdir() if entry.is_dir()]

    def _shrink(self, max_bytes: int) -> int:
        """Remove least recently used unleased entries until at most `max_bytes` are left."""
        with self._lock:
            sizes = {entry: _folder_bytes(entry) for entry in self._entries()}
            total, freed = sum(sizes.values()), 0
            for entry in sorted(sizes, key=lambda entry: entry.stat().st_mtime):
                if total - freed <= max_bytes:
                    break
                if entry.name not in self._leases:
                    shutil.rmtree(entry)
                    freed += sizes[entry]
            return freed


def _folder_bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.iterdir() if file.is_file())
