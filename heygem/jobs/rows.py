"""Between a `Job` and its row in the database."""

import json
import sqlite3
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path

from heygem.engines.base import LipSyncOptions
from heygem.jobs.job import Job, JobSpec, JobState

_COPIED = (
    "id",
    "created_at",
    "started_at",
    "finished_at",
    "stage",
    "done",
    "total",
    "stage_started_at",
    "attempt",
    "deaths",
    "error_code",
    "error_message",
    "output_sha256",
    "priority",
    "idempotency_key",
    "batch_id",
)


def row_from_spec(spec: JobSpec) -> dict[str, object]:
    """The columns that say what is wanted."""
    return {
        "engine": spec.engine,
        "audio_path": str(spec.audio_path),
        "template_path": str(spec.template_path),
        "options": options_to_json(spec.options),
        "title": spec.title,
        "audio_name": spec.audio_name,
        "template_name": spec.template_name,
        "template_id": spec.template_id,
    }


def job_from_row(row: sqlite3.Row) -> Job:
    """A snapshot of a whole row."""
    spec = JobSpec(
        audio_path=Path(row["audio_path"]),
        template_path=Path(row["template_path"]),
        engine=row["engine"],
        options=options_from_json(row["options"]),
        title=row["title"],
        audio_name=row["audio_name"],
        template_name=row["template_name"],
        template_id=row["template_id"],
    )
    return Job(
        spec=spec,
        state=JobState(row["state"]),
        error_details=json.loads(row["error_details"]),
        output_path=None if row["output_path"] is None else Path(row["output_path"]),
        timings=json.loads(row["timings"]),
        pinned=bool(row["pinned"]),
        cancel_requested=bool(row["cancel_requested"]),
        checkup=json.loads(row["checkup"] or "{}"),
        **{name: row[name] for name in _COPIED},
    )


def options_to_json(options: LipSyncOptions) -> str:
    """The options as JSON; a rational frame rate as text."""
    fields = asdict(options)
    fields["fps"] = None if options.fps is None else str(options.fps)
    return json.dumps(fields)


def options_from_json(text: str) -> LipSyncOptions:
    """The inverse of `options_to_json`."""
    fields = json.loads(text)
    if fields["fps"] is not None:
        fields["fps"] = Fraction(fields["fps"])
    if fields["face_point"] is not None:
        fields["face_point"] = tuple(fields["face_point"])
    return LipSyncOptions(**fields)
