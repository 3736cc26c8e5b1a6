"""Keeps web pages elsewhere from posting to this server: a browser would send that from our own machine."""

import ipaddress
import logging
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

logger = logging.getLogger(__name__)

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class OriginGuard:
    """ASGI middleware: what may change state must name this server as its Host and come from its own page.

    Args:
        bound_host: the address the server listens on. On a loopback address only loopback names will do as
            Host, so that a foreign name which resolves to 127.0.0.1 is refused; elsewhere any name will.
    """

    def __init__(self, app: ASGIApp, bound_host: str) -> None:
        self._app = app
        self._is_local = is_loopback(bound_host)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] not in SAFE_METHODS:
            headers = Headers(scope=scope)
            problem = refusal(headers.get("host", ""), headers.get("origin"), is_local=self._is_local)
            if problem:
                logger.warning("refused %s %s: %s", scope["method"], scope["path"], problem)
                await PlainTextResponse(problem, status_code=403)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def refusal(host: str, origin: str | None, *, is_local: bool) -> str:
    """Why a state-changing request is refused, or "". Programs send no Origin; browsers always do."""
    if is_local and not is_loopback(_name_of(host)):
        return "This server only answers to localhost: open it by that name, or start it with --host."
    if origin is not None and urlsplit(origin).netloc != host:
        return "This request comes from another web page."
    return ""


def is_loopback(name: str) -> bool:
    """Whether a host name or address means this machine alone."""
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _name_of(host: str) -> str:
    """ "[::1]:7860" -> "::1"."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
