"""The model cache, driven as people drive it: by commands in processes of their own, against a local hub."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from heygem.errors import WeightsCorruptError
from heygem.models.cache.layout import Record, RecordedFile, RepoFolder
from heygem.models.hashes import file_identity, write_json
from heygem.models.manifest import MANIFEST_NAME, Manifest
from heygem.models.placed import PlacedModel
from tests.models.hub_server import COMMIT, HubServer, serving

ROOT = Path(__file__).parents[2]
REPO = "someone/voice"
WEIGHTS = random.Random(0).randbytes(3_000_000)
LARGE = random.Random(0).randbytes(34_000_000)
PIECE = 10_485_760  # huggingface_hub hands on pieces of this size; what is in hand at a kill is lost
CONFIG = b'{"model_type": "wav2vec2"}'
SOURCES = f"""
[[model]]
name = "voice"
title = "A voice"
group = "voice"
repo = "{REPO}"
revision = "main"
licence = "CC0-1.0"
licence_url = "http://127.0.0.1/licence"
files = [{{ path = "model.safetensors" }}, {{ path = "config.json" }}]
"""


class Place:
    """A project of its own with a cache of its own, and the commands in it."""

    def __init__(self, folder: Path, hub: HubServer) -> None:
        self.hub = hub
        self.folder = folder
        self.cache = folder / "cache"
        self.models_dir = folder / "models"
        self.models_dir.mkdir()
        (self.models_dir / MANIFEST_NAME).write_text("file = []\n", encoding="utf-8")
        (self.models_dir / "sources.toml").write_text(SOURCES, encoding="utf-8")

    @property
    def repo(self) -> Path:
        return self.cache / "models--someone--voice"

    def start(self, *arguments: object, **environ: str) -> "subprocess.Popen[str]":
        """`heygem models ...` in this place."""
        own = {
            "HF_ENDPOINT": self.hub.url,
            "HF_HUB_OFFLINE": "0",
            "HF_HOME": str(self.folder / "hf"),
            "HEYGEM_MODEL_CACHE": str(self.cache),
            "HEYGEM_CACHE_DIR": str(self.folder / "memory"),
            "HF_HUB_DISABLE_TELEMETRY": "1",
        }
        return subprocess.Popen(
            [sys.executable, "-m", "tests.models.models_cli", str(self.folder), *map(str, arguments)],
            cwd=ROOT,
            env=os.environ | own | environ,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
        )

    def run(self, *arguments: object, **environ: str) -> tuple[int, str]:
        process = self.start(*arguments, **environ)
        out, err = process.communicate(timeout=120)
        return process.returncode, out + err

    def pull(self, **environ: str) -> tuple[int, str]:
        return self.run("pull", "voice", "--accept-licence", **environ)

    def manifest(self) -> Manifest:
        environ = {"HF_HOME": str(self.folder / "hf")}
        return Manifest([], [self.cache, self.models_dir], self.folder / "memory" / "verified.json", environ)

    def found(self) -> PlacedModel | None:
        return self.manifest().placed.find("voice")

    def is_whole(self) -> bool:
        found = self.found()
        content = self.hub.files[REPO]["model.safetensors"]
        return found is not None and (found.folder / "model.safetensors").read_bytes() == content


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with serving(HubServer({REPO: {"model.safetensors": WEIGHTS, "config.json": CONFIG}})) as hub:
        yield Place(tmp_path, hub)


@pytest.fixture
def large(place: Place) -> Place:
    """A place whose hub has a model that takes a while."""
    place.hub.files = {REPO: {"model.safetensors": LARGE, "config.json": CONFIG}}
    return place


@pytest.fixture(scope="module")
def pulled_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache with the model in it, to be copied."""
    folder = tmp_path_factory.mktemp("pulled")
    with serving(HubServer({REPO: {"model.safetensors": WEIGHTS, "config.json": CONFIG}})) as hub:
        place = Place(folder, hub)
        assert place.pull()[0] == 0
    return place.cache


@pytest.fixture
def filled(place: Place, pulled_once: Path) -> Place:
    """A place whose cache holds the model already."""
    shutil.copytree(pulled_once, place.cache, symlinks=True)
    return place


