"""The soaks in small: a few kills, a small disk, a short batch, and a small crowd at the real page."""

from pathlib import Path

import pytest

from heygem.bench.report import BenchError, Figure
from heygem.jobs.job import JobState
from heygem.settings import Settings
from heygem.soak.batch import measure_batch
from heygem.soak.crowd import running_page
from heygem.soak.disk import measure_disk
from heygem.soak.kills import KillSoak, kill_figures
from heygem.soak.visitor import Visitor
from tests.fake_studio import SPEECH

KILLS, JOBS = 6, 4


def values(figures: list[Figure]) -> dict[str, float]:
    return {figure.key: figure.value if figure.value is not None else -1.0 for figure in figures}


def test_a_batch_outlives_kills_and_nobody_sees_half_a_file(tmp_path: Path) -> None:
    soak = KillSoak(tmp_path, "tiny", JOBS, seed=1)
    soak.run(KILLS)
    found = values(kill_figures(soak, tmp_path))
    jobs = soak.jobs
    soak.close()
    assert found["kills.wrong"] == found["kills.bad_files"] == found["kills.remains"] == 0
    assert {job.state for job in jobs} == {JobState.SUCCEEDED}
    assert sum(job.deaths for job in jobs) > 0  # or nothing was tested
    assert found["kills.recovery"] < 20  # generous: the machine may be busy; the soak holds the bar


def test_a_full_disk_pauses_the_queue_and_a_locked_one_is_refused(tmp_path: Path) -> None:
    try:
        found = values(measure_disk(tmp_path))
    except BenchError as error:
        pytest.skip(str(error))
    assert found["disk.lost"] == 0 and found["disk.waited"] > 0
    assert found["disk.refused"] == 1


def test_a_short_batch_is_done(tmp_path: Path) -> None:
    settings = Settings(tmp_path, tmp_path, tmp_path, tmp_path / "out", free_disk_reserve_bytes=0)
    found = values(measure_batch(settings, tmp_path, "tiny", 3))
    assert found["batch.not_done"] == 0
    assert found["batch.median"] > 0
    assert found["batch.own_spread"] >= 1


def test_visitors_order_and_watch_through_the_real_page(tmp_path: Path) -> None:
    with running_page(tmp_path, "tiny") as (_, port):
        visitor = Visitor(port)
        visitor.open()
        assert visitor.order(SPEECH, "anna") == ""
        assert "not there" in visitor.order(SPEECH, "nobody")
        visitor.ask()
        assert set(visitor.seconds) >= {"page", "upload", "order", "draw"}
