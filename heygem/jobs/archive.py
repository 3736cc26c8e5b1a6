"""Reads the table of jobs for people: searched and paged, by batch, and who is where in line."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from heygem.errors import JobNotFoundError
from heygem.jobs import sql
from heygem.jobs.database import Database
from heygem.jobs.job import Job, JobState
from heygem.jobs.rows import job_from_row


@dataclass(frozen=True, slots=True)
class JobQuery:
    """Which jobs. Every condition narrows the choice."""

    words: str = ""  # each of them is part of the title, whatever its case
    states: tuple[JobState, ...] = ()  # (): any
    only_pinned: bool = False
    only_single: bool = False  # not part of a batch


@dataclass(frozen=True, slots=True)
class JobPage:
    """Some of the jobs of a query, the newest first, and how many it has in all."""

    jobs: tuple[Job, ...]
    total: int


@dataclass(frozen=True, slots=True)
class Batch:
    """Jobs that were ordered together, and how many of them are in each state."""

    id: str
    title: str
    created_at: float  # seconds since the epoch
    counts: Mapping[JobState, int]

    @property
    def total(self) -> int:
        """How many videos were ordered, less those deleted since."""
        return sum(self.counts.values())

    @property
    def finished(self) -> int:
        """How many need no more work, however they ended."""
        return self.total - self.counts[JobState.PENDING] - self.counts[JobState.RUNNING]


class JobArchive:
    """Thread-safe; changes nothing. Each method raises StorageError when the database cannot be read."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def revision(self) -> int:
        """Grows whenever anything a reader could see may have changed."""
        return self._database.revision

    def search(self, query: JobQuery, limit: int = 10, offset: int = 0) -> JobPage:
        """The jobs that meet a query."""
        where, values = _condition(query)
        (total,) = self._database.rows(f"SELECT COUNT(*) FROM jobs WHERE {where}", values)[0]
        command = f"SELECT * FROM jobs WHERE {where} ORDER BY sequence DESC LIMIT :limit OFFSET :offset"
        rows = self._database.rows(command, values | {"limit": limit, "offset": offset})
        return JobPage(tuple(map(job_from_row, rows)), int(total))

    def place_in_line(self, job_id: str) -> int:
        """1 for the pending job that is next; 0 for one that does not wait."""
        return int(self._database.rows(sql.PLACE_IN_LINE, {"id": job_id})[0][0])

    def batches(self, limit: int = 10) -> tuple[Batch, ...]:
        """The newest first, without those whose jobs have all been deleted."""
        ids = [row["id"] for row in self._database.rows(sql.NEWEST_BATCHES, {"limit": limit})]
        return tuple(self.batch(batch_id) for batch_id in ids)

    def batch(self, batch_id: str) -> Batch:
        """One batch.

        Raises:
            JobNotFoundError
        """
        found = self._database.rows("SELECT * FROM batches WHERE id = :id", {"id": batch_id})
        if not found:
            raise JobNotFoundError(f"There is no batch {batch_id}.", job_id=batch_id)
        command = "SELECT state, COUNT(*) AS jobs FROM jobs WHERE batch_id = :id GROUP BY state"
        counts = {
            JobState(row["state"]): int(row["jobs"]) for row in self._database.rows(command, {"id": batch_id})
        }
        title, created_at = found[0]["title"], found[0]["created_at"]
        return Batch(batch_id, title, created_at, dict.fromkeys(JobState, 0) | counts)

    def jobs_of_batch(self, batch_id: str) -> tuple[Job, ...]:
        """In the order they are made."""
        command = "SELECT * FROM jobs WHERE batch_id = :id ORDER BY sequence"
        return tuple(map(job_from_row, self._database.rows(command, {"id": batch_id})))

    def template_hits(self, last: int = 100) -> tuple[int, int]:
        """Of how many of the last succeeded jobs the template was prepared already, and of how many."""
        row = self._database.rows(sql.TEMPLATE_HITS, {"last": last})[0]
        return int(row["hits"] or 0), int(row["jobs"])


def _condition(query: JobQuery) -> tuple[str, dict[str, Any]]:
    """A condition on `jobs`, and the values it names."""
    conditions, values = ["TRUE"], dict[str, Any]()
    for number, word in enumerate(query.words.split()):
        conditions.append(f"instr(lower(title), lower(:word{number}))")
        values[f"word{number}"] = word
    if query.states:
        conditions.append("state IN ({})".format(", ".join(f"'{state.value}'" for state in query.states)))
    if query.only_pinned:
        conditions.append("pinned")
    if query.only_single:
        conditions.append("batch_id = ''")
    return " AND ".join(conditions), values