def test_a_pulled_model_lies_as_the_hub_lays_it_and_cannot_be_written(filled: Place) -> None:
    found = filled.found()
    assert found is not None
    assert (found.origin, found.folder, found.licence) == (
        "cache",
        filled.repo / "snapshots" / COMMIT,
        "CC0-1.0",
    )
    link = found.folder / "model.safetensors"
    assert not Path(os.readlink(link)).is_absolute()
    assert link.resolve().parent == filled.repo / "blobs"
    assert link.resolve().stat().st_mode & 0o777 == 0o444
    assert (filled.repo / "refs" / "main").read_text() == COMMIT
    assert filled.manifest().verify("voice").bytes_on_disk == len(WEIGHTS) + len(CONFIG)


def test_the_licence_is_shown_and_accepted_once(place: Place) -> None:
    code, words = place.run("pull", "voice")
    assert code == 1
    assert "CC0-1.0" in words and "--accept-licence" in words
    assert place.hub.sent_bytes == 0
    assert place.pull()[0] == 0
    shutil.rmtree(place.repo)
    code, words = place.run("pull", "voice")
    assert (code, "CC0-1.0" in words) == (0, False)
    assert place.is_whole()


def test_what_is_there_is_not_fetched_again(filled: Place) -> None:
    code, words = filled.pull(HF_HUB_OFFLINE="1")
    assert code == 0
    assert "already there" in words
    assert filled.hub.sent_bytes == 0


def test_without_a_network_it_says_what_to_do(place: Place) -> None:
    code, words = place.pull(HF_ENDPOINT="http://127.0.0.1:9")
    assert code == 1
    assert "HF_ENDPOINT" in words and "Traceback" not in words
    code, words = place.pull(HF_HUB_OFFLINE="1")
    assert code == 1
    assert "offline mode is on" in words and "models import" in words


@pytest.mark.parametrize(
    ("status", "says"), [(404, "has no"), (403, "after registration"), (500, "could not be")]
)
def test_a_refusal_of_the_hub_is_a_sentence(place: Place, status: int, says: str) -> None:
    place.hub.status = status
    code, words = place.pull()
    assert code == 1
    assert says in words and "Traceback" not in words


def test_a_broken_line_is_mended_by_itself(large: Place) -> None:
    large.hub.cut_after, large.hub.cuts_left = PIECE + 1_000_000, 1
    code, words = large.pull()
    assert code == 0, words
    assert large.is_whole()
    assert large.hub.ranges == [f"bytes={PIECE}-"]


def test_killed_at_random_it_goes_on_where_it_stopped(large: Place) -> None:
    """Six kills; never a readable wrong model, and nothing fetched twice but the piece in hand."""
    rng, kills, large.hub.bytes_per_second = random.Random(1), 0, 20_000_000
    while kills < 6 and not large.is_whole():
        process = large.start("pull", "voice", "--accept-licence")
        wanted = large.hub.sent_bytes + rng.randint(1, 15_000_000)
        while large.hub.sent_bytes < wanted and process.poll() is None:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert large.found() is None or large.is_whole()
        kills += 1
    assert large.pull()[0] == 0
    assert large.is_whole()
    assert f"bytes={PIECE}-" in large.hub.ranges
    assert large.hub.sent_bytes < len(LARGE) + kills * (PIECE + 5_000_000)
    assert not list(large.cache.rglob("*.incomplete"))


def test_two_processes_fetch_it_once(place: Place) -> None:
    place.hub.bytes_per_second = 3_000_000
    processes = [place.start("pull", "voice", "--accept-licence") for _ in range(2)]
    outcomes = [process.communicate(timeout=120) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outcomes
    assert place.is_whole()
    assert place.hub.sent_bytes <= len(WEIGHTS) + 2 * len(CONFIG)


def test_names_are_given_by_many_at_once(tmp_path: Path) -> None:
    """Each finds the model whole at any moment: no link is ever away, or there already."""
    folder = RepoFolder(tmp_path / "models--someone--voice")
    folder.blobs.mkdir(parents=True)
    (folder.blobs / "b1").write_bytes(WEIGHTS)
    record = Record("voice", "someone/voice", "c1", "MIT", (RecordedFile("a/model.bin", "", 1, "b1"),))
    folder.complete(record)

    def complete(_: int) -> int:
        folder.complete(record)
        return (folder.snapshot("c1") / "a" / "model.bin").stat().st_size

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(complete, range(400))) == {len(WEIGHTS)}
    assert [path.name for path in folder.snapshot("c1").rglob("*.bin*")] == ["model.bin"]


