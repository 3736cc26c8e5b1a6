"""What is verified: files that are there, with the content the manifest says, each read once."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from heygem.errors import WeightsCorruptError, WeightsMissingError
from heygem.models.catalog import CATALOG
from heygem.models.hashes import YOUNG_NS
from heygem.models.manifest import MANIFEST_NAME, Manifest
from training.manifest import HEADER, entries

SHIPPED = Path(__file__).parents[2] / "models"
MODEL = "mouth-repair"
FILES = ["model.safetensors", "shapes.safetensors"]


@pytest.fixture
def models_dir(tmp_path: Path) -> Path:
    """A copy of the manifest and of one real model."""
    folder = tmp_path / "models"
    shutil.copytree(SHIPPED / MODEL, folder / MODEL)
    shutil.copy(SHIPPED / MANIFEST_NAME, folder)
    let_age(folder)
    return folder


def let_age(folder: Path) -> None:
    """Until the files are old enough to be known by their times."""
    youngest = max(path.stat().st_ctime_ns for path in folder.rglob("*"))
    while time.time_ns() - youngest <= YOUNG_NS:
        time.sleep(0.01)


@pytest.fixture
def cache_dir(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def flip_one_byte(path: Path, position: int = 100_000) -> None:
    with path.open("r+b") as file:
        file.seek(position)
        byte = file.read(1)[0]
        file.seek(position)
        file.write(bytes([byte ^ 1]))


def weights_opened(models_dir: Path, cache_dir: Path, rehash: bool = False) -> list[str]:
    """Names of the weight files that a fresh process opens to verify the model."""
    program = "\n".join(
        [
            "import json, sys",
            "from pathlib import Path",
            "from heygem.models.manifest import Manifest",
            "opened = []",
            "sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == 'open' else None)",
            f"Manifest.load(Path(sys.argv[1]), Path(sys.argv[2])).verify({MODEL!r}, rehash={rehash})",
            "print(json.dumps(opened))",
        ]
    )
    finished = subprocess.run(
        [sys.executable, "-c", program, models_dir, cache_dir],
        cwd=SHIPPED.parent,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    opened = [Path(name) for name in json.loads(finished.stdout)]
    return [path.name for path in opened if path.parent == models_dir / MODEL]


def test_the_shipped_models_are_what_the_manifest_says(cache_dir: Path) -> None:
    manifest = Manifest.load(SHIPPED, cache_dir)
    for spec in CATALOG:
        verified = manifest.verify(spec.name)
        assert verified.folder == SHIPPED / spec.name
        listed = [SHIPPED / file.path for file in manifest.files if file.model == spec.name]
        assert verified.bytes_on_disk == sum(path.stat().st_size for path in listed) > 0


def test_the_shipped_manifest_is_as_written_from_the_folders() -> None:
    folders = sorted(path for path in SHIPPED.iterdir() if path.is_dir())
    written = HEADER + "".join(table for folder in folders for table in entries(folder))
    assert (SHIPPED / MANIFEST_NAME).read_text(encoding="utf-8") == written


def test_a_missing_file_is_named(models_dir: Path, cache_dir: Path) -> None:
    (models_dir / MODEL / FILES[1]).unlink()
    manifest = Manifest.load(models_dir, cache_dir)
    assert not manifest.is_present(MODEL)
    with pytest.raises(WeightsMissingError, match=FILES[1]) as caught:
        manifest.verify(MODEL)
    assert caught.value.details["file"] == str(models_dir / MODEL / FILES[1])


def test_a_missing_manifest_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissingError, match=MANIFEST_NAME):
        Manifest.load(tmp_path, tmp_path)


@pytest.mark.parametrize("before", [False, True], ids=["never verified", "verified before"])
def test_one_flipped_byte_is_caught(models_dir: Path, cache_dir: Path, before: bool) -> None:
    manifest = Manifest.load(models_dir, cache_dir)
    if before:
        manifest.verify(MODEL)
    flip_one_byte(models_dir / MODEL / FILES[0])
    assert manifest.is_present(MODEL)
    with pytest.raises(WeightsCorruptError, match=FILES[0]) as caught:
        manifest.verify(MODEL)
    assert caught.value.details["file"] == str(models_dir / MODEL / FILES[0])


def test_a_truncated_file_is_caught(models_dir: Path, cache_dir: Path) -> None:
    path = models_dir / MODEL / FILES[1]
    os.truncate(path, path.stat().st_size - 1)
    with pytest.raises(WeightsCorruptError, match=FILES[1]):
        Manifest.load(models_dir, cache_dir).verify(MODEL)


def test_unchanged_files_are_read_once(models_dir: Path, cache_dir: Path) -> None:
    assert weights_opened(models_dir, cache_dir) == FILES
    assert weights_opened(models_dir, cache_dir) == []
    assert weights_opened(models_dir, cache_dir, rehash=True) == FILES


def test_a_changed_time_has_the_file_read_again(models_dir: Path, cache_dir: Path) -> None:
    Manifest.load(models_dir, cache_dir).verify(MODEL)
    os.utime(models_dir / MODEL / FILES[1], ns=(1, 1))
    assert weights_opened(models_dir, cache_dir) == [FILES[1]]


@pytest.mark.parametrize("content", ["", "{", "[1, 2]"])
def test_an_unreadable_memo_only_costs_time(models_dir: Path, cache_dir: Path, content: str) -> None:
    Manifest.load(models_dir, cache_dir).verify(MODEL)
    (memo,) = cache_dir.iterdir()
    memo.write_text(content, encoding="utf-8")
    assert weights_opened(models_dir, cache_dir) == FILES


def test_the_model_cache_wins_over_the_project(models_dir: Path, cache_dir: Path, tmp_path: Path) -> None:
    model_cache = tmp_path / "model-cache"
    shutil.copytree(models_dir / MODEL, model_cache / MODEL)
    manifest = Manifest.load(models_dir, cache_dir, model_cache)
    assert manifest.verify(MODEL).folder == model_cache / MODEL
    flip_one_byte(model_cache / MODEL / FILES[0])
    with pytest.raises(WeightsCorruptError, match=str(model_cache)):
        manifest.verify(MODEL)


def test_an_incomplete_model_cache_is_passed_over(models_dir: Path, cache_dir: Path, tmp_path: Path) -> None:
    model_cache = tmp_path / "model-cache"
    shutil.copytree(models_dir / MODEL, model_cache / MODEL)
    (model_cache / MODEL / FILES[0]).unlink()
    manifest = Manifest.load(models_dir, cache_dir, model_cache)
    assert manifest.verify(MODEL).folder == models_dir / MODEL
