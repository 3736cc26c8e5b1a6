"""Logging with the job and its stage on every line."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from logging.handlers import RotatingFileHandler
from pathlib import Path

LINE = "%(asctime)s %(levelname)s %(threadName)s [%(job)s] %(name)s: %(message)s"
ROTATE_BYTES = 20 * 1024**2
ROTATE_COUNT = 9

_job_id: ContextVar[str] = ContextVar("job_id", default="")
_stage: ContextVar[str] = ContextVar("stage", default="")


class JobFilter(logging.Filter):
    """Puts `job` on each record: "-" outside of jobs, else the beginning of the id and the stage."""

    def filter(self, record: logging.LogRecord) -> bool:
        job_id = _job_id.get()
        record.job = f"{job_id[:6]} {_stage.get()}".rstrip() if job_id else "-"
        return True


def configure_logging(log_dir: Path | None, level: int = logging.INFO, *, to_terminal: bool = True) -> None:
    """Log to the standard error and, with a folder, to a rotating `app.log` in it. Programs call it once.

    Args:
        to_terminal: False: not to the standard error, which a command keeps for what a user is to read.
    """
    handlers: list[logging.Handler] = [logging.StreamHandler()] if to_terminal else []
    if log_dir is not None:
        log_dir.mkdir(parents=True, exist_ok=True)
        handlers.append(
            RotatingFileHandler(
                log_dir / "app.log", maxBytes=ROTATE_BYTES, backupCount=ROTATE_COUNT, encoding="utf-8"
            )
        )
    for handler in handlers:
        handler.addFilter(JobFilter())
    logging.basicConfig(level=level, format=LINE, handlers=handlers, force=True)


@contextmanager
def job_log_context(job_id: str) -> Iterator[None]:
    """Lines logged inside, on this thread, carry the job."""
    job_token, stage_token = _job_id.set(job_id), _stage.set("")
    try:
        yield
    finally:
        _stage.reset(stage_token)
        _job_id.reset(job_token)


def set_stage(stage: str) -> None:
    """Lines logged from now on, in this job, carry the stage."""
    _stage.set(stage)
