"""The one SQLite file of a data folder: a connection behind a lock, and errors a user can act on."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Any

from heygem.errors import DiskFullError, StorageError
from heygem.jobs import sql

Values = Mapping[str, Any] | Sequence[Any]


class Database:
    """Thread-safe. Each command is durable when it returns, a transaction when its block ends."""

    def __init__(self, path: Path) -> None:
        """Open or make the file at `path`, and bring its tables up to date.

        Raises:
            StorageError: the folder cannot be written, the file is damaged, or a newer HeyGem made it.
        """
        self.path = path
        self._lock = RLock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        except (OSError, sqlite3.Error) as error:
            raise StorageError(_unwritable(path), path=str(path)) from error
        self._connection.row_factory = sqlite3.Row
        try:
            self._prepare()
        except BaseException:
            self._connection.close()
            raise

    @property
    def revision(self) -> int:
        """Grows with every change of a row by this process."""
        return self._connection.total_changes

    def close(self) -> None:
        """Close the file; the database cannot be used afterwards."""
        with self._lock:
            self._connection.close()

    def rows(self, command: str, values: Values = ()) -> list[sqlite3.Row]:
        """Run one command.

        Raises:
            DiskFullError: nothing could be written, for lack of space; nothing has changed.
            StorageError: the file cannot be read or written.
        """
        with self._lock, self._explained():
            return self._connection.execute(command, values).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; one inside another joins it. Raises what `rows` raises."""
        with self._lock:
            if self._is_in_transaction():
                yield
                return
            self.rows("BEGIN IMMEDIATE")
            try:
                yield
                self.rows("COMMIT")
            except BaseException:
                if self._is_in_transaction():  # some errors have rolled back already
                    self._connection.execute("ROLLBACK")
                raise

    def _is_in_transaction(self) -> bool:
        return self._connection.in_transaction

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_FULL:
                raise DiskFullError(
                    f"The disk that holds {self.path.parent} is full: free some space.", path=str(self.path)
                ) from error
            if error.sqlite_errorname.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_IOERR")):
                raise StorageError(_unwritable(self.path), path=str(self.path)) from error
            raise
        except sqlite3.ProgrammingError:  # a wrong call: sqlite3 gives it no code
            raise
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
                raise StorageError(
                    f"The job list {self.path} is damaged ({error}): move the file away."
                ) from error
            raise

    def _prepare(self) -> None:
        self.rows("PRAGMA journal_mode = WAL")
        self.rows("PRAGMA synchronous = FULL")
        (version,) = self.rows("PRAGMA user_version")[0]
        if version > sql.SCHEMA_VERSION:
            raise StorageError(f"The job list {self.path} was made by a newer HeyGem: update this one.")
        with self.transaction():
            for step in sql.STEPS[version:]:
                for command in step:
                    self.rows(command)
            self.rows(f"PRAGMA user_version = {sql.SCHEMA_VERSION}")


def _unwritable(path: Path) -> str:
    return (
        f"HeyGem cannot write to {path.parent}: make the folder writable, or choose another with --data-dir."
    )
