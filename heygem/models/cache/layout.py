"""Where things lie in the model cache, and what is known of each model in it."""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any

from heygem.models.hashes import write_json

RECORD_NAME = "heygem.json"
PARTIAL_SUFFIX = ".incomplete"


@dataclass(frozen=True, slots=True)
class RecordedFile:
    """One file of a model as it was when it came. `blob` is its name in `blobs/`."""

    path: str
    sha256: str
    bytes: int
    blob: str


@dataclass(frozen=True, slots=True)
class Record:
    """A model in the cache."""

    name: str
    repo: str
    commit: str
    licence: str
    files: tuple[RecordedFile, ...]

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.files)


@dataclass(frozen=True, slots=True)
class RepoFolder:
    """`models--<org>--<name>` in a cache of the hub's layout."""

    path: Path

    @property
    def blobs(self) -> Path:
        return self.path / "blobs"

    @property
    def record_path(self) -> Path:
        return self.path / RECORD_NAME

    def snapshot(self, commit: str) -> Path:
        """The folder of one version."""
        return self.path / "snapshots" / commit

    def lock_path(self, blob: str) -> Path:
        """The same as the hub's own client takes, so that the two do not fetch a blob at once."""
        return self.path.parent / ".locks" / self.path.name / f"{blob}.lock"

    def snapshots(self) -> Iterator[Path]:
        """The version that `main` stands for first, then the others, newest first."""
        main = self.path / "refs" / "main"
        folders = sorted(self.path.glob("snapshots/*"), key=lambda path: -path.lstat().st_mtime_ns)
        if main.exists():
            commit = main.read_text(encoding="utf-8").strip()
            folders.sort(key=lambda path: path.name != commit)
        return iter(folders)

    def read_record(self) -> Record | None:
        """None where there is none, or an unreadable one: the model then counts as not there."""
        try:
            entry: Any = json.loads(self.record_path.read_text(encoding="utf-8"))
            files = tuple(RecordedFile(**file) for file in entry.pop("files"))
            return Record(**entry, files=files)
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return None

    def complete(self, record: Record) -> None:
        """All blobs of a model are there: give them their names, and say so last."""
        for file in record.files:
            self._link(file, record.commit)
        main = self.path / "refs" / "main"
        main.parent.mkdir(exist_ok=True)
        main.write_text(record.commit, encoding="utf-8")
        write_json(self.record_path, asdict(record))

    def _link(self, file: RecordedFile, commit: str) -> None:
        """Give a blob its name in a snapshot, at one stroke: another process may be doing the same."""
        target = self.snapshot(commit) / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        up = "../" * (len(Path(file.path).parts) + 1)
        link = target.with_name(f".{target.name}.{token_hex(8)}")
        link.symlink_to(f"{up}blobs/{file.blob}")
        link.replace(target)


def hub_cache_dir(environ: Mapping[str, str]) -> Path:
    """Where huggingface_hub itself keeps what it fetches; the same rules, without importing it."""
    if "HF_HUB_CACHE" in environ:
        return Path(environ["HF_HUB_CACHE"]).expanduser()
    home = environ.get("HF_HOME") or Path(environ.get("XDG_CACHE_HOME", "~/.cache")) / "huggingface"
    return Path(home).expanduser() / "hub"


class ModelCache:
    """A folder of models."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def quarantine(self) -> Path:
        return self.root / "quarantine"

    @property
    def licences_path(self) -> Path:
        return self.root / "licences.json"

    def repo_folder(self, repo: str) -> RepoFolder:
        """Of "org/name"."""
        return RepoFolder(self.root / f"models--{repo.replace('/', '--')}")

    def repo_folders(self) -> list[RepoFolder]:
        """All there are."""
        return [RepoFolder(path) for path in sorted(self.root.glob("models--*")) if path.is_dir()]

    def put_away(self, path: Path) -> Path:
        """Move wrong content where nobody loads it; returns where it is."""
        self.quarantine.mkdir(parents=True, exist_ok=True)
        target = self.quarantine / path.name
        os.replace(path, target)
        return target

    def records(self) -> Iterator[tuple[RepoFolder, Record]]:
        """The models that came completely."""
        for folder in self.repo_folders():
            record = folder.read_record()
            if record is not None:
                yield folder, record
