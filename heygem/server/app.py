"""The web application around the page."""

from fastapi import FastAPI

from heygem.server.guard import OriginGuard
from heygem.server.health import health_routes
from heygem.server.media import media_routes
from heygem.studio import Studio


def create_app(studio: Studio) -> FastAPI:
    """Health and media routes behind the origin check; `heygem.ui.page.mount_page` adds the page."""
    app = FastAPI(title="HeyGem", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(OriginGuard, bound_host=studio.settings.host)
    app.include_router(health_routes(studio))
    app.include_router(media_routes(studio))
    return app
