"""Health, readiness, and files by id."""

from pathlib import Path
from threading import Event

import pytest
from starlette.testclient import TestClient

from heygem.engines.fake import FakeEngines
from heygem.engines.status import EngineState, EngineStatus
from heygem.jobs.job import JobSpec
from heygem.jobs.outputs import download_name
from heygem.models.status import ModelState, ModelStatus
from heygem.server.app import create_app
from heygem.server.health import reasons
from heygem.server.urls import job_template_url, result_url, thumbnail_url
from heygem.studio import Studio
from tests.fake_studio import CLIP, SPEECH, fake_studio, finished_job, settings_in
from tests.tiny_media import write_clip


def test_it_is_alive_before_it_is_ready(tmp_path: Path) -> None:
    with fake_studio(tmp_path, start=False) as studio:
        client = TestClient(create_app(studio))
        assert client.get("/healthz").json() == {"status": "ok"}
        answer = client.get("/readyz")
        assert answer.status_code == 503
        assert answer.json() == {
            "ready": False,
            "state": "initializing",
            "reasons": ["the engine is initializing"],
        }


def test_ready_also_while_it_works(tmp_path: Path) -> None:
    entered, go_on = Event(), Event()

    def wait(stage: str) -> None:
        if stage == "render":
            entered.set()
            go_on.wait(30)

    with fake_studio(tmp_path, on_stage=wait) as studio:
        studio.wait_ready(30)
        client = TestClient(create_app(studio))
        assert client.get("/readyz").json() == {"ready": True, "state": "ready", "reasons": []}
        studio.submit(JobSpec(SPEECH, CLIP))
        assert entered.wait(30)
        assert client.get("/readyz").json()["state"] == "busy"
        assert client.get("/readyz").status_code == 200
        go_on.set()


def test_a_required_model_that_was_unloaded_is_missed(tmp_path: Path) -> None:
    studio = Studio(settings_in(tmp_path), FakeEngines, prepare_ahead=False)
    studio.start(wait_for_page=False)
    studio.wait_ready(30)
    client = TestClient(create_app(studio))
    studio.models.unload("motion")
    assert client.get("/readyz").status_code == 503
    assert client.get("/readyz").json()["reasons"] == ["Motion: absent"]
    studio.models.reload("motion")
    assert client.get("/readyz").status_code == 200
    studio.stop()


def test_reasons_name_the_models_that_are_missing() -> None:
    models = (
        ModelStatus("a", "A", required=True, state=ModelState.READY),
        ModelStatus("b", "B", required=True, state=ModelState.LOADING),
    )
    assert reasons(EngineStatus(models=models)) == ["B: loading"]
    assert reasons(EngineStatus(EngineState.FAILED, models=models, problem="broken")) == ["broken"]


def test_a_result_can_be_played_sought_and_saved(tmp_path: Path) -> None:
    with fake_studio(tmp_path) as studio:
        job = finished_job(studio, title='说 "hi" / 1')
        assert job.output_path is not None
        client = TestClient(create_app(studio))
        whole = client.get(result_url(job.id))
        assert whole.content == job.output_path.read_bytes()
        assert whole.headers["content-type"] == "video/mp4"
        assert whole.headers["content-disposition"].startswith("inline")
        part = client.get(result_url(job.id), headers={"range": "bytes=4-7"})
        assert (part.status_code, part.content) == (206, b"ftyp")
        saved = client.get(result_url(job.id, download=True))
        assert saved.headers["content-disposition"].startswith("attachment")
        assert download_name(job.spec.title) == "说  hi    1.mp4"


def test_templates_of_jobs_and_of_the_gallery(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "mine.mp4")
    with fake_studio(tmp_path, start=False) as studio:
        client = TestClient(create_app(studio))
        default, own = (studio.submit(JobSpec(SPEECH, path)) for path in (CLIP, clip))
        assert client.get(job_template_url(default.id)).content == CLIP.read_bytes()
        assert client.get(job_template_url(own.id)).content == clip.read_bytes()
        for card in studio.library.all():
            answer = client.get(thumbnail_url(card.id))
            assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")


@pytest.mark.parametrize(
    "url",
    [
        result_url("0" * 32),
        result_url("..%2f..%2fetc%2fpasswd"),
        job_template_url("0" * 32),
        thumbnail_url("nobody"),
        thumbnail_url("..%2f..%2fjobs.db"),
        "/docs",
        "/openapi.json",
    ],
)
def test_what_is_not_there(tmp_path: Path, url: str) -> None:
    with fake_studio(tmp_path, start=False) as studio:
        assert TestClient(create_app(studio)).get(url).status_code == 404


def test_a_waiting_job_has_no_result(tmp_path: Path) -> None:
    with fake_studio(tmp_path, start=False) as studio:
        job = studio.submit(JobSpec(SPEECH, CLIP))
        assert TestClient(create_app(studio)).get(result_url(job.id)).status_code == 404


def test_a_result_outside_of_its_folder_is_not_served(tmp_path: Path) -> None:
    """Whatever the database says: a link out of the results leads nowhere."""
    with fake_studio(tmp_path) as studio:
        job = finished_job(studio)
        assert job.output_path is not None
        secret = tmp_path / "secret.mp4"
        secret.write_bytes(b"secret")
        job.output_path.unlink()
        job.output_path.symlink_to(secret)
        assert TestClient(create_app(studio)).get(result_url(job.id)).status_code == 404
