"""A page as its browser talks to the server: what it fetches, and which events it sends."""

import json
import mimetypes
import uuid
from http.client import HTTPConnection, HTTPResponse, RemoteDisconnected
from pathlib import Path
from time import perf_counter
from typing import Any
from urllib.parse import urlencode

from heygem.bench.report import BenchError

TIMEOUT_SECONDS = 60.0


class Visitor:
    """One open page. Not thread-safe; `seconds` collects how long each answer took, by kind."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._connection = HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
        self._word, self._marks = "", dict[str, str]()
        self._quiet = 0  # answers in a row that said "nothing has changed"
        self._session = uuid.uuid4().hex
        self.seconds: dict[str, list[float]] = {}
        config = json.loads(self._get("/config", "config"))
        self._ids = {c["props"].get("elem_id"): c["id"] for c in config["components"]}
        self._dependencies = config["dependencies"]
        self._values = {c["id"]: c["props"].get("value") for c in config["components"]}

    def open(self) -> None:
        """Fetch the page itself."""
        self._get("/", "page")

    @property
    def pause_seconds(self) -> float:
        """How long the page waits before it asks again; see heygem/ui/pulse.js."""
        return 2.0 if self._quiet > 5 else 1.0

    def ask(self) -> None:
        """What the page asks every second: nothing where nothing has changed, else what to show."""
        seen = ",".join(f"{name}:{mark}" for name, mark in self._marks.items())
        query = urlencode({"word": self._word, "seen": seen})
        content = self._get(f"/draw?{query}", "draw")
        self._quiet = 0 if content else self._quiet + 1
        if content:
            drawn = json.loads(content)
            self._word = drawn["word"]
            self._marks |= {name: mark for name, (mark, _) in drawn["views"].items()}

    def order(self, speech: Path, template_id: str) -> str:
        """Upload a recording and press Generate; returns what is wrong, or ""."""
        kept = json.loads(self._upload(speech))[0]
        file = {"path": kept, "orig_name": speech.name, "meta": {"_type": "gradio.FileData"}}
        inputs = {self._ids["hg-audio"]: file, self._ids["hg-presenters"]: template_id}
        answer = self._send(self._dependency("hg-generate", "click"), inputs, "order")
        return str(answer["data"][1])

    def _dependency(self, elem_id: str, event: str) -> dict[str, Any]:
        target = [self._ids[elem_id], event]
        for dependency in self._dependencies:
            if target in dependency["targets"] and dependency["backend_fn"]:
                return dict(dependency)
        raise BenchError(f"The page has no {event} of {elem_id}.")

    def _send(self, dependency: dict[str, Any], inputs: dict[int, Any], kind: str) -> dict[str, Any]:
        data = [inputs.get(component, self._values.get(component)) for component in dependency["inputs"]]
        body = {"data": data, "fn_index": dependency["id"], "session_hash": self._session}
        headers = {"Content-Type": "application/json"}
        answer = self._ask("POST", "/gradio_api/run/predict", kind, json.dumps(body).encode(), headers)
        return dict(json.loads(answer))

    def _upload(self, path: Path) -> bytes:
        boundary = uuid.uuid4().hex
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="files"; filename="{path.name}"\r\n'
            f"Content-Type: {kind}\r\n\r\n"
        )
        body = head.encode() + path.read_bytes() + f"\r\n--{boundary}--\r\n".encode()
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        return self._ask("POST", "/gradio_api/upload", "upload", body, headers)

    def _get(self, path: str, kind: str) -> bytes:
        return self._ask("GET", path, kind, None, {})

    def _ask(self, method: str, path: str, kind: str, body: bytes | None, headers: dict[str, str]) -> bytes:
        began = perf_counter()
        try:
            response, content = self._exchange(method, path, body, headers)
        except RemoteDisconnected:  # the server closes connections that rest for some seconds
            self._connection.close()
            response, content = self._exchange(method, path, body, headers)
        self.seconds.setdefault(kind, []).append(perf_counter() - began)
        if response.status not in (200, 204):
            raise BenchError(f"{method} {path} answered {response.status}: {content[:200]!r}")
        return content

    def _exchange(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> tuple[HTTPResponse, bytes]:
        self._connection.request(method, path, body, headers)
        response = self._connection.getresponse()
        return response, response.read()
