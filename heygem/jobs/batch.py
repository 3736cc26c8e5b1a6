"""A batch: every speech with every template, as single jobs in one order."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from heygem.engines.base import LipSyncOptions
from heygem.jobs.job import DEFAULT_ENGINE, JobSpec

Order = Literal["template", "speech"]  # what changes last: all speeches of one template first, or vice versa


@dataclass(frozen=True, slots=True)
class Source:
    """One input: a file, what a person calls it, and what the library knows of it."""

    path: Path
    name: str = ""
    template_id: str = ""
    face_point: tuple[float, float] | None = None  # which face of a template; see LipSyncOptions


@dataclass(frozen=True, slots=True)
class BatchSpec:
    """What is wanted: all `speeches` said by all `templates`."""

    speeches: tuple[Source, ...]
    templates: tuple[Source, ...]
    options: LipSyncOptions = field(default_factory=LipSyncOptions)
    title: str = ""
    order: Order = "template"
    engine: str = DEFAULT_ENGINE


def expand(batch: BatchSpec) -> Iterator[JobSpec]:
    """The single orders, in the order they are to be made."""
    if batch.order == "template":
        pairs = [(speech, template) for template in batch.templates for speech in batch.speeches]
    else:
        pairs = [(speech, template) for speech in batch.speeches for template in batch.templates]
    for speech, template in pairs:
        audio_name, template_name = speech.name or speech.path.stem, template.name or template.path.stem
        yield JobSpec(
            audio_path=speech.path,
            template_path=template.path,
            engine=batch.engine,
            options=replace(batch.options, face_point=template.face_point),
            title=f"{template_name} · {audio_name}",
            audio_name=audio_name,
            template_name=template_name,
            template_id=template.template_id,
        )
