"""Which weight files there are, where they lie, and whether their content is what it should be."""

import hashlib
import json
import os
import tempfile
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from heygem.errors import WeightsCorruptError, WeightsMissingError

MANIFEST_NAME = "manifest.toml"


@dataclass(frozen=True, slots=True)
class WeightFile:
    """One `[[file]]` of the manifest. `path` is relative to the models folder and begins with `model`."""

    model: str
    path: str
    sha256: str
    bytes: int
    licence: str
    source: str


@dataclass(frozen=True, slots=True)
class VerifiedModel:
    """A model whose files are all there, with the right content."""

    folder: Path
    bytes_on_disk: int


class Manifest:
    """The weight files of all models. Folders are searched in order; `models_dir` comes last."""

    def __init__(self, files: Sequence[WeightFile], roots: Sequence[Path], memo_path: Path) -> None:
        self.files = tuple(files)
        self.models_dir = roots[-1]
        self._roots = tuple(roots)
        self._memo = _HashMemo(memo_path)

    @classmethod
    def load(cls, models_dir: Path, cache_dir: Path, model_cache_dir: Path | None = None) -> "Manifest":
        """Read `models_dir/manifest.toml`. What was verified is remembered in `cache_dir`.

        Raises:
            WeightsMissingError: there is no manifest.
        """
        path = models_dir / MANIFEST_NAME
        if not path.exists():
            raise WeightsMissingError(
                f"{path} is not there: copy the whole models folder of HeyGem.", file=str(path)
            )
        entries = tomllib.loads(path.read_text(encoding="utf-8"))["file"]
        roots = [models_dir] if model_cache_dir is None else [model_cache_dir, models_dir]
        return cls([WeightFile(**entry) for entry in entries], roots, cache_dir / "verified.json")

    def is_present(self, model: str) -> bool:
        """Whether every file of the model lies in one of the folders; says nothing of their content."""
        return self._find(model) is not None

    def bytes_of(self, model: str) -> int:
        """What the weights of a model take on disk."""
        return sum(file.bytes for file in self._files_of(model))

    def weights_id(self, model: str) -> str:
        """Stands for exactly these weights."""
        together = "".join(file.sha256 for file in self._files_of(model))
        return hashlib.sha256(together.encode()).hexdigest()[:16]

    def verify(self, model: str, rehash: bool = False) -> VerifiedModel:
        """Find the files of a model and compare their sha256 with the manifest.

        A file whose device, inode, size and times are those of an earlier check is not read again, unless
        `rehash`.

        Raises:
            WeightsMissingError: a file is in none of the folders.
            WeightsCorruptError: a file has other content.
        """
        root = self._find(model)
        if root is None:
            raise self._missing(model)
        files = self._files_of(model)
        for file in files:
            self._check(root / file.path, file, rehash)
        return VerifiedModel(root / model, sum(file.bytes for file in files))

    def _files_of(self, model: str) -> list[WeightFile]:
        return [file for file in self.files if file.model == model]

    def _find(self, model: str) -> Path | None:
        """The first folder that holds all files of the model."""
        files = self._files_of(model)
        for root in self._roots:
            if files and all((root / file.path).exists() for file in files):
                return root
        return None

    def _missing(self, model: str) -> WeightsMissingError:
        absent = [file.path for file in self._files_of(model) if not (self.models_dir / file.path).exists()]
        path = self.models_dir / (absent[0] if absent else model)
        return WeightsMissingError(
            f"{path} is not there: restore it from the project (`python -m heygem doctor` looks at all).",
            file=str(path),
        )

    def _check(self, path: Path, file: WeightFile, rehash: bool) -> None:
        if path.stat().st_size == file.bytes and self._memo.sha256(path, rehash) == file.sha256:
            return
        raise WeightsCorruptError(
            f"{path} is damaged (its content is not what {MANIFEST_NAME} says): "
            "delete it and restore it from the project.",
            file=str(path),
        )


class _HashMemo:
    """Remembers the sha256 of files by their identity, so that unchanged files cost microseconds."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def sha256(self, path: Path, rehash: bool) -> str:
        known = self._read()
        identity = _identity(path)
        if rehash or identity not in known:
            known[identity] = _sha256(path)
            self._write(known)
        return known[identity]

    def _read(self) -> dict[str, str]:
        """What is known; nothing, if the memo is absent or unreadable (it can be made again)."""
        try:
            known = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return known if isinstance(known, dict) else {}

    def _write(self, known: dict[str, str]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=self._path.parent, delete=False) as part:
            json.dump(known, part, indent=1)
        os.replace(part.name, self._path)


def _identity(path: Path) -> str:
    stat = path.stat()
    return f"{stat.st_dev}:{stat.st_ino}:{stat.st_size}:{stat.st_mtime_ns}:{stat.st_ctime_ns}"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
