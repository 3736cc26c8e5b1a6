"""The models HeyGem knows how to fetch: `models/sources.toml`."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from heygem.errors import SettingsError

SOURCES_NAME = "sources.toml"


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of a repository. "" and 0: the hub is asked, and its answer is kept from the first pull on."""

    path: str
    sha256: str = ""
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class Source:
    """Where one model comes from. `group` is what several that belong together are pulled as."""

    name: str
    title: str
    group: str
    repo: str
    revision: str
    licence: str
    licence_url: str
    files: tuple[SourceFile, ...]


def read_sources(models_dir: Path) -> tuple[Source, ...]:
    """All of them; none where the file is absent."""
    path = models_dir / SOURCES_NAME
    if not path.exists():
        return ()
    entries = tomllib.loads(path.read_text(encoding="utf-8"))["model"]
    return tuple(
        Source(**{**entry, "files": tuple(SourceFile(**file) for file in entry["files"])})
        for entry in entries
    )


def sources_named(sources: Sequence[Source], name: str) -> tuple[Source, ...]:
    """The source of this name, or all of the group.

    Raises:
        SettingsError: there is none.
    """
    found = tuple(source for source in sources if name in (source.name, source.group))
    if not found:
        known = ", ".join(dict.fromkeys(source.group for source in sources))
        raise SettingsError(f"HeyGem does not know where to get “{name}”: it knows {known}.")
    return found