def test_wrong_content_is_put_away_and_fetched_again(place: Place) -> None:
    place.hub.wrong_answers = 1
    assert place.pull()[0] == 0
    assert place.is_whole()
    assert len(list((place.cache / "quarantine").iterdir())) == 1


def test_a_mirror_that_always_sends_wrong_content_is_named(place: Place) -> None:
    place.hub.wrong_answers = 100
    code, words = place.pull()
    assert code == 1
    assert "wrong content" in words and "quarantine" in words
    assert place.found() is None


def test_a_hundred_flipped_bits_are_caught_before_use(filled: Place) -> None:
    """Bar 8.10: anywhere in the file, its times put back, straight after it was verified."""
    manifest, found = filled.manifest(), filled.found()
    assert found is not None
    blob = (found.folder / "model.safetensors").resolve()
    manifest.verify("voice")
    rng, caught = random.Random(2), 0
    for _ in range(100):
        times = blob.stat()
        position, bit = rng.randrange(len(WEIGHTS)), 1 << rng.randrange(8)
        for spoiled in (True, False):
            blob.chmod(0o644)
            with blob.open("r+b") as file:
                file.seek(position)
                byte = file.read(1)[0]
                file.seek(position)
                file.write(bytes([byte ^ bit]))
            blob.chmod(0o444)
            os.utime(blob, ns=(times.st_atime_ns, times.st_mtime_ns))
            try:
                manifest.verify("voice")
            except WeightsCorruptError as error:
                assert spoiled
                assert str(error.details["file"]).endswith("model.safetensors")
                caught += 1
            else:
                assert not spoiled
    assert caught == 100


def test_a_damaged_model_is_repaired(filled: Place) -> None:
    blob = (filled.repo / "snapshots" / COMMIT / "model.safetensors").resolve()
    blob.chmod(0o644)
    blob.write_bytes(WEIGHTS[:-1] + b"x")
    code, words = filled.run("verify", "voice")
    assert code == 1
    assert "--repair" in words and "model.safetensors" in words
    assert filled.run("verify", "voice", "--repair")[0] == 0
    assert filled.is_whole()
    assert filled.run("verify")[0] == 0


def test_a_half_written_cache_counts_as_absent(filled: Place) -> None:
    (filled.repo / "snapshots" / COMMIT / "config.json").resolve().unlink()
    assert filled.found() is None
    assert not filled.manifest().is_present("voice")
    code, words = filled.pull()
    assert code == 0, words
    assert filled.is_whole()
    assert filled.hub.sent_bytes == len(CONFIG)
    (filled.repo / "heygem.json").write_text("{")
    assert filled.found() is None
    assert filled.pull()[0] == 0
    assert filled.hub.sent_bytes == len(CONFIG)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own, of 60 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=60m", "tmpfs", folder]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_a_full_disk_is_noticed_before_anything_is_fetched(large: Place, small_disk: Path) -> None:
    large.cache = small_disk
    (small_disk / "ballast").write_bytes(bytes(20_000_000))
    code, words = large.pull()
    assert code == 1
    assert "34 MB have to be fetched" in words and "make room" in words
    assert large.hub.sent_bytes == 0


def test_a_disk_that_fills_up_meanwhile_costs_nothing_that_came(large: Place, small_disk: Path) -> None:
    large.cache, large.hub.bytes_per_second = small_disk, 20_000_000
    process = large.start("pull", "voice", "--accept-licence")
    while large.hub.sent_bytes < 1_000_000 and process.poll() is None:
        time.sleep(0.005)
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(shutil.disk_usage(small_disk).free - 15_000_000))  # somebody else's
    words = "".join(process.communicate(timeout=60))
    assert process.returncode == 1
    assert "is full" in words and "Traceback" not in words
    ballast.unlink()
    assert large.pull()[0] == 0
    assert large.is_whole()
    assert large.hub.ranges


def test_a_shared_read_only_cache_works(place: Place, pulled_once: Path, small_disk: Path) -> None:
    shutil.copytree(pulled_once, small_disk / "models", symlinks=True)
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    place.cache = small_disk / "models"
    assert place.is_whole()
    assert place.manifest().verify("voice").bytes_on_disk == len(WEIGHTS) + len(CONFIG)
    assert place.pull()[0] == 0
    assert place.hub.sent_bytes == 0
    place.cache = small_disk / "empty"
    code, words = place.pull()
    assert code == 1
    assert "cannot be written" in words and "--model-cache-dir" in words


