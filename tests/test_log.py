"""Lines of the log say which job they belong to."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from heygem.log import configure_logging, job_log_context, set_stage


@pytest.fixture
def log_file(tmp_path: Path) -> Iterator[Path]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    configure_logging(tmp_path / "logs", logging.INFO)
    yield tmp_path / "logs" / "app.log"
    for handler in root.handlers:
        handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)


def test_lines_carry_the_job_and_its_stage(log_file: Path) -> None:
    log = logging.getLogger("heygem.somewhere")
    log.info("before")
    with job_log_context("0123456789abcdef"):
        log.info("begins")
        set_stage("render")
        log.warning("draws")
    log.info("after")
    with job_log_context("fedcba"):
        log.info("next")
    marks = [line.partition("[")[2].partition("]")[0] for line in log_file.read_text().splitlines()]
    assert marks == ["-", "012345", "012345 render", "-", "fedcba"]


def test_quiet_lines_are_left_out_and_chinese_ones_kept(log_file: Path) -> None:
    log = logging.getLogger("heygem.somewhere")
    log.debug("quiet")
    log.info("模板 %s", "安娜")
    assert log_file.read_text(encoding="utf-8").endswith("heygem.somewhere: 模板 安娜\n")
