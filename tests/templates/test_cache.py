"""Entries are whole or absent, leased ones stay, the oldest go first."""

import os
from pathlib import Path

import numpy as np

from heygem.templates.cache import TemplateCache, content_hash

BIG = {"points": np.arange(1000, dtype=np.float32)}


def cache_in(folder: Path, max_bytes: int = 1 << 20) -> TemplateCache:
    return TemplateCache(folder / "templates", max_bytes)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    cache = cache_in(tmp_path)
    cache.write("a", "track", BIG)
    found = cache.read("a", "track")
    assert found is not None
    np.testing.assert_array_equal(found["points"], BIG["points"])
    assert cache.read("a", "bank") is None and cache.read("b", "track") is None


def test_a_damaged_entry_counts_as_absent_and_goes(tmp_path: Path) -> None:
    cache = cache_in(tmp_path)
    cache.write("a", "track", BIG)
    path = tmp_path / "templates" / "a" / "track.npz"
    path.write_bytes(path.read_bytes()[:500])
    assert cache.read("a", "track") is None
    assert not path.exists()


def test_the_least_recently_used_goes_first_and_leased_ones_stay(tmp_path: Path) -> None:
    cache = cache_in(tmp_path, max_bytes=10_000)
    for age, key in enumerate(("oldest", "older")):
        cache.write(key, "track", BIG)
        os.utime(tmp_path / "templates" / key, (age + 1, age + 1))
    with cache.lease("oldest"):
        cache.write("new", "track", BIG)
        assert cache.read("oldest", "track") and cache.read("new", "track")
        assert cache.read("older", "track") is None


def test_clearing_reports_what_it_frees_and_spares_leases(tmp_path: Path) -> None:
    cache = cache_in(tmp_path)
    cache.write("a", "track", BIG)
    cache.write("b", "track", BIG)
    with cache.lease("a"):
        before = cache.bytes_on_disk
        promised = cache.unleased_bytes()
        assert cache.clear_unleased() == promised == before - cache.bytes_on_disk > 4000
    assert cache.read("a", "track") is not None


def test_the_hash_is_of_the_content(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"same")
    (tmp_path / "名字 b.mp4").write_bytes(b"same")
    assert content_hash(tmp_path / "a.mp4") == content_hash(tmp_path / "名字 b.mp4")
