"""Serves results, inputs and thumbnails: by id, and only from the folders they belong in."""

import mimetypes
from collections.abc import Iterable, Sequence
from pathlib import Path
from urllib.parse import quote

from fastapi import APIRouter, HTTPException
from fastapi.responses import FileResponse, StreamingResponse

from heygem.assets.catalog import FOLDER as ASSETS
from heygem.errors import JobNotFoundError, TemplateNotFoundError
from heygem.jobs.job import Job
from heygem.jobs.outputs import distinct_names, download_name
from heygem.library.template import Template
from heygem.server.zipping import stream_zip
from heygem.studio import Studio

MOST_ZIPPED = 1000
HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "private, max-age=3600"}


def media_routes(studio: Studio) -> APIRouter:
    """The addresses of `heygem.server.urls`. FileResponse answers ranges, so players can seek."""
    router = APIRouter(prefix="/media")
    settings = studio.settings

    @router.get("/results/{job_id}")
    def result(job_id: str, download: bool = False) -> FileResponse:
        job = _job(studio, job_id)
        path = _known_file(job.output_path, [settings.output_dir])
        return _file(path, download_name(job.spec.title), "attachment" if download else "inline")

    @router.get("/jobs/{job_id}/template")
    def job_template(job_id: str) -> FileResponse:
        path = _job(studio, job_id).spec.template_path
        return _file(_known_file(path, [settings.uploads_dir, ASSETS]))

    @router.get("/results.zip")
    def results(jobs: str) -> StreamingResponse:
        ids = jobs.split(",")[:MOST_ZIPPED]
        return _zip([_job(studio, job_id) for job_id in ids], settings.output_dir, "HeyGem")

    @router.get("/batches/{batch_id}.zip")
    def batch(batch_id: str) -> StreamingResponse:
        try:
            title = studio.archive.batch(batch_id).title
        except JobNotFoundError as error:
            raise HTTPException(404, str(error)) from error
        return _zip(studio.archive.jobs_of_batch(batch_id), settings.output_dir, title)

    @router.get("/templates/{template_id}/thumbnail")
    def thumbnail(template_id: str) -> FileResponse:
        path = studio.library.still(_template(studio, template_id))
        return _file(_known_file(path, [settings.library_dir, ASSETS]))

    @router.get("/templates/{template_id}/preview")
    def preview(template_id: str) -> FileResponse:
        path = studio.library.preview(_template(studio, template_id))
        return _file(_known_file(path, [settings.library_dir, ASSETS]))

    return router


def _zip(jobs: Sequence[Job], folder: Path, title: str) -> StreamingResponse:
    """The results that are there, under names a person can read, in the order they were asked for."""
    done = [job for job in jobs if job.output_path is not None and job.output_path.is_file()]
    if not done:
        raise HTTPException(404, "None of these videos is there (any more).")
    names = distinct_names(download_name(job.spec.title) for job in done)
    files = [(name, _known_file(job.output_path, [folder])) for name, job in zip(names, done, strict=True)]
    disposition = f"attachment; filename*=utf-8''{quote(download_name(title, '.zip'))}"
    headers = {"Content-Disposition": disposition, "X-Content-Type-Options": "nosniff"}
    return StreamingResponse(stream_zip(files), media_type="application/zip", headers=headers)


def _template(studio: Studio, template_id: str) -> Template:
    try:
        return studio.library.get(template_id)
    except TemplateNotFoundError as error:
        raise HTTPException(404, str(error)) from error


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
