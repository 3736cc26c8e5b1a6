"""Writes models/manifest.toml anew: `python -m training.manifest`, from the project root.

A folder of `models/` is a model. Its files count as weights, but for the texts and the goldens. Licence and
source stand in the lines between the first two `---` of its README.md; a file from elsewhere has a line of
its own there, its name before the colon.
"""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from heygem.models.golden import GOLDEN_PATTERN
from heygem.models.manifest import MANIFEST_NAME

MODELS = Path(__file__).parents[1] / "models"
NOT_WEIGHTS = ("README.md", "NOTICE", "LICENSE", GOLDEN_PATTERN)
HEADER = "# Written by `python -m training.manifest`: every weight file, and what its content must be.\n"


def front_matter(card: Path) -> Mapping[str, str]:
    """The `key: value` lines at the head of a model card."""
    _, head, _ = card.read_text(encoding="utf-8").split("---\n", 2)
    return dict(line.split(": ", 1) for line in head.splitlines())


def entries(folder: Path) -> Iterator[str]:
    """The `[[file]]` tables of one model, sorted by path."""
    facts = front_matter(folder / "README.md")
    for path in sorted(folder.iterdir()):
        if not any(path.match(pattern) for pattern in NOT_WEIGHTS):
            yield entry(path, facts)


def entry(path: Path, facts: Mapping[str, str]) -> str:
    """One `[[file]]` table."""
    values = {
        "model": path.parent.name,
        "path": f"{path.parent.name}/{path.name}",
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "licence": facts["license"],
        "source": facts.get(path.name, facts["source"]),
    }
    lines = [f'{key} = "{value}"\n' for key, value in values.items()]
    return f"\n[[file]]\n{''.join(lines)}bytes = {path.stat().st_size}\n"


def main() -> None:
    folders = sorted(path for path in MODELS.iterdir() if path.is_dir())
    tables = [table for folder in folders for table in entries(folder)]
    (MODELS / MANIFEST_NAME).write_text(HEADER + "".join(tables), encoding="utf-8")
    print(f"{MODELS / MANIFEST_NAME}: {len(tables)} files")


if __name__ == "__main__":
    main()
