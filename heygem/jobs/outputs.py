"""Names of results, and how one appears: whole and durable, or not at all."""

import os
import re
import time
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from heygem.jobs.job import Job

NAME_PART_BYTES = 96  # two of them and the rest stay below the 255 bytes a file system allows
PARTIAL_PATTERN = ".*.part.mp4"


def output_path(folder: Path, job: Job) -> Path:
    """Where the job's result goes: `<time>_<template>_<audio>_<id>.mp4`; the same at each attempt."""
    stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(job.created_at))
    names = (stamp, safe_name(job.spec.template_name), safe_name(job.spec.audio_name), job.id[:6])
    return folder / f"{'_'.join(names)}.mp4"


def partial_path(folder: Path, job_id: str) -> Path:
    """Where the job's result grows: hidden, in the same folder, so that it can be renamed at the end."""
    return folder / f".{job_id}.part.mp4"


def job_id_of_partial(path: Path) -> str:
    """The inverse of `partial_path`."""
    return path.name.removeprefix(".").removesuffix(".part.mp4")


def safe_name(name: str) -> str:
    """A part of a file name: letters and digits of any script stay, every other run becomes one hyphen."""
    kept = (
        character if unicodedata.category(character)[0] in "LNM" else "-"
        for character in unicodedata.normalize("NFC", name)
    )
    words = "-".join(word for word in "".join(kept).split("-") if word)
    return words.encode()[:NAME_PART_BYTES].decode(errors="ignore").rstrip("-") or "untitled"


def download_name(title: str, suffix: str = ".mp4") -> str:
    """What a download is called: its title without what file systems refuse."""
    kept = re.sub(r'[\\/:*?"<>|\x00-\x1f]+', " ", title).strip(" .")
    return f"{kept[:80] or 'heygem'}{suffix}"


def distinct_names(names: Iterable[str]) -> list[str]:
    """The same names, but "a.mp4", "a.mp4" become "a.mp4", "a (2).mp4"."""
    taken: set[str] = set()
    distinct = []
    for name in names:
        stem, dot, suffix = name.rpartition(".")
        number, candidate = 1, name
        while candidate.casefold() in taken:
            number += 1
            candidate = f"{stem} ({number}){dot}{suffix}"
        taken.add(candidate.casefold())
        distinct.append(candidate)
    return distinct


def publish(partial: Path, final: Path) -> None:
    """Make a finished, checked file durable, and then give it its name."""
    with partial.open("rb") as file:
        os.fsync(file.fileno())
    os.replace(partial, final)
    _sync_folder(final.parent)


def _sync_folder(folder: Path) -> None:
    """Make the new name itself durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
