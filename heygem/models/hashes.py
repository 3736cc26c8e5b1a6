"""The sha256 of files, remembered by their identity, so that unchanged files cost microseconds."""

import hashlib
import json
import os
import tempfile
import time
from contextlib import suppress
from pathlib import Path

# A file system's clock ticks coarsely: a file written twice within a tick looks the same both times. Files
# younger than this are therefore read again the next time.
YOUNG_NS = 100_000_000


class HashMemo:
    """Kept in a small JSON file; an unreadable one, or one that cannot be written, only costs time."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def sha256(self, path: Path, rehash: bool = False) -> str:
        """Of a file's content. Reads the file when its identity is new, or with `rehash`."""
        known = self._read()
        identity, now_ns = file_identity(path), time.time_ns()
        if not rehash and identity in known:
            return known[identity]
        digest = file_sha256(path)
        if now_ns - path.stat().st_ctime_ns > YOUNG_NS and file_identity(path) == identity:
            self._write(known | {identity: digest})
        return digest

    def _read(self) -> dict[str, str]:
        try:
            known = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return known if isinstance(known, dict) else {}

    def _write(self, known: dict[str, str]) -> None:
        with suppress(OSError):
            write_json(self._path, known)


def file_identity(path: Path) -> str:
    """Device, inode, size and times of what a path leads to."""
    stat = path.stat()
    return f"{stat.st_dev}:{stat.st_ino}:{stat.st_size}:{stat.st_mtime_ns}:{stat.st_ctime_ns}"


def file_sha256(path: Path) -> str:
    """Of the content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_json(path: Path, value: object) -> None:
    """Replace a JSON file whole: readers see the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, delete=False) as part:
        json.dump(value, part, indent=1, ensure_ascii=False)
    os.replace(part.name, path)
