"""What one visitor's page is looking at."""

import json
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, Self

from heygem.jobs.archive import JobQuery
from heygem.jobs.job import JobState

TabName = Literal["single", "batch", "library", "history", "system"]
TABS: tuple[TabName, ...] = ("single", "batch", "library", "history", "system")
Show = Literal["all", "succeeded", "open", "failed", "canceled", "pinned"]
SHOWS: tuple[Show, ...] = ("all", "succeeded", "open", "failed", "canceled", "pinned")

_STATES: dict[Show, tuple[JobState, ...]] = {
    "succeeded": (JobState.SUCCEEDED,),
    "open": (JobState.PENDING, JobState.RUNNING),
    "failed": (JobState.FAILED,),
    "canceled": (JobState.CANCELED,),
}


@dataclass(frozen=True, slots=True)
class PageState:
    """Kept by the browser; a reload begins anew."""

    tab: TabName = "single"
    job_id: str = ""  # followed on the Single tab; "": the running or else the newest one
    batch_id: str = ""  # on the Batch tab; "": the newest one
    batch_playing: str = ""  # the job whose video is open there
    template_id: str = ""  # on the Templates tab
    history_job: str = ""  # open on the History tab
    words: str = ""  # searched for there
    show: Show = "all"
    page: int = 1

    def query(self) -> JobQuery:
        """What the History tab lists."""
        return JobQuery(self.words, _STATES.get(self.show, ()), only_pinned=self.show == "pinned")

    def write(self) -> str:
        """As JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, text: str) -> Self:
        """The inverse of `write`. It comes from outside: what is not as it should be is as at the start."""
        try:
            found = json.loads(text)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            return cls()
        kinds = {field.name: type(field.default) for field in fields(cls)}
        fit: dict[str, Any] = {name: value for name, value in found.items() if type(value) is kinds.get(name)}
        for name, choices in (("tab", TABS), ("show", SHOWS)):
            if fit.get(name) not in choices:
                fit.pop(name, None)
        if fit.get("page", 1) < 1:
            fit.pop("page")
        return cls(**fit)
