"""From files to a resident model, step by step, with nets of eight weights."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import nn

from heygem.errors import (
    GoldenMismatchError,
    ModelError,
    SettingsError,
    WeightsCorruptError,
    WeightsMissingError,
)
from heygem.models.catalog import CATALOG
from heygem.models.golden import GOLDEN_NAME, fingerprint, read_goldens, write_goldens
from heygem.models.manifest import MANIFEST_NAME, Manifest
from heygem.models.registry import ModelRegistry, ModelSpec
from heygem.models.resident import LoadContext, Precision, ResidentModel
from heygem.models.status import ModelState, ModelStatus

CPU = torch.device("cpu")
CUDA = torch.device("cuda", 0)
WEIGHT_BYTES = 4 * 8  # a matrix of 3 x 2 and its bias


class TinyModel:
    """A real net, as small as one can be."""

    buckets = ("batch-1", "batch-2")

    def __init__(self, context: LoadContext) -> None:
        self.context = context
        self._net = nn.Linear(3, 2)
        self._net.load_state_dict(load_file(context.folder / "model.safetensors"))

    @property
    def bytes_resident(self) -> int:
        return sum(weight.nbytes for weight in self._net.parameters())

    @torch.inference_mode()
    def warm(self, bucket: str) -> NDArray[np.float32]:
        count = int(bucket.removeprefix("batch-"))
        output: NDArray[np.float32] = self._net(torch.arange(3.0 * count).reshape(count, 3)).numpy()
        return output


class OtherModel(TinyModel):
    """Not the kind a caller means."""


def refuse_to_load(context: LoadContext) -> ResidentModel:
    raise RuntimeError("out of memory")  # as torch does when a GPU is full


def spec(name: str, required: bool = True) -> ModelSpec:
    return ModelSpec(name, name.title(), required, TinyModel, {"fp32": 1e-4, "bf16": 1e-2})


class Bench:
    """A models folder of tiny models, and registries over it that write down every status they report."""

    def __init__(self, folder: Path) -> None:
        self.models_dir = folder / "models"
        self.models_dir.mkdir()
        (self.models_dir / MANIFEST_NAME).write_text("file = []\n", encoding="utf-8")
        self._cache_dir = folder / "cache"
        self._tables: dict[str, str] = {}
        self.history: list[tuple[ModelStatus, ...]] = []

    def put(self, name: str, fill: float | None = None) -> None:
        """Write (anew) the weights of a model, random or all `fill`, their goldens and the manifest."""
        path = self.models_dir / name / "model.safetensors"
        path.parent.mkdir(exist_ok=True)
        net = nn.Linear(3, 2)
        if fill is not None:
            for weight in net.parameters():
                nn.init.constant_(weight, fill)
        save_file(net.state_dict(), path)
        model = TinyModel(LoadContext(path.parent, CPU, "fp32"))
        write_goldens(path.parent, {bucket: fingerprint(model.warm(bucket)) for bucket in model.buckets})
        self._list(name, path)

    def registry(self, *specs: ModelSpec, precision: str = "auto") -> ModelRegistry:
        manifest = Manifest.load(self.models_dir, self._cache_dir)
        return ModelRegistry(specs, manifest, CPU, precision, self.history.append)

    def states(self, name: str) -> list[ModelState]:
        """The states a model went through, each once."""
        statuses = (status for statuses in self.history for status in statuses if status.name == name)
        return [state for state, _ in groupby(status.state for status in statuses)]

    def _list(self, name: str, path: Path) -> None:
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        size = path.stat().st_size
        self._tables[name] = (
            f'[[file]]\nmodel = "{name}"\npath = "{name}/model.safetensors"\nsha256 = "{sha256}"\n'
            f'bytes = {size}\nlicence = "Apache-2.0"\nsource = "made by a test"\n'
        )
        (self.models_dir / MANIFEST_NAME).write_text("\n".join(self._tables.values()), encoding="utf-8")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    torch.manual_seed(0)
    return Bench(tmp_path)


def status_of(registry: ModelRegistry, name: str) -> ModelStatus:
    (status,) = (status for status in registry.statuses() if status.name == name)
    return status


def test_states_come_in_order(bench: Bench) -> None:
    bench.put("ears")
    bench.put("eyes")
    registry = bench.registry(spec("ears"), spec("eyes"))
    assert [status.state for status in registry.statuses()] == [ModelState.ABSENT] * 2
    registry.preload_all()
    life = [ModelState.VERIFYING, ModelState.LOADING, ModelState.WARMING, ModelState.READY]
    assert bench.states("ears") == [ModelState.ABSENT, *life]
    assert bench.states("eyes") == [ModelState.ABSENT, *life]
    assert bench.history[-1] == registry.statuses()


def test_a_ready_model_says_what_it_is(bench: Bench) -> None:
    bench.put("ears")
    registry = bench.registry(spec("ears"))
    registry.preload_all()
    status = status_of(registry, "ears")
    assert (status.title, status.required, status.problem) == ("Ears", True, "")
    assert (status.warmed_buckets, status.golden_ok) == (TinyModel.buckets, True)
    assert status.bytes_resident == WEIGHT_BYTES
    assert status.bytes_on_disk == (bench.models_dir / "ears" / "model.safetensors").stat().st_size
    assert min(status.verify_seconds, status.load_seconds, status.warm_seconds) > 0


def test_warmed_shapes_are_reported_one_by_one(bench: Bench) -> None:
    bench.put("ears")
    bench.registry(spec("ears")).preload_all()
    warmed = [buckets for buckets, _ in groupby(statuses[0].warmed_buckets for statuses in bench.history)]
    assert warmed == [(), ("batch-1",), ("batch-1", "batch-2")]


Goldens = dict[str, NDArray[np.float32]]


def spoil_one_value(goldens: Goldens) -> None:
    goldens["batch-2"][0] += 0.1


def cut_one_value(goldens: Goldens) -> None:
    goldens["batch-2"] = goldens["batch-2"][1:]


def drop_one_bucket(goldens: Goldens) -> None:
    del goldens["batch-2"]


@pytest.mark.parametrize("spoil", [spoil_one_value, cut_one_value, drop_one_bucket])
@pytest.mark.parametrize("required", [True, False])
def test_a_golden_that_does_not_match_blocks_ready(
    bench: Bench, spoil: Callable[[Goldens], None], required: bool
) -> None:
    bench.put("ears")
    goldens = dict(read_goldens(bench.models_dir / "ears"))
    spoil(goldens)
    write_goldens(bench.models_dir / "ears", goldens)
    registry = bench.registry(spec("ears", required))
    with pytest.raises(GoldenMismatchError, match="Ears.*batch-2") as caught:
        registry.get("ears", TinyModel)
    status = status_of(registry, "ears")
    assert (status.state, status.golden_ok, status.bytes_resident) == (ModelState.FAILED, False, 0)
    assert status.problem == str(caught.value)
    assert ModelState.READY not in bench.states("ears")


def test_preloading_fails_with_a_required_model(bench: Bench) -> None:
    bench.put("ears")
    write_goldens(bench.models_dir / "ears", {"batch-1": np.ones(2, np.float32)})
    with pytest.raises(GoldenMismatchError):
        bench.registry(spec("ears")).preload_all()
    assert bench.states("ears")[-1] is ModelState.FAILED


def test_an_output_that_is_no_number_blocks_ready(bench: Bench) -> None:
    bench.put("ears", fill=1.0)
    goldens = read_goldens(bench.models_dir / "ears")
    bench.put("ears", fill=float("nan"))
    write_goldens(bench.models_dir / "ears", goldens)
    with pytest.raises(GoldenMismatchError, match="nan"):
        bench.registry(spec("ears")).preload_all()


def test_a_required_model_needs_goldens(bench: Bench) -> None:
    bench.put("ears")
    (bench.models_dir / "ears" / GOLDEN_NAME).unlink()
    with pytest.raises(GoldenMismatchError, match="batch-1"):
        bench.registry(spec("ears")).preload_all()


def test_an_optional_model_may_have_no_goldens(bench: Bench) -> None:
    bench.put("ears")
    (bench.models_dir / "ears" / GOLDEN_NAME).unlink()
    registry = bench.registry(spec("ears", required=False))
    registry.preload_all()
    assert status_of(registry, "ears").state is ModelState.READY
    assert status_of(registry, "ears").golden_ok is None


def test_a_required_model_whose_weights_are_damaged_stops_preloading(bench: Bench) -> None:
    bench.put("ears")
    bench.put("eyes")
    (bench.models_dir / "ears" / "model.safetensors").write_bytes(b"damaged")
    registry = bench.registry(spec("ears"), spec("eyes"))
    with pytest.raises(WeightsCorruptError):
        registry.preload_all()
    assert "model.safetensors" in status_of(registry, "ears").problem
    assert bench.states("eyes") == [ModelState.ABSENT]


def test_an_optional_model_that_fails_does_not_stop_the_others(bench: Bench) -> None:
    for name in ("damaged", "full", "eyes"):
        bench.put(name)
    (bench.models_dir / "damaged" / "model.safetensors").write_bytes(b"damaged")
    full = replace(spec("full", required=False), load=refuse_to_load)
    registry = bench.registry(spec("damaged", required=False), full, spec("eyes"))
    registry.preload_all()
    states = {status.name: status.state for status in registry.statuses()}
    assert states == {"damaged": ModelState.FAILED, "full": ModelState.FAILED, "eyes": ModelState.READY}
    assert status_of(registry, "full").problem == "out of memory"


def test_an_optional_model_that_is_not_there_is_absent_and_no_failure(bench: Bench) -> None:
    bench.put("eyes")
    registry = bench.registry(spec("ears", required=False), spec("eyes"))
    registry.preload_all()
    assert bench.states("ears") == [ModelState.ABSENT]
    with pytest.raises(WeightsMissingError):
        registry.get("ears", TinyModel)


def test_get_loads_on_first_use_only(bench: Bench) -> None:
    bench.put("ears")
    registry = bench.registry(spec("ears"))
    model = registry.get("ears", TinyModel)
    assert status_of(registry, "ears").state is ModelState.READY
    changes = len(bench.history)
    assert registry.get("ears", TinyModel) is model
    assert len(bench.history) == changes


def test_get_tries_again_after_a_failure(bench: Bench) -> None:
    bench.put("ears")
    weights = bench.models_dir / "ears" / "model.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(b"damaged")
    registry = bench.registry(spec("ears"))
    with pytest.raises(ModelError):
        registry.get("ears", TinyModel)
    weights.write_bytes(content)
    registry.get("ears", TinyModel)
    assert (status_of(registry, "ears").state, status_of(registry, "ears").problem) == (ModelState.READY, "")


def test_get_refuses_a_model_of_another_kind(bench: Bench) -> None:
    bench.put("ears")
    with pytest.raises(TypeError, match="TinyModel, not a OtherModel"):
        bench.registry(spec("ears")).get("ears", OtherModel)


def test_an_unloaded_model_is_absent_until_it_is_asked_for(bench: Bench) -> None:
    bench.put("ears")
    registry = bench.registry(spec("ears"))
    first = registry.get("ears", TinyModel)
    registry.unload("ears")
    status = status_of(registry, "ears")
    assert (status.state, status.bytes_resident, status.warmed_buckets) == (ModelState.ABSENT, 0, ())
    assert registry.get("ears", TinyModel) is not first


def test_weights_are_read_once_and_then_never_again(bench: Bench) -> None:
    bench.put("ears")
    registry = bench.registry(spec("ears"))
    assert registry.weight_bytes_read == {"ears": 0}
    registry.preload_all()
    size = (bench.models_dir / "ears" / "model.safetensors").stat().st_size
    assert registry.weight_bytes_read == {"ears": size}
    for _ in range(3):
        registry.get("ears", TinyModel).warm("batch-1")
    assert registry.weight_bytes_read == {"ears": size}
    registry.unload("ears")
    registry.get("ears", TinyModel)
    assert registry.weight_bytes_read == {"ears": 2 * size}


def test_preloading_leaves_what_is_resident(bench: Bench) -> None:
    bench.put("ears")
    registry = bench.registry(spec("ears"))
    model = registry.get("ears", TinyModel)
    changes = len(bench.history)
    registry.preload_all()
    assert registry.get("ears", TinyModel) is model
    assert len(bench.history) == changes


@pytest.mark.parametrize(
    ("asked", "device", "chosen"),
    [
        ("auto", CPU, "fp32"),
        ("auto", CUDA, "fp16"),
        ("fp32", CUDA, "fp32"),
        ("bf16", CPU, "bf16"),
        ("bf16", CUDA, "bf16"),
    ],
)
def test_precision_of_a_model_that_can_be_halved(asked: str, device: torch.device, chosen: Precision) -> None:
    halvable = ModelSpec("m", "M", True, TinyModel, {"fp32": 0.1, "fp16": 0.1, "bf16": 0.1}, "fp16")
    assert halvable.precision(asked, device) == chosen


@pytest.mark.parametrize("asked", ["auto", "fp32", "fp16", "bf16"])
@pytest.mark.parametrize("device", [CPU, CUDA], ids=str)
def test_landmarks_and_motion_are_always_exact(asked: str, device: torch.device) -> None:
    exact = [known for known in CATALOG if known.name in ("face-landmarker", "motion")]
    assert [known.precision(asked, device) for known in exact] == ["fp32", "fp32"]


def test_the_shipped_models_can_run_in_what_they_choose() -> None:
    for known in CATALOG:
        assert {known.precision("auto", CPU), known.precision("auto", CUDA)} <= known.tolerances.keys()


@pytest.mark.parametrize(("asked", "given"), [("auto", "fp32"), ("bf16", "bf16"), ("fp16", "fp32")])
def test_a_loader_is_told_where_and_in_what_precision(bench: Bench, asked: str, given: Precision) -> None:
    bench.put("ears")
    context = bench.registry(spec("ears"), precision=asked).get("ears", TinyModel).context
    assert context == LoadContext(bench.models_dir / "ears", CPU, given)


def test_int8_is_refused(bench: Bench) -> None:
    with pytest.raises(SettingsError, match="int8"):
        bench.registry(spec("ears"), precision="int8")
