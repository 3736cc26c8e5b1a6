"""Builds the engines with all they need. Imports torch, so it is imported on the engine thread only."""

import gc
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import load_file
from threadpoolctl import threadpool_limits

from heygem.assets.catalog import REHEARSAL_CLIP
from heygem.engines.base import LipSyncEngine
from heygem.engines.mesh.device.drawer import DeviceDrawer
from heygem.engines.mesh.drawer import FrameDrawer, ThreadDrawer
from heygem.engines.mesh.engine import MeshEngine
from heygem.engines.mesh.geometry import DrawMesh
from heygem.engines.mesh.hearing import HeardSpeech
from heygem.engines.mesh.library import PortraitLibrary
from heygem.engines.mesh.models import MeshModels
from heygem.engines.mesh.mouth_maker import MouthMaker
from heygem.engines.mesh.painter import MouthPainter
from heygem.engines.mesh.render import FrameRenderer
from heygem.hardware.device import Device, TorchCuda, choose_device
from heygem.hardware.device_memory import device_memory
from heygem.hardware.memory import limit_arenas, trim_heaps
from heygem.models.catalog import CATALOG, FACE_LANDMARKER, MOUTH_REPAIR, placed_specs
from heygem.models.compiling import keep_compiled_code
from heygem.models.manifest import Manifest
from heygem.models.registry import ModelRegistry
from heygem.models.status import ModelState, ModelStatus
from heygem.settings import Settings
from heygem.templates.cache import TemplateCache
from heygem.templates.canonical import VERTEX_COUNT, CanonicalFace

MOST_DRAWING_THREADS = 8
SWITCH_SECONDS = 0.0005
HEAPS = 2


@dataclass(frozen=True, slots=True)
class EngineSet:
    """What the engine thread works with."""

    registry: ModelRegistry
    template_cache: TemplateCache
    device: Device
    engines: dict[str, LipSyncEngine]
    forget: Callable[[], None]  # drops portraits and speech held in memory
    model_names: Mapping[str, tuple[str, ...]]  # which models each engine works with

    def preload(self) -> None:
        """Load, warm and check every model, then make one tiny job with each engine.

        Raises:
            ModelError, DeviceError: something required did not come up.
        """
        self.registry.preload_all()
        for engine in self.engines.values():
            engine.rehearse()

    def leased(self, engine: str) -> AbstractContextManager[None]:
        """See `heygem.jobs.engine_set.EngineSet`; the engine's models are those of the catalogue."""
        return self.registry.lease(*self.model_names[engine])

    def tidy(self) -> None:
        """Heaps grow from job to job. On a CPU they stay as they are: layers take again what heaps keep."""
        if self.device.kind == "cuda":
            trim_heaps()

    def relieve(self) -> None:
        """The device is full: drop what is neither required nor in use, and clear the caches."""
        self.registry.drop_idle()
        self.clear_caches()

    def let_go(self) -> None:
        """Nobody has used the models for long: each loads again when it is needed."""
        for status in self.registry.statuses():
            if status.state is ModelState.READY:
                self.registry.unload(status.name, note="unloaded: not used for long")
        self._give_back()

    def unload_model(self, name: str) -> int:
        """Forget one model; returns the bytes its device got back."""
        return self.registry.unload(name, note="unloaded on request").freed_bytes

    def reload_model(self, name: str) -> None:
        """Have one model anew from its files."""
        self.registry.reload(name)

    def clear_caches(self) -> None:
        """Give back what no job holds: templates, and blocks that allocators keep. Models stay."""
        self.template_cache.clear_unleased()
        self._give_back()

    def _give_back(self) -> None:
        """Forget what earlier jobs left in memory, and let the allocators have none of it."""
        self.forget()
        gc.collect()
        trim_heaps()
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
    limit_arenas(HEAPS)  # threads come and go with every job
    device = choose_device(settings.device, TorchCuda())
    manifest = Manifest.load(settings.models_dir, settings.cache_dir, settings.model_cache_dir)
    registry = _registry(settings, device, manifest, on_models)
    cache = TemplateCache(settings.cache_dir / "templates", settings.template_cache_bytes)
    engine = _mesh_engine(registry, manifest, cache, device, drawing_threads(settings.high_performance))
    names = {engine.name: tuple(spec.name for spec in CATALOG)}
    return EngineSet(registry, cache, device, {engine.name: engine}, engine.forget, names)


def _registry(
    settings: Settings,
    device: Device,
    manifest: Manifest,
    on_models: Callable[[tuple[ModelStatus, ...]], None],
) -> ModelRegistry:
    """Compiling pays on a GPU only: on a CPU the nets are bound by the same libraries either way."""
    memory = device_memory(device)
    compiles = settings.high_performance and device.kind == "cuda"
    if compiles:
        keep_compiled_code(settings.cache_dir, memory.name)
    return ModelRegistry(
        (*CATALOG, *placed_specs(manifest)),
        manifest,
        torch.device(device.name),
        settings.precision,
        on_models,
        memory=memory,
        needs_path=settings.cache_dir / "needs.json",
        compiles=compiles,
    )


def _mesh_engine(
    registry: ModelRegistry, manifest: Manifest, cache: TemplateCache, device: Device, threads: int
) -> MeshEngine:
    face = CanonicalFace.load(manifest.verify(FACE_LANDMARKER).folder / "canonical_face.npz")
    stored = load_file(manifest.verify(MOUTH_REPAIR).folder / "shapes.safetensors")
    shapes, smile = (_on_all_vertices(stored, name) for name in ("displacement", "smile"))
    mesh, models = DrawMesh.of(face), MeshModels(registry)
    maker = MouthMaker(mesh, MouthPainter(models, mesh, face), shapes, face.eye_distance)
    return MeshEngine(
        models=models,
        face=face,
        library=PortraitLibrary(cache, models, maker, face),
        renderer=FrameRenderer(mesh, face, smile, frame_drawer(mesh, device, threads)),
        rehearsal_clip=REHEARSAL_CLIP,
        heard=HeardSpeech(),
    )


def _on_all_vertices(stored: Mapping[str, NDArray[Any]], name: str) -> NDArray[np.float32]:
    """(...,265,3) displacement of the lower face -> (...,468,3), zero elsewhere."""
    lower = stored[name]
    whole = np.zeros((*lower.shape[:-2], VERTEX_COUNT, 3), np.float32)
    whole[..., stored["vertex_ids"], :] = lower
    return whole


def frame_drawer(mesh: DrawMesh, device: Device, threads: int) -> FrameDrawer:
    """Frames are drawn where the models run."""
    if device.kind == "cuda":
        return DeviceDrawer(mesh, torch.device(device.name))
    return ThreadDrawer(mesh, threads)


def drawing_threads(high_performance: bool) -> int:
    """Threads that draw frames. Decoding and encoding need the other cores, and other programs too.

    With `high_performance` HeyGem is alone on the machine: twice as many.
    """
    cores = len(os.sched_getaffinity(0))
    return max(1, min(cores if high_performance else cores // 2, MOST_DRAWING_THREADS))
