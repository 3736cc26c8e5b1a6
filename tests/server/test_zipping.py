"""Many results in one download."""

import io
import zipfile
from pathlib import Path

from starlette.testclient import TestClient

from heygem.jobs.batch import BatchSpec, Source
from heygem.jobs.outputs import distinct_names
from heygem.server.app import create_app
from heygem.server.urls import batch_zip_url, preview_url, results_zip_url
from heygem.server.zipping import CHUNK_BYTES, stream_zip
from tests.fake_studio import CLIP, SPEECH, fake_studio, finished_job


def test_a_zip_holds_what_it_should_and_never_more_than_a_chunk_in_memory(tmp_path: Path) -> None:
    large = tmp_path / "large.mp4"
    large.write_bytes(bytes(range(256)) * 20_000)
    small = tmp_path / "small.mp4"
    small.write_bytes(b"abc")
    files = [("安娜 · 新闻.mp4", large), ("gone.mp4", tmp_path / "gone.mp4"), ("b.mp4", small)]
    parts = list(stream_zip(files))
    assert max(map(len, parts)) < CHUNK_BYTES + 10_000
    with zipfile.ZipFile(io.BytesIO(b"".join(parts))) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["安娜 · 新闻.mp4", "b.mp4"]
        assert archive.read("安娜 · 新闻.mp4") == large.read_bytes()


def test_names_in_a_zip_differ() -> None:
    assert distinct_names(["a.mp4", "A.mp4", "a (2).mp4", "b"]) == [
        "a.mp4",
        "A (2).mp4",
        "a (2) (2).mp4",
        "b",
    ]


def test_results_and_batches_are_downloaded_under_readable_names(tmp_path: Path) -> None:
    with fake_studio(tmp_path) as studio:
        client = TestClient(create_app(studio))
        jobs = [finished_job(studio, title=title) for title in ("说 / 1", "说 / 1")]
        answer = client.get(results_zip_url(job.id for job in jobs))
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            assert archive.namelist() == ["说   1.mp4", "说   1 (2).mp4"]
        batch_id = studio.submit_batch(
            BatchSpec((Source(SPEECH, "S"),), (Source(CLIP, "T"),), title='Mo "1"')
        )
        assert client.get(batch_zip_url(batch_id)).status_code == 404, "nothing is done yet"
        for job in studio.archive.jobs_of_batch(batch_id):
            studio.wait_job(job.id, 30)
        answer = client.get(batch_zip_url(batch_id))
        assert "Mo%20%201.zip" in answer.headers["content-disposition"]
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            assert archive.namelist() == ["T · S.mp4"]
        for url in (results_zip_url(["../../etc"]), batch_zip_url("x"), preview_url("x")):
            assert client.get(url).status_code == 404
