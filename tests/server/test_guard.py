"""Web pages elsewhere cannot post to this server."""

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from heygem.server.guard import OriginGuard, is_loopback, refusal

HERE = "localhost:7860"


def guarded(bound_host: str) -> TestClient:
    def answer(request: Request) -> PlainTextResponse:
        return PlainTextResponse("done")

    app = Starlette(routes=[Route("/", answer, methods=["GET", "POST", "DELETE"])])
    return TestClient(OriginGuard(app, bound_host))


@pytest.mark.parametrize("host", [HERE, "127.0.0.1:7860", "[::1]:7860", "localhost"])
def test_its_own_page_may_post(host: str) -> None:
    answer = guarded("127.0.0.1").post("/", headers={"host": host, "origin": f"http://{host}"})
    assert (answer.status_code, answer.text) == (200, "done")


def test_programs_that_send_no_origin_may_post() -> None:
    assert guarded("127.0.0.1").post("/", headers={"host": HERE}).status_code == 200


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost:1", "http://localhost:7860.evil"]
)
@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_another_page_may_not_post(method: str, origin: str) -> None:
    answer = guarded("127.0.0.1").request(method, "/", headers={"host": HERE, "origin": origin})
    assert answer.status_code == 403
    assert "another web page" in answer.text


@pytest.mark.parametrize("host", ["evil.example:7860", "localhost.evil:7860", "", "["])
def test_a_foreign_name_for_this_machine_is_refused(host: str) -> None:
    """DNS rebinding: the page's own name resolves to 127.0.0.1, so Host and Origin agree."""
    answer = guarded("127.0.0.1").post("/", headers={"host": host, "origin": f"http://{host}"})
    assert answer.status_code == 403


def test_reading_is_free() -> None:
    assert (
        guarded("127.0.0.1").get("/", headers={"host": HERE, "origin": "https://evil.example"}).status_code
        == 200
    )


def test_a_server_for_the_network_answers_to_its_name() -> None:
    client = guarded("0.0.0.0")
    assert client.post("/", headers={"host": "studio.lan", "origin": "http://studio.lan"}).status_code == 200
    assert client.post("/", headers={"host": "studio.lan", "origin": "http://evil.lan"}).status_code == 403


def test_refusal_says_nothing_where_all_is_well() -> None:
    assert refusal(HERE, f"http://{HERE}", is_local=True) == ""


@pytest.mark.parametrize(
    ("name", "expected"), [("127.9.9.9", True), ("::1", True), ("10.0.0.1", False), ("a", False)]
)
def test_loopback(name: str, expected: bool) -> None:
    assert is_loopback(name) is expected
