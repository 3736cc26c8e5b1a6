"""What a disk refuses, said in the reader's language."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from heygem.errors import DiskFullError, StorageError
from heygem.models.cache.layout import ModelCache


@contextmanager
def disk_errors_explained(cache: ModelCache) -> Iterator[None]:
    """Whatever the disk refuses, in a sentence."""
    try:
        yield
    except OSError as problem:
        if problem.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFullError(
                f"The disk of {cache.root} is full: make room; the same command then goes on where it "
                "stopped.",
                folder=str(cache.root),
            ) from problem
        if problem.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
            raise StorageError(
                f"{cache.root} cannot be written ({problem.strerror}): choose another --model-cache-dir.",
                folder=str(cache.root),
            ) from problem
        raise
