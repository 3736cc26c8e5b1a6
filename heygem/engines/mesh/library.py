"""Prepared portraits by content: memory first, then the cache on disk, then the long way through the clip."""

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from hashlib import sha256
from pathlib import Path

import numpy as np

from heygem.engines.base import JobContext
from heygem.engines.mesh.bank import MouthBank
from heygem.engines.mesh.calibration import MouthEye
from heygem.engines.mesh.models import MeshModels
from heygem.engines.mesh.mouth_maker import MouthMaker, pack_bank, unpack_bank
from heygem.engines.mesh.portrait import Portrait
from heygem.media.container import check_readable
from heygem.media.frames import FrameSource
from heygem.media.probe import probe_video
from heygem.media.types import VideoInfo
from heygem.templates.cache import Arrays, TemplateCache, content_hash
from heygem.templates.canonical import CanonicalFace
from heygem.templates.cover import CoverWatch
from heygem.templates.face_track import FaceTrack
from heygem.templates.tracker import FaceTracker

# Raised whenever prepared assets would come out differently; older entries are then made anew.
ASSET_VERSION = 20
PORTRAITS_IN_MEMORY = 4
REHEARSED_SHAPES = 3


@dataclass(frozen=True, slots=True)
class PreparedPortrait:
    """A template ready to speak."""

    key: str
    info: VideoInfo
    portrait: Portrait
    bank: MouthBank
    was_prepared: bool

    def at(self, path: Path) -> "PreparedPortrait":
        """The same template, whose file is now at `path`."""
        return replace(self, info=replace(self.info, path=path))


class PortraitLibrary:
    """Lives on the engine thread."""

    def __init__(
        self, cache: TemplateCache, models: MeshModels, maker: MouthMaker, face: CanonicalFace
    ) -> None:
        self._cache = cache
        self._models = models
        self._maker = maker
        self._face = face
        self._memory: OrderedDict[str, PreparedPortrait] = OrderedDict()

    def for_rehearsal(self, cache: TemplateCache) -> "PortraitLibrary":
        """The same models over another cache, with nothing in memory; paints a few mouths instead of all."""
        maker = replace(self._maker, shapes=self._maker.shapes[:REHEARSED_SHAPES])
        return PortraitLibrary(cache, self._models, maker, self._face)

    def forget(self) -> None:
        """Drop what is in memory; the disk keeps its copy."""
        self._memory.clear()

    @contextmanager
    def lease(
        self, template_path: Path, face_point: tuple[float, float] | None, context: JobContext
    ) -> Iterator[PreparedPortrait]:
        """The prepared template, held against eviction while the block runs.

        Raises:
            MediaError, FaceError: the template cannot be used.
        """
        check_readable(template_path)
        key = asset_key(template_path, face_point)
        with self._cache.lease(key):
            remembered = self._memory.get(key)
            prepared = remembered.at(template_path) if remembered else self._from_disk(key, template_path)
            if prepared is None:
                prepared = self._prepare(key, template_path, face_point, context)
            self._remember(replace(prepared, was_prepared=True))
            yield prepared

    def _remember(self, prepared: PreparedPortrait) -> None:
        self._memory[prepared.key] = prepared
        self._memory.move_to_end(prepared.key)
        while len(self._memory) > PORTRAITS_IN_MEMORY:
            self._memory.popitem(last=False)

    def _from_disk(self, key: str, path: Path) -> PreparedPortrait | None:
        track, bank = self._cache.read(key, "track"), self._cache.read(key, "bank")
        if track is None or bank is None:
            return None
        seen = FaceTrack(**{field.name: track[field.name] for field in fields(FaceTrack)})
        portrait = Portrait.of(seen, self._face, self._maker.mesh)
        return PreparedPortrait(key, probe_video(path), portrait, unpack_bank(bank), was_prepared=True)

    def _prepare(
        self, key: str, path: Path, face_point: tuple[float, float] | None, context: JobContext
    ) -> PreparedPortrait:
        info = probe_video(path)
        track = self._track(info, face_point, context)
        portrait = Portrait.of(track, self._face, self._maker.mesh)
        bank = self._maker.fill(portrait, info, lambda done, total: context.report("template", done, total))
        eye = MouthEye(info, self._models.landmarker, self._maker.mesh, self._face)
        keys = replace(bank.keys, closed_look=eye.closed_looks(portrait, bank))
        bank = replace(bank, keys=keys, opening_gain=eye.seen_opening_gain(portrait, bank))
        assets: Arrays = {field.name: getattr(track, field.name) for field in fields(FaceTrack)}
        self._cache.write(key, "track", assets)
        self._cache.write(key, "bank", pack_bank(bank))
        return PreparedPortrait(key, info, portrait, bank, was_prepared=False)

    def _track(
        self, info: VideoInfo, face_point: tuple[float, float] | None, context: JobContext
    ) -> FaceTrack:
        watch = CoverWatch(self._models.cover, self._face)
        tracker = FaceTracker(self._models.landmarker, info.colour, face_point, watch)
        with FrameSource(info) as source:
            # A photo's source repeats its picture for ever; one look is enough.
            frames = source.read() if not info.is_photo else source.read_schedule([0])
            return tracker.track(frames, lambda done: context.report("template", done, info.frame_count))


def asset_key(template_path: Path, face_point: tuple[float, float] | None) -> str:
    """Names prepared assets by what they are made from: content, chosen face, version of the method."""
    choice = "main" if face_point is None else np.array2string(np.round(face_point, 3))
    return sha256(f"{content_hash(template_path)}|{choice}|{ASSET_VERSION}".encode()).hexdigest()
