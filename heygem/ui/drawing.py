"""What pages ask every second: has anything changed, and what should I show?"""

import asyncio
import time
from zlib import crc32

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from heygem.studio import Studio
from heygem.ui.pulse import pulse_of
from heygem.ui.state import PageState
from heygem.ui.texts import language_of
from heygem.ui.views import render

WORD_SECONDS = 0.5  # so long all pages share one look at the studio
HEADERS = {"Cache-Control": "no-store"}


class SharedPulse:
    """`pulse_of` a studio, taken at most twice a second however many pages ask."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._lock = asyncio.Lock()
        self._word = ""
        self._taken_at = float("-inf")

    async def word(self) -> str:
        """The latest word, half a second old at most."""
        async with self._lock:
            if time.monotonic() - self._taken_at >= WORD_SECONDS:
                self._word = await run_in_threadpool(pulse_of, self._studio)
                self._taken_at = time.monotonic()
            return self._word


def drawing_routes(studio: Studio) -> APIRouter:
    """`/draw`: 204 while nothing has changed since `word`, else the views that are not as `seen`."""
    router = APIRouter()
    pulse = SharedPulse(studio)

    @router.get("/draw")
    async def draw(request: Request) -> Response:
        asked = request.query_params
        word = await pulse.word()
        if word == asked.get("word"):
            return Response(status_code=204, headers=HEADERS)
        language = language_of(request.headers.get("accept-language", ""))
        page = PageState.read(asked.get("page", ""))
        views = await run_in_threadpool(render, studio, page, asked.get("was", ""), language)
        seen = dict(part.partition(":")[::2] for part in asked.get("seen", "").split(","))
        changed = {
            name: (mark, view)
            for name, view in views.items()
            if seen.get(name) != (mark := f"{crc32(view.encode()):x}")
        }
        state = studio.engine_state.value
        return JSONResponse({"word": word, "state": state, "views": changed}, headers=HEADERS)

    return router
