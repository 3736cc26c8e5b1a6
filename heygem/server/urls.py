"""Where the server keeps things, by id; no path of the disk is ever in an address."""


def result_url(job_id: str, *, download: bool = False) -> str:
    """The finished video of a job; with `download` the browser saves it instead of playing it."""
    return f"/media/results/{job_id}{'?download=true' if download else ''}"


def job_template_url(job_id: str) -> str:
    """The video or photo a job was asked to use."""
    return f"/media/jobs/{job_id}/template"


def thumbnail_url(template_id: str) -> str:
    """The small picture of a template of the gallery."""
    return f"/media/templates/{template_id}/thumbnail"
