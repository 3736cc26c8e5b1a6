"""Inputs of jobs, kept by content: a temporary file that vanishes cannot take a waiting job with it."""

import errno
import hashlib
import os
import shutil
import uuid
from collections.abc import Collection
from pathlib import Path

from heygem.errors import DiskFullError


class UploadStore:
    """Files named `<sha256><suffix>` in one folder. Not thread-safe: the studio holds a lock around it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def keep(self, source: Path) -> Path:
        """A path with the same bytes that stays until nobody needs it; a hard link where that can be.

        Raises:
            DiskFullError: there is no room for a copy.
        """
        incoming = self.folder / f".{uuid.uuid4().hex}"
        try:
            link_or_copy(source, incoming)
            with incoming.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            kept = self.folder / f"{digest}{source.suffix.lower()}"
            os.replace(incoming, kept)
        finally:
            incoming.unlink(
                missing_ok=True
            )  # also after replacing: between two links to one file it does nothing
        return kept

    def unneeded(self, needed: Collection[Path]) -> list[Path]:
        """Files that are not among `needed`."""
        return [path for path in self.folder.iterdir() if path not in needed]


def link_or_copy(source: Path, target: Path) -> None:
    """Give a file another name; raises DiskFullError where that takes a copy and there is no room."""
    try:
        os.link(source.resolve(), target)
    except OSError:  # another file system, or one without hard links, or somebody else's file
        _copy(source, target)


def _copy(source: Path, target: Path) -> None:
    try:
        shutil.copyfile(source, target)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise DiskFullError(
                "The disk is full: make room for the uploaded file, then try again."
            ) from error
        raise
