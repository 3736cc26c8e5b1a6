"""Models that do not come with HeyGem: pulled or imported into the cache, found in the hub's, or put by hand.

A folder `<model>` in one of the roots (it may be a link to anywhere) wins over the caches. Content is held to
the record of its coming, to the list of known sources, or else to what it was when HeyGem first saw it.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from heygem.errors import WeightsCorruptError
from heygem.models.cache.layout import RECORD_NAME, ModelCache, Record, RepoFolder
from heygem.models.cache.sources import Source
from heygem.models.hashes import HashMemo, write_json

Origin = Literal["folder", "cache", "hub"]

FOREIGN_TYPES = ("wav2vec2", "hubert")  # speech encoders that can be loaded beside our own
WEIGHT_SUFFIXES = (".safetensors", ".bin", ".pth", ".pt")
_KEPT_SUFFIXES = (*WEIGHT_SUFFIXES, ".json", ".txt", ".model")


@dataclass(frozen=True, slots=True)
class PlacedFile:
    """A file of such a model; `sha256` is "" where only the first sight tells."""

    path: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class PlacedModel:
    """A model that is there, completely."""

    name: str
    folder: Path
    origin: Origin
    files: tuple[PlacedFile, ...]
    licence: str = ""

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.files)


class PlacedModels:
    """Looks for models, and checks them."""

    def __init__(
        self,
        folders: Sequence[Path],
        cache: ModelCache,
        hub_cache: ModelCache,
        sources: Sequence[Source],
        memo: HashMemo,
        seen_path: Path,
    ) -> None:
        """Args:
        folders: in which models lie under their names.
        hub_cache: of huggingface_hub itself; only read.
        seen_path: the file that remembers content without a known sha256.
        """
        self.cache = cache
        self._folders = folders
        self._hub_cache = hub_cache
        self._sources = {source.name: source for source in sources}
        self._memo = memo
        self._seen_path = seen_path

    def names(self) -> list[str]:
        """Every model that may be there, the bundled ones too where they lie in one of the folders."""
        in_folders = [path.name for root in self._folders for path in sorted(root.glob("*")) if path.is_dir()]
        in_cache = [record.name for _, record in self.cache.records()]
        names = dict.fromkeys([*in_folders, *in_cache, *self._sources])
        return [name for name in names if self.find(name) is not None]

    def find(self, name: str) -> PlacedModel | None:
        """The model, if all of it is there; nothing is read of its content."""
        for root in self._folders:
            if (found := self._in_folder(name, root / name)) is not None:
                return found
        for folder, record in self.cache.records():
            if record.name == name and (found := self._recorded(folder, record)) is not None:
                return found
        return self._in_hub_cache(name)

    def verify(self, model: PlacedModel, rehash: bool = False, trust: bool = False) -> None:
        """Compare every file with what it should be.

        Args:
            trust: what is unlike the first sight was replaced on purpose.

        Raises:
            WeightsCorruptError: a file has other content.
        """
        seen = self._read_seen()
        fresh: dict[str, str] = {}
        for file in model.files:
            path = model.folder / file.path
            digest = self._memo.sha256(path, rehash)
            expected = file.sha256 or ("" if trust else seen.get(str(path), ""))
            if expected and digest != expected:
                raise self._corrupt(model, file, path)
            if not file.sha256 and seen.get(str(path)) != digest:
                fresh[str(path)] = digest
        if fresh:
            write_json(self._seen_path, seen | fresh)

    def _in_folder(self, name: str, folder: Path) -> PlacedModel | None:
        if not folder.is_dir() or folder.name.startswith(("models--", ".")):
            return None
        paths = [path for path in sorted(folder.rglob("*")) if path.suffix in _KEPT_SUFFIXES]
        if not any(path.suffix in WEIGHT_SUFFIXES for path in paths) or not all(map(Path.is_file, paths)):
            return None
        known = self._known_hashes(name)
        files = [
            PlacedFile(
                relative := str(path.relative_to(folder)), path.stat().st_size, known.get(relative, "")
            )
            for path in paths
            if path.name != RECORD_NAME and not path.name.startswith("golden")
        ]
        return PlacedModel(name, folder, "folder", tuple(files), self._licence(name))

    def _recorded(self, repo: RepoFolder, record: Record) -> PlacedModel | None:
        folder = repo.snapshot(record.commit)
        files = tuple(PlacedFile(file.path, file.bytes, file.sha256) for file in record.files)
        is_whole = all((folder / file.path).is_file() for file in files)
        return PlacedModel(record.name, folder, "cache", files, record.licence) if is_whole else None

    def _in_hub_cache(self, name: str) -> PlacedModel | None:
        source = self._sources.get(name)
        if source is None:
            return None
        for folder in self._hub_cache.repo_folder(source.repo).snapshots():
            paths = [folder / file.path for file in source.files]
            if all(path.is_file() for path in paths):
                files = [
                    PlacedFile(file.path, path.stat().st_size, file.sha256)
                    for file, path in zip(source.files, paths, strict=True)
                ]
                return PlacedModel(name, folder, "hub", tuple(files), source.licence)
        return None

    def _known_hashes(self, name: str) -> Mapping[str, str]:
        source = self._sources.get(name)
        return {file.path: file.sha256 for file in source.files} if source else {}

    def _licence(self, name: str) -> str:
        source = self._sources.get(name)
        return source.licence if source else ""

    def _read_seen(self) -> dict[str, str]:
        try:
            seen: Any = json.loads(self._seen_path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return seen if isinstance(seen, dict) else {}

    def _corrupt(self, model: PlacedModel, file: PlacedFile, path: Path) -> WeightsCorruptError:
        if file.sha256:
            what = f"{path} is damaged (its content is not what came)"
            remedy = f"run `python -m heygem models verify {model.name} --repair`, which fetches it again"
        else:
            what = f"{path} has changed since HeyGem first saw it"
            command = f"python -m heygem models verify {model.name} --trust"
            remedy = f"put it there anew, or, if you replaced it on purpose, run `{command}`"
        return WeightsCorruptError(f"{what}: {remedy}.", file=str(path))


def model_type(folder: Path) -> str:
    """What the config of a transformers folder says it is; "" when there is none."""
    try:
        config: Any = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        return str(config["model_type"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def placed_of_types(placed: PlacedModels, types: Sequence[str]) -> Iterator[PlacedModel]:
    """The models that are there and are of one of these transformers types."""
    for name in placed.names():
        found = placed.find(name)
        if found is not None and model_type(found.folder) in types:
            yield found
