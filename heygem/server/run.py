"""Runs a studio with its page on a socket of its own, from launch to exit code."""

import logging
import socket
import threading
from types import FrameType
from typing import TYPE_CHECKING

import uvicorn

from heygem.ending import DONE, end_without_device
from heygem.errors import SettingsError
from heygem.jobs.engine_set import EngineBuilder
from heygem.server.app import create_app
from heygem.server.gradio_import import importing_gradio
from heygem.settings import Settings
from heygem.studio import Studio

if TYPE_CHECKING:
    import gradio as gr

logger = logging.getLogger(__name__)

GRACE_SECONDS = 3  # for requests under way; open event streams would otherwise hold the exit for ever


class Launch:
    """One studio, as long as its server lives. Its thread starts now and works once the page is bound."""

    def __init__(self, settings: Settings, build_engines: EngineBuilder | None = None) -> None:
        """Open the studio.

        Args:
            build_engines: None: the real ones.

        Raises:
            FolderBusyError: another HeyGem works in the same data folder.
        """
        self._settings = settings
        self._fatal = threading.Event()
        self.studio = Studio(settings, build_engines, on_fatal=self._end_process)
        self.studio.start()

    def serve(self, page: "gr.Blocks") -> int:
        """Serve `page` until SIGTERM or SIGINT; returns the exit code.

        Where only a new process helps, this one ends here: no job is lost with it.

        Raises:
            SettingsError: the address is taken or not of this machine.
        """
        from heygem.ui.page import mount_page

        try:
            with listen(self._settings.host, self._settings.port) as listener:
                app = mount_page(create_app(self.studio), page, self.studio)
                config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=GRACE_SECONDS)
                logger.info("serving on http://%s:%d", self._settings.host, listener.getsockname()[1])
                PageServer(config, self.studio, self._fatal).run(sockets=[listener])
        finally:
            self.studio.stop()
        if self._fatal.is_set():
            end_without_device()
        return DONE

    def _end_process(self, reason: str) -> None:
        logger.critical("ending this process, a new one is needed: %s", reason)
        self._fatal.set()


def serve(settings: Settings, build_engines: EngineBuilder | None = None) -> int:
    """Launch a studio, build its page and serve it; returns the exit code."""
    launch = Launch(settings, build_engines)
    with importing_gradio():
        from heygem.ui.page import build_page
    return launch.serve(build_page(launch.studio))


def listen(host: str, port: int) -> socket.socket:
    """A bound socket; port 0 takes any free one.

    Raises:
        SettingsError: the address is taken or not of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise SettingsError(
            f"Cannot serve on {host}:{port} ({error.strerror}): stop the program that uses it, or choose"
            " another with --port or --host.",
            host=host,
            port=str(port),
        ) from error


class PageServer(uvicorn.Server):
    """Tells the studio when the page can be fetched, and ends when `fatal` is set."""

    def __init__(self, config: uvicorn.Config, studio: Studio, fatal: threading.Event) -> None:
        super().__init__(config)
        self._studio = studio
        self._fatal = fatal

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._studio.notify_page_bound()

    async def on_tick(self, counter: int) -> bool:
        return self._fatal.is_set() or await super().on_tick(counter)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # uvicorn's own handler raises the signal again after the shutdown, which would kill us before ours.
        self.should_exit = True
