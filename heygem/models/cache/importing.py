"""Takes weights that came by other ways, a download in the browser or a colleague's disk, into the cache."""

import hashlib
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from heygem.errors import SettingsError, WeightsCorruptError
from heygem.models.cache.disk import disk_errors_explained
from heygem.models.cache.layout import PARTIAL_SUFFIX, ModelCache, Record, RecordedFile, RepoFolder
from heygem.models.cache.sources import Source
from heygem.models.hashes import file_sha256
from heygem.models.placed import WEIGHT_SUFFIXES


def import_folder(path: Path, name: str, cache: ModelCache, sources: Sequence[Source]) -> Record:
    """Copy a folder of weights into the cache as the model `name`.

    Raises:
        SettingsError: there are no weights in it, or not all of a model that is known.
        WeightsCorruptError: a file is not what it should be.
        DiskFullError, StorageError: the cache cannot take it.
    """
    source = next((source for source in sources if source.name == name), None)
    files = _files_of(path, source)
    digests = {relative: file_sha256(path / relative) for relative in files}
    _check(path, source, digests)
    together = "".join(f"{relative}:{digests[relative]}\n" for relative in files)
    commit = hashlib.sha1(together.encode()).hexdigest()
    repo = source.repo if source else f"imported/{name}"
    folder = cache.repo_folder(repo)
    with disk_errors_explained(cache):
        recorded = [_copied(path / relative, relative, digests[relative], folder) for relative in files]
        record = Record(name, repo, commit, source.licence if source else "", tuple(recorded))
        folder.complete(record)
    return record


def _files_of(path: Path, source: Source | None) -> list[str]:
    if not path.is_dir():
        raise SettingsError(f"{path} is no folder: give the folder that holds the weights.")
    if source is not None:
        missing = [file.path for file in source.files if not (path / file.path).is_file()]
        if missing:
            raise SettingsError(f"{path} lacks {', '.join(missing)}: {source.title} needs it.")
        return [file.path for file in source.files]
    files = [str(one.relative_to(path)) for one in sorted(path.rglob("*")) if one.is_file()]
    if not any(file.endswith(WEIGHT_SUFFIXES) for file in files):
        raise SettingsError(f"{path} holds no weights ({', '.join(WEIGHT_SUFFIXES)}).")
    return files


def _check(path: Path, source: Source | None, digests: dict[str, str]) -> None:
    for file in source.files if source else ():
        if file.sha256 and digests[file.path] != file.sha256:
            wrong = path / file.path
            raise WeightsCorruptError(f"{wrong} is not the file it should be: get it again.", file=str(wrong))


def _copied(original: Path, relative: str, digest: str, folder: RepoFolder) -> RecordedFile:
    """The blob of a file; its content is proved after the copy, for that is what will be used."""
    blob = folder.blobs / digest
    if not blob.exists():
        folder.blobs.mkdir(parents=True, exist_ok=True)
        part = blob.with_name(blob.name + PARTIAL_SUFFIX)
        shutil.copyfile(original, part)
        if file_sha256(part) != digest:
            part.unlink()
            raise WeightsCorruptError(
                f"{original} changed while it was copied: try again.", file=str(original)
            )
        part.chmod(0o444)
        os.replace(part, blob)
    return RecordedFile(relative, digest, blob.stat().st_size, digest)
