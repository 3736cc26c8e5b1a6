"""Fetches a model into the cache: checked by content, and never half there.

A file is written beside its blob and renamed when its content is proved; the record of the model comes last.
What was interrupted goes on where it stopped, in whichever process comes next; two fetch a blob once.
"""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from huggingface_hub.utils._fixes import WeakFileLock

from heygem.errors import DiskFullError, WeightsCorruptError
from heygem.hardware.memory import disk_free_bytes
from heygem.models.cache.disk import disk_errors_explained
from heygem.models.cache.hub import RemoteFile, describe, fetch
from heygem.models.cache.layout import PARTIAL_SUFFIX, ModelCache, Record, RecordedFile, RepoFolder
from heygem.models.cache.sources import Source, SourceFile
from heygem.models.hashes import file_sha256

OnProgress = Callable[[str, int, int], None]  # file, bytes of it that are there, all of its bytes

SPARE_BYTES = 16 * 1024**2  # for links, records, and whoever else writes
_TRIES = 2
_SHA256_DIGITS = 64
_CACHE_TAG = "Signature: 8a477f597d28d172789f06886806bc55\n# Models of HeyGem; can be fetched again.\n"


def pull(source: Source, cache: ModelCache, on_progress: OnProgress) -> Record:
    """Make a model complete in the cache.

    Raises:
        PullError: the hub could not be reached; the same call goes on where this one stopped.
        DiskFullError: there is not enough room; nothing is fetched, or what came is kept.
        WeightsCorruptError: what came is not what it should be, twice; it lies in quarantine.
        StorageError: the cache cannot be written.
    """
    remotes = [describe(source.repo, source.revision, file.path) for file in source.files]
    folder = cache.repo_folder(source.repo)
    with disk_errors_explained(cache):
        _check_room(remotes, folder, cache)
        folder.blobs.mkdir(parents=True, exist_ok=True)
        _tag(cache.root)
        files = [
            _fetched(file, remote, folder, cache, on_progress)
            for file, remote in zip(source.files, remotes, strict=True)
        ]
        record = Record(source.name, source.repo, remotes[0].commit, source.licence, tuple(files))
        folder.complete(record)
    return record


def _fetched(
    file: SourceFile, remote: RemoteFile, folder: RepoFolder, cache: ModelCache, on_progress: OnProgress
) -> RecordedFile:
    """The blob of a file: already there, or fetched now. One process at a time."""
    blob = folder.blobs / remote.etag
    lock_path = folder.lock_path(remote.etag)
    lock_path.parent.mkdir(parents=True, exist_ok=True)
    with WeakFileLock(lock_path):
        for _ in range(_TRIES):
            part = blob if blob.exists() else _downloaded(remote, blob, on_progress)
            digest = file_sha256(part)
            if _is_right(part, digest, file, remote):
                if part != blob:
                    _publish(part, blob)
                return RecordedFile(file.path, digest, remote.bytes, remote.etag)
            quarantined = cache.put_away(part)
    raise WeightsCorruptError(
        f"{file.path} of {remote.repo} came with wrong content, {_TRIES} times: the mirror "
        f"may be broken, try another HF_ENDPOINT. What came lies in {quarantined}.",
        file=str(quarantined),
    )


def _downloaded(remote: RemoteFile, blob: Path, on_progress: OnProgress) -> Path:
    """Everything of a file, in its part file."""
    part = blob.with_name(blob.name + PARTIAL_SUFFIX)
    with part.open("ab") as writer:
        if writer.tell() > remote.bytes:
            writer.truncate(0)
        done = writer.tell()
        on_progress(remote.path, done, remote.bytes)

        def count(arrived_bytes: int) -> None:
            nonlocal done
            done += arrived_bytes
            on_progress(remote.path, done, remote.bytes)

        if done < remote.bytes:
            fetch(remote, writer, count)
        writer.flush()
        os.fsync(writer.fileno())
    return part


def _is_right(part: Path, digest: str, file: SourceFile, remote: RemoteFile) -> bool:
    """By the sha256 of our own list; else by that of the hub, which for small files is git's."""
    if file.sha256:
        return digest == file.sha256
    if len(remote.etag) == _SHA256_DIGITS:
        return digest == remote.etag
    content = part.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest() == remote.etag


def _publish(part: Path, blob: Path) -> None:
    part.chmod(0o444)
    os.replace(part, blob)
    descriptor = os.open(blob.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _check_room(remotes: list[RemoteFile], folder: RepoFolder, cache: ModelCache) -> None:
    """Raise DiskFullError unless what is missing fits."""
    missing = sum(remote.bytes - _present_bytes(folder.blobs / remote.etag) for remote in remotes)
    free_bytes = disk_free_bytes(cache.root)
    if missing and free_bytes < missing + SPARE_BYTES:
        raise DiskFullError(
            f"{missing / 1e6:.0f} MB have to be fetched, but the disk of {cache.root} has "
            f"{free_bytes / 1e6:.0f} MB left: make room, or choose another --model-cache-dir.",
            folder=str(cache.root),
        )


def _present_bytes(blob: Path) -> int:
    part = blob.with_name(blob.name + PARTIAL_SUFFIX)
    return next((path.stat().st_size for path in (blob, part) if path.exists()), 0)


def _tag(root: Path) -> None:
    """Tell backup programs that this is a cache (https://bford.info/cachedir/)."""
    tag = root / "CACHEDIR.TAG"
    if not tag.exists():
        tag.write_text(_CACHE_TAG, encoding="utf-8")