def test_two_projects_share_one_copy(filled: Place, tmp_path: Path) -> None:
    other = tmp_path / "other project" / "models"
    assert filled.run("link", other)[0] == 0
    linked = other / "voice" / "model.safetensors"
    assert linked.is_symlink()
    assert linked.read_bytes() == WEIGHTS
    assert filled.run("link", other, "voice")[0] == 0  # again
    (other / "voice" / "own.txt").write_text("mine")
    code, words = filled.run("link", other)
    assert code == 1
    assert "there already" in words


def test_a_folder_linked_into_the_cache_is_a_model(place: Place, tmp_path: Path) -> None:
    shared = tmp_path / "shared" / "voice"
    shared.mkdir(parents=True)
    (shared / "model.safetensors").write_bytes(WEIGHTS)
    (shared / "config.json").write_bytes(CONFIG)
    place.cache.mkdir()
    (place.cache / "voice").symlink_to(shared)
    found = place.found()
    assert found is not None
    assert (found.origin, found.folder) == ("folder", place.cache / "voice")
    place.manifest().verify("voice")
    (shared / "model.safetensors").write_bytes(WEIGHTS[::-1])
    with pytest.raises(WeightsCorruptError, match="--trust"):
        place.manifest().verify("voice")
    assert place.run("verify", "voice", "--trust")[0] == 0
    place.manifest().verify("voice")


def test_what_the_hubs_own_cache_holds_is_used(place: Place, pulled_once: Path) -> None:
    hub = place.folder / "hf" / "hub"
    shutil.copytree(pulled_once, hub, symlinks=True)
    (hub / "models--someone--voice" / "heygem.json").unlink()
    found = place.found()
    assert found is not None
    assert found.origin == "hub"
    place.manifest().verify("voice")


def test_weights_from_elsewhere_are_imported(place: Place, tmp_path: Path) -> None:
    downloads = tmp_path / "my downloads"
    downloads.mkdir()
    (downloads / "model.safetensors").write_bytes(WEIGHTS)
    code, words = place.run("import", downloads, "--name", "voice")
    assert code == 1
    assert "lacks config.json" in words
    (downloads / "config.json").write_bytes(CONFIG)
    assert place.run("import", downloads, "--name", "voice")[0] == 0
    assert place.is_whole()
    shutil.rmtree(downloads)
    assert place.is_whole()
    code, words = place.run("list")
    assert code == 0
    assert "voice" in words and "3.0 MB" in words


def test_prune_removes_what_nobody_needs_and_nothing_else(filled: Place) -> None:
    blobs = filled.repo / "blobs"
    (blobs / "abc.incomplete").write_bytes(bytes(1000))
    (blobs / "old").write_bytes(bytes(2000))
    (filled.cache / "quarantine").mkdir(exist_ok=True)
    (filled.cache / "quarantine" / "bad").write_bytes(bytes(500))
    code, words = filled.run("prune", "--dry-run")
    assert code == 0
    assert "would be freed" in words and (blobs / "old").exists()
    assert filled.run("prune")[0] == 0
    assert sorted(path.name for path in blobs.iterdir()) == sorted(
        file["blob"] for file in json.loads((filled.repo / "heygem.json").read_text())["files"]
    )
    assert filled.is_whole()
    assert filled.manifest().verify("voice")


def test_checking_an_unchanged_cache_takes_a_moment(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """Bar 8.11: 4 GB that have not changed since an earlier start, at every start."""
    folder = tmp_path / "cache" / "large"
    folder.mkdir(parents=True)
    memo_path = tmp_path / "memory" / "verified.json"
    paths = [folder / f"{index}.safetensors" for index in range(4)]
    for path in paths:
        with path.open("wb") as file:
            file.truncate(1024**3)
    write_json(memo_path, {file_identity(path): "what the earlier start found" for path in paths})
    manifest = Manifest([], [tmp_path / "cache", tmp_path], memo_path, {})
    manifest.verify("large")
    seconds = []
    for _ in range(5):
        started = time.perf_counter()
        assert manifest.verify("large").bytes_on_disk == 4 * 1024**3
        seconds.append(time.perf_counter() - started)
    record_property("seconds", min(seconds))
    assert min(seconds) <= 0.05
    with paths[2].open("r+b") as file:  # and it is the content that counts
        file.truncate(1000)
    with pytest.raises(WeightsCorruptError, match="2.safetensors"):
        manifest.verify("large")
