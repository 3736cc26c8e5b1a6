"""Where the server keeps things, by id; no path of the disk is ever in an address."""

from collections.abc import Iterable


def result_url(job_id: str, *, download: bool = False) -> str:
    """The finished video of a job; with `download` the browser saves it instead of playing it."""
    return f"/media/results/{job_id}{'?download=true' if download else ''}"


def results_zip_url(job_ids: Iterable[str] = ()) -> str:
    """The finished videos of many jobs in one file."""
    return f"/media/results.zip?jobs={','.join(job_ids)}"


def batch_zip_url(batch_id: str) -> str:
    """The finished videos of a batch in one file."""
    return f"/media/batches/{batch_id}.zip"


def job_template_url(job_id: str) -> str:
    """The video or photo a job was asked to use."""
    return f"/media/jobs/{job_id}/template"


def thumbnail_url(template_id: str) -> str:
    """The still picture of a template of the library."""
    return f"/media/templates/{template_id}/thumbnail"


def preview_url(template_id: str) -> str:
    """A short clip of a template of the library; a photo has none."""
    return f"/media/templates/{template_id}/preview"
