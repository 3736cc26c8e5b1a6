"""A server on 127.0.0.1 that speaks as much of the Hugging Face hub's protocol as fetching needs.

Small files are answered with git's hash as ETag; large ones ("LFS") with a redirect to another path and their
sha256, as the hub does. Ranges are honoured.
"""

import hashlib
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LARGE_BYTES = 10_000
_CHUNK = 64 * 1024


class HubServer:
    """What it serves, and how it misbehaves.

    Attributes:
        files: content by "org/name" and path.
        cut_after: connections break when so many bytes of a file have gone out; None: never.
        cuts_left: how often that happens.
        wrong_answers: how many downloads get a byte flipped.
        bytes_per_second: a slow line; 0: as fast as it goes.
        status: answer everything with this error, if not 0.
        sent_bytes: content sent so far.
    """

    def __init__(self, files: Mapping[str, Mapping[str, bytes]]) -> None:
        self.files = files
        self.cut_after: int | None = None
        self.cuts_left = 1 << 30
        self.wrong_answers = 0
        self.bytes_per_second = 0
        self.status = 0
        self.sent_bytes = 0
        self.ranges: list[str] = []
        self.lock = Lock()
        self.url = ""


class Handler(BaseHTTPRequestHandler):
    """Answers as the hub does. Every connection has one of its own."""

    server: "Server"
    protocol_version = "HTTP/1.1"

    @property
    def hub(self) -> HubServer:
        return self.server.hub

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, body: bool) -> None:
        found = re.fullmatch(r"/(?:cdn/)?([^/]+/[^/]+)/resolve/[^/]+/([^?]+)(?:\?.*)?", self.path)
        content = self.hub.files.get(found[1], {}).get(found[2]) if found else None
        if self.hub.status or content is None:
            self._fail(self.hub.status or 404, "" if self.hub.status else "EntryNotFound")
        elif len(content) >= LARGE_BYTES and not self.path.startswith("/cdn/"):
            self._redirect(content)
        elif body:
            self._send(content)
        else:
            self._head(content)

    def _fail(self, status: int, code: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        code = {403: "GatedRepo", 404: code or "RepoNotFound"}.get(status, "")
        if code:
            self.send_header("X-Error-Code", code)
            self.send_header("X-Error-Message", "no")
        self.end_headers()

    def _redirect(self, content: bytes) -> None:
        self.send_response(302)
        self.send_header("Location", f"{self.hub.url}/cdn{self.path}")
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("X-Linked-Etag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("X-Linked-Size", str(len(content)))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _head(self, content: bytes) -> None:
        git = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
        self.send_response(200)
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", f'"{git}"')
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()

    def _send(self, content: bytes) -> None:
        start = 0
        wanted = self.headers.get("Range")
        if wanted:
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
            self.hub.ranges.append(wanted)
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(len(content) - start))
        if wanted:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        with self.hub.lock:
            if self.hub.wrong_answers:
                self.hub.wrong_answers -= 1
                content = content[:-1] + bytes([content[-1] ^ 1])
        self._send_body(content[start:])

    def _send_body(self, content: bytes) -> None:
        for offset in range(0, len(content), _CHUNK):
            chunk = content[offset : offset + _CHUNK]
            if (
                self.hub.cut_after is not None
                and offset + len(chunk) > self.hub.cut_after
                and self.hub.cuts_left > 0
            ):
                chunk = chunk[: max(0, self.hub.cut_after - offset)]
                self.hub.cuts_left -= 1
                self.close_connection = True
                self._write(chunk)
                return
            self._write(chunk)

    def _write(self, chunk: bytes) -> None:
        if self.hub.bytes_per_second:
            time.sleep(len(chunk) / self.hub.bytes_per_second)
        self.wfile.write(chunk)
        with self.hub.lock:
            self.hub.sent_bytes += len(chunk)


class Server(ThreadingHTTPServer):
    """Serves one hub on a free port of 127.0.0.1."""

    daemon_threads = True

    def __init__(self, hub: HubServer) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.hub = hub

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # clients are killed here


@contextmanager
def serving(hub: HubServer) -> Iterator[HubServer]:
    """Serve on a free port of 127.0.0.1."""
    server = Server(hub)
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
