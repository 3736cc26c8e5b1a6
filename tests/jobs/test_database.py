"""The database file: what cannot be written is said in a sentence, and old files become new ones."""

import sqlite3
from pathlib import Path

import pytest

from heygem.errors import DiskFullError, StorageError
from heygem.jobs import sql
from heygem.jobs.database import Database
from heygem.jobs.job import JobSpec, JobState
from heygem.jobs.store import JobStore

SPEC = JobSpec(Path("/in/a.wav"), Path("/in/t.mp4"))


def test_a_full_disk_is_a_full_disk(tmp_path: Path) -> None:
    database = Database(tmp_path / "jobs.db")
    store = JobStore(database)
    (pages,) = database.rows("PRAGMA page_count")[0]
    database.rows(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(DiskFullError, match="full"):
        for _ in range(1000):
            store.submit(SPEC)
    before = store.counts()[JobState.PENDING]
    with pytest.raises(DiskFullError), database.transaction():
        for _ in range(1000):
            store.submit(SPEC)
    assert store.counts()[JobState.PENDING] == before, "half a transaction stayed"
    database.rows(f"PRAGMA max_page_count = {pages + 1000}")
    store.submit(SPEC)
    store.close()


def test_a_read_only_file_is_said(tmp_path: Path) -> None:
    database = Database(tmp_path / "jobs.db")
    database.rows("PRAGMA query_only = ON")
    with pytest.raises(StorageError, match="--data-dir"):
        JobStore(database).submit(SPEC)
    database.close()


def test_a_folder_that_cannot_be_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageError, match="--data-dir"):
        Database(tmp_path / "file" / "jobs.db")


def test_a_database_of_the_first_version_keeps_its_jobs(tmp_path: Path) -> None:
    path = tmp_path / "jobs.db"
    with sqlite3.connect(path) as old:
        for command in sql.STEPS[0]:
            old.execute(command)
        old.execute(
            "INSERT INTO jobs (id, state, priority, engine, audio_path, template_path, options, title,"
            " audio_name, template_name, created_at) VALUES ('a', 'running', 0, 'mesh', '/a', '/t', :options,"
            " 'Old', 'a', 't', 1.0)",
            {"options": '{"fps": null, "face_point": null}'},
        )
        old.execute("PRAGMA user_version = 1")
    old.close()
    store = JobStore(Database(path))
    assert [(job.id, job.state, job.batch_id) for job in store.recover()] == [("a", JobState.PENDING, "")]
    store.close()
    Database(path).close()  # once more: nothing is done twice


def test_the_revision_grows_with_every_change_and_only_then(tmp_path: Path) -> None:
    database = Database(tmp_path / "jobs.db")
    store, seen = JobStore(database), database.revision
    store.counts()
    assert database.revision == seen
    job = store.submit(SPEC)
    assert database.revision > seen
    seen = database.revision
    store.cancel(job.id)
    assert database.revision > seen
    database.close()


def test_a_wrong_call_is_told_as_it_is(tmp_path: Path) -> None:
    database = Database(tmp_path / "jobs.db")
    database.close()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        database.rows("SELECT 1")
