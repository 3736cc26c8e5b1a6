"""The library as people use it: add, rename, delete, prepare ahead."""

from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock

from heygem.assets.catalog import DEFAULT_TEMPLATES, Language
from heygem.errors import LibraryError
from heygem.hardware.memory import folder_bytes
from heygem.jobs.archive import JobArchive
from heygem.jobs.checks import InputCheck
from heygem.jobs.errands import ErrandList
from heygem.jobs.uploads import UploadStore
from heygem.library.pictures import write_preview, write_still
from heygem.library.preparing import (
    ATTEMPT_LIMIT,
    PrepareTemplate,
    errand_key,
    footage_of,
    preview_path,
    still_path,
)
from heygem.library.store import TemplateStore
from heygem.library.template import Template
from heygem.settings import Settings

LONGEST_NAME = 80


@dataclass(frozen=True, slots=True)
class CacheUse:
    """How well preparing ahead pays."""

    prepared: int  # templates of the library
    total: int
    bytes_on_disk: int
    max_bytes: int
    hits: int  # of the last `jobs` jobs: their template was prepared already
    jobs: int


class TemplateLibrary:
    """Thread-safe. Files of added templates lie in a folder of their own, named by content."""

    def __init__(
        self, settings: Settings, store: TemplateStore, archive: JobArchive, errands: ErrandList
    ) -> None:
        self._settings = settings
        self._check = InputCheck(settings)
        self._store = store
        self._archive = archive
        self._errands = errands
        self._files = UploadStore(settings.library_dir)
        self._lock = Lock()  # around the files

    def all(self) -> tuple[Template, ...]:
        """Those that came with HeyGem, then the others, the newest first."""
        return self._store.all()

    def get(self, template_id: str) -> Template:
        """One template.

        Raises:
            TemplateNotFoundError
        """
        return self._store.get(template_id)

    def add(self, path: Path, name: str = "") -> Template:
        """Keep a video or photo, and prepare it when no job waits. A known file gives its template.

        Raises:
            MediaError: it cannot be used; says why.
            DiskFullError: there is no room for it.
        """
        info = self._check.template(path)
        with self._lock:
            kept = self._files.keep(path)
            template = self._store.find_path(kept)
            if template is None:
                own = replace(info, path=kept)
                write_still(own, 0, still_path(kept))
                if not info.is_photo:
                    write_preview(own, preview_path(kept))
                template = self._store.add(kept, _short(name or path.stem), footage_of(info))
        self.prepare(template.id)
        return template

    def rename(self, template_id: str, name: str) -> None:
        """Call it something else.

        Raises:
            TemplateNotFoundError
            LibraryError: the name is empty.
        """
        self.get(template_id)
        if not name.strip():
            raise LibraryError("A template needs a name.")
        self._store.rename(template_id, _short(name))

    def delete(self, template_id: str) -> None:
        """Forget it and remove its files; jobs that use it have copies of their own.

        Raises:
            TemplateNotFoundError
            LibraryError: it came with HeyGem.
        """
        template = self.get(template_id)
        if template.is_default:
            raise LibraryError("The presenters that came with HeyGem stay.")
        self._errands.drop(errand_key(template_id))
        self._store.delete(template_id)
        with self._lock:
            for path in (template.path, still_path(template.path), preview_path(template.path)):
                path.unlink(missing_ok=True)

    def choose_face(self, template_id: str, point: tuple[float, float] | None) -> None:
        """Follow the face at (x, y) in 0..1 of the picture, or with None the main one again.

        Raises:
            TemplateNotFoundError
        """
        self.get(template_id)
        self._errands.drop(errand_key(template_id))
        self._store.choose_face(template_id, point)
        self.prepare(template_id)

    def prepare(self, template_id: str, *, now: bool = False) -> None:
        """Prepare it when no job waits, or with `now` before the next job.

        Raises:
            TemplateNotFoundError
        """
        template = self.get(template_id)
        if now:
            self._store.put_back(template_id)
            self._errands.drop(errand_key(template_id))
        self._errands.add(PrepareTemplate(self._store, template, goes_first=now))

    def prepare_all(self) -> None:
        """What was never prepared, and what may have to be renewed; not what was evicted."""
        for template in self._store.all():
            never = template.look is None and not template.error_message
            if template.attempts < ATTEMPT_LIMIT and (never or self.is_prepared(template)):
                self.prepare(template.id)

    def is_prepared(self, template: Template) -> bool:
        """Whether a job would find it prepared."""
        key = template.asset_key
        return template.look is not None and (self._settings.templates_dir / key).is_dir() and bool(key)

    def is_preparing(self, template_id: str) -> bool:
        """Whether it is being prepared now."""
        return self._errands.running == errand_key(template_id)

    def will_prepare(self, template_id: str) -> bool:
        """Whether it will be prepared when there is time."""
        return errand_key(template_id) in self._errands

    @property
    def at_work(self) -> str:
        """Changes when preparing or checking begins or ends."""
        return self._errands.running

    def cache_use(self) -> CacheUse:
        """How well preparing ahead pays."""
        templates = self._store.all()
        hits, jobs = self._archive.template_hits()
        return CacheUse(
            prepared=sum(map(self.is_prepared, templates)),
            total=len(templates),
            bytes_on_disk=folder_bytes(self._settings.templates_dir),
            max_bytes=self._settings.template_cache_bytes,
            hits=hits,
            jobs=jobs,
        )

    def still(self, template: Template) -> Path:
        """A JPEG of it."""
        default = _DEFAULTS.get(template.id) if template.is_default else None
        return default.thumbnail_path if default else still_path(template.path)

    def preview(self, template: Template) -> Path:
        """A short clip of it; not there for a photo."""
        return template.path if template.is_default else preview_path(template.path)


_DEFAULTS = {default.name: default for default in DEFAULT_TEMPLATES}


def title_of(template: Template, language: Language) -> str:
    """What to call it."""
    default = _DEFAULTS.get(template.id)
    if template.name or default is None:
        return template.name
    return default.title_zh if language == "zh" else default.title_en


def _short(name: str) -> str:
    return name.strip()[:LONGEST_NAME]
