"""Every choice of one launch, read once from the command line and the environment, then frozen."""

import argparse
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self, get_args

from heygem.errors import SettingsError

Precision = Literal["auto", "fp32", "bf16", "fp16", "int8"]

PROJECT_ROOT = Path(__file__).resolve().parent.parent

MODEL_CACHE_VARIABLE = "HEYGEM_MODEL_CACHE"
DATA_DIR_VARIABLE = "HEYGEM_DATA_DIR"
CACHE_DIR_VARIABLE = "HEYGEM_CACHE_DIR"

_DEVICE = re.compile(r"auto|cpu|cuda(:\d+)?")


@dataclass(frozen=True, slots=True)
class Settings:
    """The choices of one launch. Folders are absolute; they are made by whoever writes into them first."""

    data_dir: Path  # jobs.db, uploads/ and the lock: what must survive a restart
    cache_dir: Path  # templates/, thumbnails/ and logs/: what can be made again
    model_cache_dir: Path  # weights shared between projects
    output_dir: Path = PROJECT_ROOT / "outputs"
    models_dir: Path = PROJECT_ROOT / "models"  # bundled weights
    host: str = "127.0.0.1"
    port: int = 7860
    device: str = "auto"  # "auto", "cpu", "cuda" or "cuda:<index>"
    precision: Precision = "auto"
    high_performance: bool = False
    preload: bool = True
    idle_unload_seconds: float = 0.0  # models go when nobody has used them so long; 0: never
    template_cache_bytes: int = 4 * 1024**3
    max_audio_seconds: float = 3600.0
    max_template_seconds: float = 1800.0
    max_pending_jobs: int = 1000
    retention_days: float = 7.0  # 0: results are kept for ever
    free_disk_reserve_bytes: int = 2 * 1024**3  # with less, jobs wait
    job_stall_seconds: float = 120.0  # a running job that shows no progress for so long is stuck

    @classmethod
    def from_args(cls, argv: Sequence[str], environ: Mapping[str, str]) -> Self:
        """Read the flags of `add_settings_arguments`; an unknown flag ends the program with code 2.

        Raises:
            SettingsError: a value cannot be used.
        """
        parser = argparse.ArgumentParser(
            prog="heygem", epilog="./start_app.sh also takes --daemon: it then runs in the background."
        )
        add_settings_arguments(parser)
        return cls.from_namespace(parser.parse_args(argv), environ)

    @classmethod
    def from_namespace(cls, arguments: argparse.Namespace, environ: Mapping[str, str]) -> Self:
        """Settings from a parser of the caller's own that `add_settings_arguments` has extended.

        A flag wins over its environment variable, which wins over the default.

        Raises:
            SettingsError: a value cannot be used.
        """
        cache_dir = _folder(None, environ.get(CACHE_DIR_VARIABLE), Path("~/.cache/heygem"))
        return cls(
            data_dir=_folder(
                arguments.data_dir, environ.get(DATA_DIR_VARIABLE), Path("~/.local/share/heygem")
            ),
            cache_dir=cache_dir,
            model_cache_dir=_folder(
                arguments.model_cache_dir, environ.get(MODEL_CACHE_VARIABLE), cache_dir / "models"
            ),
            output_dir=_folder(arguments.output_dir, None, PROJECT_ROOT / "outputs"),
            host=arguments.host,
            port=_port(arguments.port),
            device=_device(arguments.device),
            precision=arguments.precision,
            high_performance=arguments.high_performance,
            preload=arguments.preload,
            idle_unload_seconds=60 * _not_negative(arguments.idle_unload_minutes, "--idle-unload-minutes"),
            retention_days=_not_negative(arguments.retention_days, "--retention-days"),
            template_cache_bytes=_gigabytes(arguments.template_cache_gb),
        )

    @property
    def jobs_path(self) -> Path:
        """The job database."""
        return self.data_dir / "jobs.db"

    @property
    def uploads_dir(self) -> Path:
        """Inputs of jobs, by content."""
        return self.data_dir / "uploads"

    @property
    def library_dir(self) -> Path:
        """Templates that were added, by content."""
        return self.data_dir / "templates"

    @property
    def templates_dir(self) -> Path:
        """Prepared templates."""
        return self.cache_dir / "templates"

    @property
    def page_dir(self) -> Path:
        """What browsers have uploaded; jobs keep copies of their own."""
        return self.cache_dir / "page"

    @property
    def log_dir(self) -> Path:
        """Where app.log and startup.log go."""
        return self.cache_dir / "logs"


def add_settings_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags every command shares, so that they mean the same everywhere."""
    group = parser.add_argument_group("HeyGem")
    group.add_argument("--host", default="127.0.0.1", help="address to serve on (default: %(default)s)")
    group.add_argument("--port", type=int, default=7860, help="port to serve on (default: %(default)s)")
    group.add_argument(
        "--device", default="auto", help="auto, cpu, cuda or cuda:<index> (default: %(default)s)"
    )
    group.add_argument(
        "--precision", choices=get_args(Precision), default="auto", help="of the models' arithmetic"
    )
    group.add_argument(
        "--high-performance", action="store_true", help="spend memory and start time on faster jobs"
    )
    group.add_argument(
        "--preload",
        "--enable-preload",
        dest="preload",
        action="store_true",
        default=True,
        help="load and warm every model at start (default)",
    )
    group.add_argument("--no-preload", dest="preload", action="store_false", help="load models on first use")
    group.add_argument(
        "--idle-unload-minutes",
        type=float,
        default=0.0,
        help="give the models' memory back when nobody used them so long; 0: never (default: %(default)s)",
    )
    group.add_argument(
        "--model-cache-dir", help=f"weights shared between projects (or {MODEL_CACHE_VARIABLE})"
    )
    group.add_argument("--output-dir", help="where results go (default: outputs/ of the project)")
    group.add_argument("--data-dir", help=f"jobs and their inputs (or {DATA_DIR_VARIABLE})")
    group.add_argument(
        "--template-cache-gb",
        type=float,
        default=4.0,
        help="disk space for prepared templates; the least recently used go first (default: %(default)s)",
    )
    group.add_argument(
        "--retention-days",
        type=float,
        default=7.0,
        help="keep results so long; 0: for ever (default: %(default)s)",
    )


def _folder(flag: str | None, variable: str | None, default: Path) -> Path:
    """The first that is given, absolute."""
    folder = Path(flag or variable or default).expanduser().resolve()
    if folder.exists() and not folder.is_dir():
        raise SettingsError(
            f"{folder} is a file, but a folder is needed: choose another path.", path=str(folder)
        )
    return folder


def _port(port: int) -> int:
    if not 0 <= port <= 65535:
        raise SettingsError(f"Port {port} does not exist: choose one from 1 to 65535.", port=str(port))
    return port


def _device(device: str) -> str:
    if not _DEVICE.fullmatch(device):
        raise SettingsError(
            f"Device “{device}” is unknown: use auto, cpu, cuda or cuda:<index>.", device=device
        )
    return device


def _not_negative(value: float, flag: str) -> float:
    if not value >= 0:
        raise SettingsError(f"{flag} must be 0 or more; 0 means never.", value=str(value))
    return value


def _gigabytes(size: float) -> int:
    if not size > 0:
        raise SettingsError("--template-cache-gb must be more than 0.", size=str(size))
    return round(size * 1024**3)
