"""One HeyGem per data folder."""

import fcntl
import os
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from heygem.errors import FolderBusyError, StorageError


class FolderLock:
    """Held from construction to `release`, or until the process ends, however it ends."""

    def __init__(self, folder: Path, where: str) -> None:
        """Lock `folder`; `where` tells a second launch how to reach this one.

        Raises:
            FolderBusyError: another one holds the lock; says where it runs.
            StorageError: the folder cannot be written.
        """
        check_writable(folder, "--data-dir")
        self._file: IO[str] = (folder / "lock").open("a+", encoding="utf-8")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._file.seek(0)
            holder = self._file.read().strip()
            self._file.close()
            raise FolderBusyError(
                f"HeyGem already runs at {holder} with the data folder {folder}: "
                "use that one, or start this one with another --data-dir.",
                holder=holder,
                folder=str(folder),
            ) from error
        self._file.truncate(0)
        self._file.write(f"{where} (process {os.getpid()})\n")
        self._file.flush()

    def release(self) -> None:
        """Let another one have the folder. Idempotent."""
        self._file.close()


def check_writable(folder: Path, flag: str) -> None:
    """Make `folder` and a file in it; `flag` chooses another one.

    Raises:
        StorageError: that is not possible; says why.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise StorageError(
            f"HeyGem cannot write to {folder} ({error.strerror}): make the folder writable, "
            f"or choose another with {flag}.",
            folder=str(folder),
        ) from error
