"""`python -m heygem doctor`: what is installed, found, warm and wrong here, and what to do about it."""

import http.client
import json
import platform
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from importlib.metadata import PackageNotFoundError, version
from os import environ
from pathlib import Path

import numpy as np

import heygem
from heygem.console import byte_size, say
from heygem.engines.status import EngineState
from heygem.errors import HeyGemError
from heygem.hardware.device import TorchCuda, choose_device
from heygem.hardware.gpu import GpuMonitor
from heygem.hardware.memory import disk_free_bytes, read_ram
from heygem.hardware.nvml import DriverNvml
from heygem.jobs.engine_set import EngineBuilder
from heygem.media.check import check_video
from heygem.media.types import OutputVideo, YuvFrame
from heygem.media.writer import VideoWriter
from heygem.models.manifest import Manifest
from heygem.models.status import ModelState
from heygem.private_studio import load_engine
from heygem.settings import PROJECT_ROOT, Settings

LEAST_FREE_DISK_BYTES = 2 * 1024**3
ANSWER_SECONDS = 5.0
REINSTALL = "Run ./start_app.sh, which installs what is missing."


class Level(StrEnum):
    """How a finding is to be taken."""

    OK = "ok"
    NOTE = "note"
    WRONG = "WRONG"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `remedy` is set when something is to be done."""

    level: Level
    text: str
    remedy: str = ""


Check = Callable[[Settings], Iterable[Finding]]


def run_doctor(settings: Settings, build_engines: EngineBuilder | None = None, *, load: bool = False) -> int:
    """Look at everything, say what is found, and return 1 if something is wrong, else 0.

    Args:
        load: also load and warm every model in this process.
    """
    chapters: list[tuple[str, list[Check]]] = [
        ("Installed", [check_packages, check_encoder]),
        ("Found", [check_device, check_weights, check_folders]),
        ("Warm", [check_server]),
    ]
    if load:
        chapters[-1][1].append(lambda settings: check_loading(settings, build_engines))
    wrong: list[Finding] = []
    for title, checks in chapters:
        say(f"\n{title}")
        for check in checks:
            for finding in check(settings):
                say(f"  {finding.level.value:6} {finding.text}")
                wrong += [finding] if finding.level is Level.WRONG else []
    _say_remedies(wrong)
    return int(bool(wrong))


def check_packages(
    settings: Settings, requirements: Path = PROJECT_ROOT / "requirements.txt"
) -> Iterator[Finding]:
    """Versions of this program, of Python and of every pinned package."""
    yield Finding(
        Level.OK, f"HeyGem {heygem.__version__}, Python {platform.python_version()}, {platform.platform()}"
    )
    for line in requirements.read_text(encoding="utf-8").splitlines():
        name, separator, wanted = line.partition("==")
        if separator:
            yield _package(name, wanted)


def check_encoder(settings: Settings) -> Iterator[Finding]:
    """Whether a video can be written here and read again."""
    output = OutputVideo(64, 64, Fraction(25), frame_count=2)
    grey = YuvFrame(*(np.full((size, size), 128, np.uint8) for size in (64, 32, 32)))
    with tempfile.TemporaryDirectory(prefix="heygem-") as folder:
        path = Path(folder, "grey.mp4")
        try:
            with VideoWriter(path, output, audio_path=None) as writer:
                writer.write(grey)
                writer.write(grey)
            check_video(path, output.frame_count, output.fps, with_audio=False)
        except HeyGemError as error:
            yield Finding(Level.WRONG, f"videos cannot be made: {error}", REINSTALL)
        else:
            yield Finding(Level.OK, "videos can be made (H.264)")


def check_device(settings: Settings) -> Iterator[Finding]:
    """RAM, the GPU as its driver sees it, and the device the engine would take."""
    ram = read_ram()
    yield Finding(Level.OK, f"RAM: {byte_size(ram.free_bytes)} free of {byte_size(ram.total_bytes)}")
    gpu = GpuMonitor(DriverNvml(), 0, environ).read()
    if gpu is not None:
        free_bytes = gpu.free_vram_bytes.value
        free = "free memory unknown" if free_bytes is None else f"{byte_size(free_bytes)} free"
        yield Finding(Level.OK, f"GPU: {gpu.name}, {free}")
    try:
        device = choose_device(settings.device, TorchCuda())
    except HeyGemError as error:
        yield Finding(Level.WRONG, f"device {settings.device} cannot be used", str(error))
        return
    if gpu is not None and device.kind == "cpu" and settings.device == "auto":
        remedy = "Delete .venv and run ./start_app.sh again; if that does not help, update the NVIDIA driver."
        yield Finding(Level.WRONG, f"the GPU would not be used: {device.note}", remedy)
    else:
        yield Finding(Level.OK, f"the engine runs on {device.name}. {device.note}".rstrip())


def check_weights(settings: Settings) -> Iterator[Finding]:
    """Every weight file of the manifest, read again and compared."""
    try:
        manifest = Manifest.load(settings.models_dir, settings.cache_dir, settings.model_cache_dir)
    except HeyGemError as error:
        yield Finding(Level.WRONG, "no manifest of weights", str(error))
        return
    for model in dict.fromkeys(file.model for file in manifest.files):
        try:
            verified = manifest.verify(model, rehash=True)
        except HeyGemError as error:
            yield Finding(Level.WRONG, f"weights of {model} cannot be used", str(error))
        else:
            size = byte_size(verified.bytes_on_disk)
            yield Finding(Level.OK, f"weights of {model}: {size} in {verified.folder}, checksums right")


def check_folders(settings: Settings) -> Iterator[Finding]:
    """Whether HeyGem can write where it must, and how much fits."""
    for what, folder in (
        ("results", settings.output_dir),
        ("jobs", settings.data_dir),
        ("cache", settings.cache_dir),
    ):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                free_bytes = disk_free_bytes(folder)
        except OSError as error:
            remedy = f"Make {folder} writable, or choose another folder."
            yield Finding(Level.WRONG, f"{what}: {folder} cannot be written ({error.strerror})", remedy)
            continue
        text = f"{what}: {folder}, {byte_size(free_bytes)} free"
        if free_bytes < LEAST_FREE_DISK_BYTES:
            yield Finding(Level.WRONG, text, f"Free some space on the disk of {folder}.")
        else:
            yield Finding(Level.OK, text)


def check_server(settings: Settings) -> Iterator[Finding]:
    """Whether a server runs at this host and port, and what it says of itself."""
    address = f"http://{settings.host}:{settings.port}"
    connection = http.client.HTTPConnection(settings.host, settings.port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", "/readyz")
        answer = json.loads(connection.getresponse().read())
        ready, state, reasons = bool(answer["ready"]), str(answer["state"]), list(answer["reasons"])
    except ConnectionRefusedError:
        yield Finding(
            Level.NOTE, f"no server runs at {address}; ./start_app.sh starts one (other ports: --port)"
        )
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
        remedy = "Stop the program that has this port, or choose another with --port."
        yield Finding(Level.WRONG, f"what runs at {address} is not HeyGem, or hangs", remedy)
    else:
        yield from _server_findings(address, ready, state, reasons)
    finally:
        connection.close()


def check_loading(settings: Settings, build_engines: EngineBuilder | None = None) -> Iterator[Finding]:
    """Load and warm every model in this process."""
    status = load_engine(settings, build_engines)
    for model in status.models:
        seconds = model.verify_seconds + model.load_seconds + model.warm_seconds
        level = Level.OK if model.state is ModelState.READY else Level.NOTE
        yield Finding(level, f"{model.name}: {model.state.value} after {seconds:.1f} s")
    if status.state is EngineState.READY:
        yield Finding(Level.OK, f"loaded here on {status.device} in {status.ready_seconds or 0.0:.1f} s")
    else:
        yield Finding(Level.WRONG, "the engine does not come up here", status.problem)


def _package(name: str, wanted: str) -> Finding:
    try:
        found = version(name)
    except PackageNotFoundError:
        return Finding(Level.WRONG, f"{name} is not installed", REINSTALL)
    if found.partition("+")[0] != wanted:
        return Finding(Level.NOTE, f"{name} {found}; tested with {wanted}")
    return Finding(Level.OK, f"{name} {found}")


def _server_findings(address: str, ready: bool, state: str, reasons: list[str]) -> Iterator[Finding]:
    if ready:
        yield Finding(Level.OK, f"the server at {address} is {state}: every model is warm")
    elif state == EngineState.FAILED:
        remedy = "; ".join(reasons)
        yield Finding(Level.WRONG, f"the engine of the server at {address} failed", remedy)
    else:
        yield Finding(Level.NOTE, f"the server at {address} is {state}: {'; '.join(reasons)}")


def _say_remedies(wrong: list[Finding]) -> None:
    if not wrong:
        say("\nNothing is wrong.")
        return
    say("\nWrong")
    for finding in wrong:
        say(f"  {finding.text}\n    -> {finding.remedy}")
