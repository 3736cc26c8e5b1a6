"""For machines that watch machines: is it alive, and can it work?"""

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from heygem.engines.status import EngineState, EngineStatus
from heygem.models.status import ModelState
from heygem.studio import Studio

CAN_WORK = (EngineState.READY, EngineState.BUSY)


def health_routes(studio: Studio) -> APIRouter:
    """`/healthz`: the server answers. `/readyz`: every required model is warm, or why not."""
    router = APIRouter()

    @router.get("/healthz")
    def healthz() -> JSONResponse:
        return JSONResponse({"status": "ok"})

    @router.get("/readyz")
    def readyz() -> JSONResponse:
        engine = studio.status().engine
        is_ready = engine.state in CAN_WORK and not missing_models(engine)
        body = {
            "ready": is_ready,
            "state": engine.state.value,
            "reasons": [] if is_ready else reasons(engine),
        }
        return JSONResponse(body, status_code=200 if is_ready else 503)

    return router


def reasons(engine: EngineStatus) -> list[str]:
    """Why the engine cannot work, one line each."""
    if engine.problem:
        return [engine.problem]
    waiting = [f"{model.title}: {model.state.value}" for model in engine.models if model.state != "ready"]
    return waiting or [f"the engine is {engine.state.value}"]


def missing_models(engine: EngineStatus) -> list[str]:
    """Required models that somebody has unloaded; without preloading none is missed before its first use."""
    return [
        model.title
        for model in engine.models
        if engine.preload and model.required and model.state is not ModelState.READY
    ]
