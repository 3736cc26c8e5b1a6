"""Many results in one download, written while it is sent: no copy on the disk, none in memory."""

import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

CHUNK_BYTES = 1 << 20


class _Outbox:
    """What a ZIP writer has written since somebody last took it away. It cannot be sought in."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._position = 0

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        self._position += len(data)
        return len(data)

    def tell(self) -> int:
        return self._position

    def flush(self) -> None:
        return

    def take(self) -> bytes:
        taken, self._parts = b"".join(self._parts), []
        return taken


def stream_zip(files: Iterable[tuple[str, Path]]) -> Iterator[bytes]:
    """A ZIP of (name in it, file) pairs, stored as they are: videos do not get smaller. Any size.

    A file that is gone when its turn comes is left out.
    """
    outbox = _Outbox()
    with zipfile.ZipFile(outbox, "w", zipfile.ZIP_STORED) as archive:  # type: ignore[call-overload]
        for name, path in files:
            try:
                source = path.open("rb")
            except FileNotFoundError:
                continue
            with source:
                yield from _entry(archive, outbox, name, path, source)
    yield outbox.take()


def _entry(
    archive: zipfile.ZipFile, outbox: _Outbox, name: str, path: Path, source: IO[bytes]
) -> Iterator[bytes]:
    info = zipfile.ZipInfo.from_file(path, name)
    with archive.open(info, "w", force_zip64=True) as entry:
        while chunk := source.read(CHUNK_BYTES):
            entry.write(chunk)
            yield outbox.take()
