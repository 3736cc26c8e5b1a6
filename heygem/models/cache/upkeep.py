"""Looking after the cache: repair what is damaged, link it into a project, remove what nobody needs."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from heygem.errors import SettingsError
from heygem.models.cache.layout import PARTIAL_SUFFIX, ModelCache
from heygem.models.hashes import file_sha256
from heygem.models.placed import PlacedModel


@dataclass(frozen=True, slots=True)
class Waste:
    """Something in the cache that no model needs."""

    path: Path
    bytes: int
    reason: str


def quarantine_damaged(name: str, cache: ModelCache) -> list[Path]:
    """Take every damaged blob of a model away, so that a pull fetches it anew; returns where they are now."""
    moved = []
    for folder, record in cache.records():
        if record.name != name:
            continue
        for file in record.files:
            blob = folder.blobs / file.blob
            if blob.exists() and file_sha256(blob) != file.sha256:
                moved.append(cache.put_away(blob))
    return moved


def link_into(folder: Path, model: PlacedModel) -> Path:
    """Make `folder/<model>`, a folder of links to the files of a model; returns it.

    Raises:
        SettingsError: something else is there already.
    """
    target = folder / model.name
    if target.exists() and not _is_ours(target):
        raise SettingsError(f"{target} is there already: remove it, or choose another folder.")
    for file in model.files:
        link = target / file.path
        link.parent.mkdir(parents=True, exist_ok=True)
        if link.is_symlink():
            link.unlink()
        link.symlink_to((model.folder / file.path).resolve())
    return target


def find_waste(cache: ModelCache) -> Iterator[Waste]:
    """Partial files, quarantined ones, and blobs of versions that were replaced.

    A folder without a record of ours is left alone, but for partial files: another program may use it.
    """
    for path in sorted(cache.quarantine.glob("*")):
        yield Waste(path, path.stat().st_size, "damaged")
    for folder in cache.repo_folders():
        record = folder.read_record()
        needed = {file.blob for file in record.files} if record else None
        for blob in sorted(folder.blobs.glob("*")):
            if blob.name.endswith(PARTIAL_SUFFIX):
                yield Waste(blob, blob.stat().st_size, "interrupted")
            elif needed is not None and blob.name not in needed:
                yield Waste(blob, blob.stat().st_size, "replaced")


def remove_waste(waste: Waste, cache: ModelCache) -> None:
    """Delete it, and the links that led to it."""
    os.remove(waste.path)
    for folder in cache.repo_folders():
        for link in folder.path.glob("snapshots/**/*"):
            if link.is_symlink() and not link.exists():
                link.unlink()


def _is_ours(target: Path) -> bool:
    """Whether a folder holds nothing but links."""
    return target.is_dir() and all(path.is_symlink() or path.is_dir() for path in target.rglob("*"))
