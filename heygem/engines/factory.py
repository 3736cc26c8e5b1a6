"""Builds the engines with all they need. Imports torch, so it is imported on the engine thread only."""

import gc
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from safetensors.numpy import load_file
from threadpoolctl import threadpool_limits

from heygem.assets.catalog import REHEARSAL_CLIP
from heygem.engines.base import LipSyncEngine
from heygem.engines.mesh.device_drawer import DeviceDrawer
from heygem.engines.mesh.drawer import FrameDrawer, ThreadDrawer
from heygem.engines.mesh.engine import MeshEngine
from heygem.engines.mesh.geometry import DrawMesh
from heygem.engines.mesh.library import PortraitLibrary
from heygem.engines.mesh.models import MeshModels
from heygem.engines.mesh.painter import MouthPainter
from heygem.engines.mesh.portrait import MouthMaker
from heygem.engines.mesh.render import FrameRenderer
from heygem.hardware.device import Device, TorchCuda, choose_device
from heygem.models.catalog import CATALOG, FACE_LANDMARKER, MOUTH_REPAIR
from heygem.models.manifest import Manifest
from heygem.models.registry import ModelRegistry
from heygem.models.status import ModelStatus
from heygem.settings import Settings
from heygem.templates.cache import TemplateCache
from heygem.templates.canonical import VERTEX_COUNT, CanonicalFace

MOST_DRAWING_THREADS = 8
SWITCH_SECONDS = 0.0005


@dataclass(frozen=True, slots=True)
class EngineSet:
    """What the engine thread works with."""

    registry: ModelRegistry
    template_cache: TemplateCache
    device: Device
    engines: dict[str, LipSyncEngine]
    forget: Callable[[], None]  # drops portraits held in memory

    def preload(self) -> None:
        """Load, warm and check every model, then make one tiny job with each engine.

        Raises:
            ModelError, DeviceError: something required did not come up.
        """
        self.registry.preload_all()
        for engine in self.engines.values():
            engine.rehearse()

    def clear_caches(self) -> None:
        """Give back what no job holds: templates, and blocks that allocators keep. Models stay."""
        self.forget()
        self.template_cache.clear_unleased()
        gc.collect()
        if self.device.kind == "cuda":
            torch.cuda.empty_cache()


def build_engines(settings: Settings, on_models: Callable[[tuple[ModelStatus, ...]], None]) -> EngineSet:
    """Everything but the weights themselves, which `EngineSet.preload` or the first job loads.

    Raises:
        DeviceUnavailableError: the asked-for device is not there.
        WeightsMissingError, WeightsCorruptError: the bundled geometry is not there or damaged.
    """
    # Frames are drawn side by side; OpenCV's own threads inside each call would only wait for each other.
    cv2.setNumThreads(1)
    # The matrices here are small, and a BLAS whose threads wait for the next one burns whole cores.
    threadpool_limits(1, user_api="blas")
    # Decoder and encoder need the interpreter for microseconds, but would wait 5 ms for each while frames are
    # planned.
    sys.setswitchinterval(SWITCH_SECONDS)
    device = choose_device(settings.device, TorchCuda())
    manifest = Manifest.load(settings.models_dir, settings.cache_dir, settings.model_cache_dir)
    registry = ModelRegistry(CATALOG, manifest, torch.device(device.name), settings.precision, on_models)
    cache = TemplateCache(settings.cache_dir / "templates", settings.template_cache_bytes)
    engine = _mesh_engine(registry, manifest, cache, device, drawing_threads(settings.high_performance))
    return EngineSet(registry, cache, device, {engine.name: engine}, engine.library.forget)


def _mesh_engine(
    registry: ModelRegistry, manifest: Manifest, cache: TemplateCache, device: Device, threads: int
) -> MeshEngine:
    face = CanonicalFace.load(manifest.verify(FACE_LANDMARKER).folder / "canonical_face.npz")
    stored = load_file(manifest.verify(MOUTH_REPAIR).folder / "shapes.safetensors")
    shapes = np.zeros((len(stored["displacement"]), VERTEX_COUNT, 3), np.float32)
    shapes[:, stored["vertex_ids"]] = stored["displacement"]
    mesh, models = DrawMesh.of(face), MeshModels(registry)
    maker = MouthMaker(mesh, MouthPainter(models, mesh, face), shapes, face.eye_distance)
    return MeshEngine(
        models=models,
        face=face,
        library=PortraitLibrary(cache, models, maker, face),
        renderer=FrameRenderer(mesh, face, *frame_drawers(mesh, device, threads)),
        rehearsal_clip=REHEARSAL_CLIP,
    )


def frame_drawers(mesh: DrawMesh, device: Device, threads: int) -> tuple[FrameDrawer, FrameDrawer]:
    """Frames are drawn where the models run; those of living photos, which move as a whole, on the CPU."""
    on_threads = ThreadDrawer(mesh, threads)
    if device.kind == "cuda":
        return DeviceDrawer(mesh, torch.device(device.name)), on_threads
    return on_threads, on_threads


def drawing_threads(high_performance: bool) -> int:
    """Threads that draw frames. Decoding and encoding need the other cores, and other programs too.

    With `high_performance` HeyGem is alone on the machine: twice as many.
    """
    cores = len(os.sched_getaffinity(0))
    return max(1, min(cores if high_performance else cores // 2, MOST_DRAWING_THREADS))
