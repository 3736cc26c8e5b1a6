"""Which weight files there are, where they lie, and whether their content is what it should be.

The bundled models are those of `manifest.toml`; for all others it asks `heygem.models.placed`.
"""

import hashlib
import os
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from heygem.errors import WeightsCorruptError, WeightsMissingError
from heygem.models.cache.layout import ModelCache, hub_cache_dir
from heygem.models.cache.sources import read_sources
from heygem.models.hashes import HashMemo, file_identity
from heygem.models.placed import PlacedModels

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
    """The weight files of all models. Folders are searched in order; `models_dir` comes last.

    Attributes:
        files: of the bundled models.
        placed: the models that do not come with HeyGem.
    """

    def __init__(
        self,
        files: Sequence[WeightFile],
        roots: Sequence[Path],
        memo_path: Path,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        """Args:
        environ: says where the Hugging Face hub keeps its cache.
        """
        self.files = tuple(files)
        self.models_dir = roots[-1]
        self._roots = tuple(roots)
        self._memo = HashMemo(memo_path)
        self.placed = PlacedModels(
            roots,
            ModelCache(roots[0]),
            ModelCache(hub_cache_dir(environ)),
            read_sources(self.models_dir),
            self._memo,
            memo_path.with_name("placed.json"),
        )

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
        if self._files_of(model):
            return self._find(model) is not None
        return self.placed.find(model) is not None

    def bytes_of(self, model: str) -> int:
        """What the weights of a model take on disk."""
        return sum(size for _, size in self._contents(model))

    def weights_id(self, model: str) -> str:
        """Stands for exactly these weights."""
        together = "".join(digest for digest, _ in self._contents(model))
        return hashlib.sha256(together.encode()).hexdigest()[:16]

    def verify(self, model: str, rehash: bool = False) -> VerifiedModel:
        """Find the files of a model and compare their sha256 with the manifest.

        A file whose device, inode, size and times are those of an earlier check is not read again, unless
        `rehash`.

        Raises:
            WeightsMissingError: a file is in none of the folders.
            WeightsCorruptError: a file has other content.
        """
        files, root = self._files_of(model), self._find(model)
        if not files and (placed := self.placed.find(model)) is not None:
            self.placed.verify(placed, rehash)
            return VerifiedModel(placed.folder, placed.bytes)
        if root is None:
            raise self._missing(model)
        for file in files:
            self._check(root / file.path, file, rehash)
        return VerifiedModel(root / model, sum(file.bytes for file in files))

    def _contents(self, model: str) -> Iterator[tuple[str, int]]:
        """(sha256 or the like, bytes) of every file of a model."""
        yield from ((file.sha256, file.bytes) for file in self._files_of(model))
        placed = None if self._files_of(model) else self.placed.find(model)
        if placed is not None:
            yield from (
                (file.sha256 or file_identity(placed.folder / file.path), file.bytes) for file in placed.files
            )

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
        if not absent:
            return WeightsMissingError(
                f"{model} is not there: run `python -m heygem models pull {model}`, "
                f"or put its files into {path}.",
                file=str(path),
            )
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
