"""Names of results, and how they appear."""

import hashlib
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heygem.jobs.job import Job, JobSpec, JobState
from heygem.jobs.outputs import job_id_of_partial, output_path, partial_path, publish, safe_name
from heygem.models.hashes import file_sha256

JOB_ID = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("anna_idle", "anna-idle"),
        ("安娜 的 视频", "安娜-的-视频"),
        ('it\'s a "test"; rm -rf ~', "it-s-a-test-rm-rf"),
        ("../../etc/passwd", "etc-passwd"),
        ("किताब", "किताब"),
        ("e\u0301te\u0301", "été"),
        ("...", "untitled"),
        ("", "untitled"),
    ],
)
def test_names_keep_their_letters_and_nothing_else(name: str, safe: str) -> None:
    assert safe_name(name) == safe


@given(st.text(max_size=300), st.text(max_size=300))
def test_any_name_makes_a_file_name(template_name: str, audio_name: str) -> None:
    spec = JobSpec(Path("a"), Path("t"), audio_name=audio_name, template_name=template_name)
    path = output_path(Path("/out"), Job(JOB_ID, spec, JobState.RUNNING, created_at=0.0))
    assert path.parent == Path("/out")
    assert len(path.name.encode()) <= 255
    assert not set(path.name) & set("/\\:*?\"<>|\0\n '")
    assert not path.name.startswith((".", "-"))


def test_the_name_says_when_what_and_which() -> None:
    spec = JobSpec(Path("a"), Path("t"), audio_name="新闻 1", template_name="安娜")
    created_at = time.mktime((2026, 3, 4, 5, 6, 7, 0, 0, -1))
    path = output_path(Path("/out"), Job(JOB_ID, spec, JobState.RUNNING, created_at))
    assert path == Path("/out/20260304-050607_安娜_新闻-1_012345.mp4")


def test_a_partial_file_is_hidden_and_names_its_job(tmp_path: Path) -> None:
    partial = partial_path(tmp_path, JOB_ID)
    assert partial.name == f".{JOB_ID}.part.mp4"
    assert job_id_of_partial(partial) == JOB_ID


def test_a_finished_file_gets_its_name(tmp_path: Path) -> None:
    partial, final = partial_path(tmp_path, JOB_ID), tmp_path / "x.mp4"
    partial.write_bytes(b"video")
    publish(partial, final)
    assert [path.name for path in tmp_path.iterdir()] == ["x.mp4"]
    assert file_sha256(final) == hashlib.sha256(b"video").hexdigest()


def test_a_file_that_is_not_there_is_no_result(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        publish(tmp_path / "missing", tmp_path / "x.mp4")
    assert list(tmp_path.iterdir()) == []
