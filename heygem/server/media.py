"""Serves results, inputs and thumbnails: by id, and only from the folders they belong in."""

import mimetypes
import re
from collections.abc import Iterable
from pathlib import Path

from fastapi import APIRouter, HTTPException
from fastapi.responses import FileResponse

from heygem.assets.catalog import FOLDER as ASSETS
from heygem.errors import JobNotFoundError
from heygem.jobs.job import Job
from heygem.studio import Studio

HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "private, max-age=3600"}


def media_routes(studio: Studio) -> APIRouter:
    """The addresses of `heygem.server.urls`. FileResponse answers ranges, so players can seek."""
    router = APIRouter(prefix="/media")
    settings = studio.settings

    @router.get("/results/{job_id}")
    def result(job_id: str, download: bool = False) -> FileResponse:
        job = _job(studio, job_id)
        path = _known_file(job.output_path, [settings.output_dir])
        return _file(path, download_name(job), "attachment" if download else "inline")

    @router.get("/jobs/{job_id}/template")
    def job_template(job_id: str) -> FileResponse:
        path = _job(studio, job_id).spec.template_path
        return _file(_known_file(path, [settings.uploads_dir, ASSETS]))

    @router.get("/templates/{template_id}/thumbnail")
    def thumbnail(template_id: str) -> FileResponse:
        card = next((card for card in studio.templates() if card.id == template_id), None)
        path = None if card is None else card.thumbnail_path
        return _file(_known_file(path, [ASSETS]))

    return router


def download_name(job: Job) -> str:
    """What a saved result is called: its title without what file systems refuse."""
    title = re.sub(r'[\\/:*?"<>|\x00-\x1f]+', " ", job.spec.title).strip(" .")
    return f"{title[:80] or 'heygem'}.mp4"


def _job(studio: Studio, job_id: str) -> Job:
    try:
        return studio.jobs.get(job_id)
    except JobNotFoundError as error:
        raise HTTPException(404, str(error)) from error


def _known_file(path: Path | None, folders: Iterable[Path]) -> Path:
    """`path`, links followed, if it is a file inside one of `folders`; else the answer is 404."""
    resolved = None if path is None else path.resolve()
    if resolved is None or not resolved.is_file():
        raise HTTPException(404, "This file does not exist (any more).")
    if not any(resolved.is_relative_to(folder.resolve()) for folder in folders):
        raise HTTPException(404, "This file is not where it should be.")
    return resolved


def _file(path: Path, filename: str | None = None, disposition: str = "inline") -> FileResponse:
    media_type = mimetypes.guess_type(path.name)[0] or ""
    if not media_type.startswith(("video/", "image/")) or "svg" in media_type:
        media_type = "application/octet-stream"  # never something a browser would run
    return FileResponse(
        path, media_type=media_type, headers=HEADERS, filename=filename, content_disposition_type=disposition
    )
