"""The table of templates."""

import json
import sqlite3
import time
import uuid
from collections.abc import Callable
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import Any

from heygem.assets.catalog import DEFAULT_TEMPLATES
from heygem.engines.base import PreparedTemplate, TemplateLook
from heygem.errors import HeyGemError, TemplateNotFoundError
from heygem.jobs.database import Database
from heygem.library.template import Footage, Template


class TemplateStore:
    """Thread-safe; each method is one durable command.

    Every method raises DiskFullError or StorageError when the database cannot be written.
    """

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        """`clock` gives seconds since the epoch."""
        self._database = database
        self._clock = clock

    def add(
        self,
        path: Path,
        name: str,
        footage: Footage | None,
        *,
        template_id: str = "",
        is_default: bool = False,
    ) -> Template:
        """Put a file into the library; `template_id` "" makes a new one. A known id stays as it is."""
        values = {
            "id": template_id or uuid.uuid4().hex,
            "name": name,
            "path": str(path),
            "is_default": is_default,
            "now": self._clock(),
            "footage": _footage_json(footage),
        }
        command = (
            "INSERT INTO templates (id, name, path, is_default, added_at, footage) "
            "VALUES (:id, :name, :path, :is_default, :now, :footage) "
            "ON CONFLICT (id) DO UPDATE SET path = :path"
        )
        self._database.rows(command, values)
        return self.get(str(values["id"]))

    def add_defaults(self) -> None:
        """Put in the templates that came with HeyGem, and forget those that no longer do."""
        names = [template.name for template in DEFAULT_TEMPLATES]
        with self._database.transaction():
            for template in self.all():
                if template.is_default and template.id not in names:
                    self.delete(template.id)
            for default in DEFAULT_TEMPLATES:
                self.add(default.video_path, "", None, template_id=default.name, is_default=True)

    def all(self) -> tuple[Template, ...]:
        """Those that came with HeyGem, then the others, the newest first."""
        rows = self._database.rows(
            "SELECT * FROM templates ORDER BY is_default DESC, iif(is_default, sequence, -sequence)"
        )
        return tuple(map(_template, rows))

    def get(self, template_id: str) -> Template:
        """One template.

        Raises:
            TemplateNotFoundError
        """
        rows = self._database.rows("SELECT * FROM templates WHERE id = :id", {"id": template_id})
        if not rows:
            raise TemplateNotFoundError("This template is not there: it may have been deleted.")
        return _template(rows[0])

    def find_path(self, path: Path) -> Template | None:
        """The template with this file."""
        rows = self._database.rows("SELECT * FROM templates WHERE path = :path", {"path": str(path)})
        return _template(rows[0]) if rows else None

    def rename(self, template_id: str, name: str) -> None:
        """Call it something else."""
        self._update(template_id, name=name)

    def choose_face(self, template_id: str, point: tuple[float, float] | None) -> None:
        """Follow the face at (x, y) in 0..1 of the picture, or the main one; it has to be prepared anew."""
        text = "" if point is None else json.dumps(point)
        self._update(template_id, face_point=text, look="", error_code="", error_message="", attempts=0)

    def begin(self, template_id: str) -> Template:
        """Preparing it begins: if nobody says how that ended, the process died."""
        command = "UPDATE templates SET attempts = attempts + 1 WHERE id = :id"
        self._database.rows(command, {"id": template_id})
        return self.get(template_id)

    def put_back(self, template_id: str) -> None:
        """Preparing it was interrupted, through nobody's fault."""
        self._update(template_id, attempts=0)

    def prepared(self, template_id: str, footage: Footage, outcome: PreparedTemplate) -> None:
        """It is prepared; this is what was seen."""
        self._update(
            template_id,
            footage=_footage_json(footage),
            look=json.dumps(asdict(outcome.look)),
            asset_key=outcome.asset_key,
            frames_without_face=outcome.frames_without_face,
            attempts=0,
            error_code="",
            error_message="",
        )

    def unusable(self, template_id: str, error: HeyGemError) -> None:
        """It cannot be prepared, and why."""
        self._update(template_id, look="", attempts=0, error_code=error.code, error_message=str(error))

    def delete(self, template_id: str) -> None:
        """Forget it. Jobs that used it have copies of their own."""
        self._database.rows("DELETE FROM templates WHERE id = :id", {"id": template_id})

    def _update(self, template_id: str, **columns: Any) -> None:
        changes = ", ".join(f"{name} = :{name}" for name in columns)
        self._database.rows(f"UPDATE templates SET {changes} WHERE id = :id", columns | {"id": template_id})


def _footage_json(footage: Footage | None) -> str:
    return "" if footage is None else json.dumps(asdict(footage) | {"fps": str(footage.fps)})


def _template(row: sqlite3.Row) -> Template:
    footage = json.loads(row["footage"] or "null")
    look = json.loads(row["look"] or "null")
    point = json.loads(row["face_point"] or "null")
    return Template(
        path=Path(row["path"]),
        is_default=bool(row["is_default"]),
        footage=footage and Footage(**footage | {"fps": Fraction(footage["fps"])}),
        face_point=point and (point[0], point[1]),
        look=look and TemplateLook(**look | {"face_boxes": tuple(map(tuple, look["face_boxes"]))}),
        **{name: row[name] for name in _COPIED},
    )


_COPIED = (
    "id",
    "name",
    "added_at",
    "frames_without_face",
    "asset_key",
    "attempts",
    "error_code",
    "error_message",
    "use_count",
    "used_at",
)
