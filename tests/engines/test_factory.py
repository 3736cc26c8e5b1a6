"""Flags that reach the engines: each test fails if its flag is ignored."""

import shutil
from pathlib import Path

import pytest

from heygem.engines.factory import EngineSet, build_engines
from heygem.engines.mesh.drawer import ThreadDrawer
from heygem.engines.mesh.engine import MeshEngine
from heygem.errors import DeviceUnavailableError, WeightsCorruptError
from heygem.hardware.device import TorchCuda
from heygem.models.catalog import MOTION, MOUTH_REPAIR, SPEECH_ENCODER
from heygem.models.motion import MotionNet
from heygem.models.mouth import MouthRepairNet
from heygem.models.speech import WhisperEncoder
from heygem.models.status import ModelState
from heygem.settings import PROJECT_ROOT, Settings


def built(folder: Path, *flags: str) -> EngineSet:
    settings = Settings.from_args(list(flags), {"HEYGEM_CACHE_DIR": str(folder / "cache")})
    return build_engines(settings, lambda _: None)


def test_nothing_is_loaded_by_building(tmp_path: Path) -> None:
    registry = built(tmp_path, "--device", "cpu").registry
    assert {status.state for status in registry.statuses()} == {ModelState.ABSENT}
    assert sum(registry.weight_bytes_read.values()) == 0


def test_precision_halves_the_weights(tmp_path: Path) -> None:
    exact = built(tmp_path, "--device", "cpu").registry.get(MOUTH_REPAIR, MouthRepairNet)
    half = built(tmp_path, "--device", "cpu", "--precision", "bf16").registry.get(
        MOUTH_REPAIR, MouthRepairNet
    )
    assert half.bytes_resident * 2 == exact.bytes_resident


def test_int8_is_for_those_whose_goldens_allow_it(tmp_path: Path) -> None:
    registry = built(tmp_path, "--device", "cpu", "--precision", "int8").registry
    encoder = registry.get(SPEECH_ENCODER, WhisperEncoder)
    exact_bytes = (PROJECT_ROOT / "models" / SPEECH_ENCODER / "model.safetensors").stat().st_size * 2
    assert encoder.bytes_resident < 0.5 * exact_bytes  # stored in fp16
    registry.get(MOTION, MotionNet)
    chosen = {status.name: status.precision for status in registry.statuses() if status.precision}
    assert chosen == {SPEECH_ENCODER: "int8", MOTION: "fp32"}


def test_high_performance_draws_on_more_threads(tmp_path: Path) -> None:
    def threads(*flags: str) -> int:
        engine = built(tmp_path, "--device", "cpu", *flags).engines["mesh"]
        assert isinstance(engine, MeshEngine)
        assert isinstance(engine.renderer.drawer, ThreadDrawer)
        return engine.renderer.drawer.threads

    assert threads("--high-performance") > threads()


def test_the_model_cache_is_searched_first(tmp_path: Path) -> None:
    cache = tmp_path / "shared models"
    shutil.copytree(PROJECT_ROOT / "models" / MOTION, cache / MOTION)
    weights = cache / MOTION / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    registry = built(tmp_path, "--device", "cpu", "--model-cache-dir", str(cache)).registry
    with pytest.raises(WeightsCorruptError, match="shared models"):
        registry.get(MOTION, MotionNet)


@pytest.mark.skipif(TorchCuda().device_count() > 0, reason="this machine has a GPU")
def test_a_gpu_that_is_not_there_is_never_replaced_in_silence(tmp_path: Path) -> None:
    with pytest.raises(DeviceUnavailableError, match="--device auto"):
        built(tmp_path, "--device", "cuda")
    assert built(tmp_path, "--device", "auto").device.note
