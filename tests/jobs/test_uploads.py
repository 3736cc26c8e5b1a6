"""Inputs are kept by content."""

import errno
import hashlib
import os
from pathlib import Path

import pytest

from heygem.jobs.uploads import UploadStore


def test_an_input_survives_its_source(tmp_path: Path) -> None:
    source = tmp_path / "我的 'voice'.WAV"
    source.write_bytes(b"speech")
    kept = UploadStore(tmp_path / "uploads").keep(source)
    source.unlink()
    assert kept.read_bytes() == b"speech"
    assert kept.name == f"{hashlib.sha256(b'speech').hexdigest()}.wav"


def test_equal_inputs_are_kept_once_and_leave_nothing_behind(tmp_path: Path) -> None:
    uploads = UploadStore(tmp_path / "uploads")
    (tmp_path / "a.wav").write_bytes(b"same")
    (tmp_path / "b.wav").write_bytes(b"same")
    kept = {uploads.keep(tmp_path / name) for name in ("a.wav", "b.wav", "a.wav")}
    assert len(kept) == 1
    assert list(uploads.folder.iterdir()) == list(kept)
    assert uploads.keep(*kept) in kept  # a kept file may be handed in again


def test_an_input_is_linked_where_that_can_be(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"x")
    (tmp_path / "link.wav").symlink_to(tmp_path / "a.wav")
    kept = UploadStore(tmp_path / "uploads").keep(tmp_path / "link.wav")
    assert kept.samefile(tmp_path / "a.wav")
    assert not kept.is_symlink()


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="needs a second file system")
def test_an_input_from_another_disk_is_copied(tmp_path: Path) -> None:
    source = Path("/dev/shm") / f"heygem-test-{os.getpid()}.wav"
    try:
        source.write_bytes(b"far away")
        kept = UploadStore(tmp_path / "uploads").keep(source)
        assert kept.read_bytes() == b"far away"
        assert kept.stat().st_nlink == 1
    finally:
        source.unlink()


def test_a_changed_source_gives_a_new_file_even_where_the_old_one_was_linked(tmp_path: Path) -> None:
    uploads, source = UploadStore(tmp_path / "uploads"), tmp_path / "a.wav"
    source.write_bytes(b"one")
    uploads.keep(source)
    source.write_bytes(b"two")
    kept = uploads.keep(source)
    assert kept.stem == hashlib.sha256(b"two").hexdigest()


def test_what_is_not_needed_is_told(tmp_path: Path) -> None:
    uploads = UploadStore(tmp_path / "uploads")
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
    first, second = uploads.keep(tmp_path / "a"), uploads.keep(tmp_path / "b")
    assert uploads.unneeded({first, tmp_path / "elsewhere"}) == [second]


def test_a_missing_source_leaves_nothing(tmp_path: Path) -> None:
    uploads = UploadStore(tmp_path / "uploads")
    with pytest.raises(OSError) as error:
        uploads.keep(tmp_path / "missing.wav")
    assert error.value.errno == errno.ENOENT
    assert list(uploads.folder.iterdir()) == []
