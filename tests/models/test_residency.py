"""Many models on one small device: who stays, who goes, and that the memory always comes back."""

from pathlib import Path

import pytest

from heygem.errors import DeviceMemoryError, ModelBusyError
from heygem.models.budget import Need, NeedStore
from heygem.models.registry import ModelRegistry
from heygem.models.resident import LoadContext, ResidentModel
from heygem.models.status import ModelState
from heygem.models.steps import in_steps
from tests.models.fake_models import MB, FakeModel, Shelf, resident_names, status_of


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


def get(registry: ModelRegistry, name: str) -> FakeModel:
    return registry.get(name, FakeModel)


def test_nothing_goes_while_everything_fits(shelf: Shelf) -> None:
    for name in ("a", "b", "c"):
        shelf.put(name, 300 * MB, 50 * MB)
    registry = shelf.registry()
    registry.preload_all()
    for _ in range(3):
        for name in ("a", "b", "c"):
            get(registry, name)
    assert resident_names(registry) == {"a", "b", "c"}
    assert ModelState.ABSENT not in {status_of(statuses, "a").state for statuses in shelf.history[4:]}


def test_the_least_worth_goes_when_something_is_short(shelf: Shelf, tmp_path: Path) -> None:
    for name in ("often", "seldom", "new"):
        shelf.put(name, 400 * MB)
    registry = shelf.registry(tmp_path / "needs.json")
    get(registry, "new")  # measures what it needs
    registry.unload("new")
    for name in ("often", "seldom", *["often"] * 20):
        shelf.seconds += 100
        get(registry, name)
    get(registry, "new")
    assert resident_names(registry) == {"often", "new"}
    assert "make room for New" in status_of(registry.statuses(), "seldom").note


def test_pinned_and_leased_models_stay(shelf: Shelf) -> None:
    shelf.put("pinned", 300 * MB, required=True)
    shelf.put("leased", 300 * MB)
    shelf.put("idle", 300 * MB, is_preferred=True)
    shelf.put("large", 500 * MB)
    registry = shelf.registry()
    for name in ("pinned", "leased", "idle"):
        get(registry, name)
    with registry.lease("leased"):
        with pytest.raises(RuntimeError, match="out of memory"):
            get(registry, "large")
        assert resident_names(registry) == {"pinned", "leased"}
        assert status_of(registry.statuses(), "leased").leases == 1
    get(registry, "large")
    assert resident_names(registry) == {"pinned", "large"}


def test_a_lease_that_ends_with_an_error_ends(shelf: Shelf) -> None:
    shelf.put("a", 10 * MB)
    registry = shelf.registry()
    get(registry, "a")
    with pytest.raises(ValueError, match="inside"), registry.lease("a"):
        with pytest.raises(ModelBusyError, match="in use"):
            registry.unload("a")
        raise ValueError("inside")
    assert registry.unload("a").freed_bytes == 10 * MB


def test_optional_models_are_not_preloaded_where_they_do_not_fit(shelf: Shelf, tmp_path: Path) -> None:
    shelf.put("extra", 500 * MB)
    shelf.put("large", 700 * MB, 200 * MB, required=True)
    registry = shelf.registry(tmp_path / "needs.json")
    get(registry, "extra")
    registry.unload("extra")  # now its need is known
    registry.preload_all()
    assert resident_names(registry) == {"large"}
    status = status_of(registry.statuses(), "extra")
    assert (status.state, status.problem) == (ModelState.ABSENT, "")
    assert "0.42 GB too little memory" in status.note


def test_needs_are_measured_and_remembered(shelf: Shelf, tmp_path: Path) -> None:
    shelf.put("a", 300 * MB, 80 * MB)
    shelf.put("b", 200 * MB, 160 * MB)
    registry = shelf.registry(tmp_path / "needs.json")
    registry.preload_all()
    plan = registry.plan()
    assert (plan.resident_bytes, plan.working_bytes) == (500 * MB, 160 * MB)
    weights_id = shelf.manifest().weights_id("a")
    store = NeedStore(tmp_path / "needs.json", "Fake device")
    assert store.find("a", "fp32", weights_id) == Need(300 * MB, {"batch-1": 10 * MB, "batch-8": 80 * MB})
    assert store.find("a", "fp16", weights_id) is None
    assert NeedStore(tmp_path / "needs.json", "Another").find("a", "fp32", weights_id) is None


def test_the_plan_is_what_is_then_measured(shelf: Shelf, tmp_path: Path) -> None:
    """Bar 8.8 on a fake: planned before loading, from what an earlier process measured."""
    shelf.put("a", 300 * MB, 80 * MB)
    shelf.put("b", 200 * MB, 160 * MB)
    first = shelf.registry(tmp_path / "needs.json")
    first.preload_all()
    planned = first.plan().peak_bytes
    for name in ("a", "b"):
        first.unload(name)
    second = shelf.registry(tmp_path / "needs.json")
    shelf.device.reset_peak()
    second.preload_all()
    for name in ("a", "b", "a"):
        get(second, name).warm("batch-8")
    assert shelf.device.peak_bytes() == pytest.approx(planned, rel=0.05)


def test_a_model_that_was_measured_not_to_fit_says_how_much_is_missing(shelf: Shelf, tmp_path: Path) -> None:
    shelf.put("a", 500 * MB, 100 * MB)
    registry = shelf.registry(tmp_path / "needs.json")
    get(registry, "a")
    registry.unload("a")
    shelf.device.others_bytes = 600 * MB
    calls = shelf.device.calls
    with pytest.raises(DeviceMemoryError, match="0.63 GB of device memory, 0.21 GB more than is free"):
        get(registry, "a")
    assert shelf.device.calls == calls  # it was not even tried
    assert status_of(registry.statuses(), "a").problem_code == "device_memory"
    shelf.device.others_bytes = 0
    get(registry, "a")


def test_a_damaged_memory_of_needs_only_costs_knowledge(tmp_path: Path) -> None:
    path = tmp_path / "needs.json"
    for content in (
        "",
        "[]",
        '{"Fake device|a|fp32|id": {"resident_bytes": "x"}}',
        '{"Fake device|a|fp32|id": 3}',
    ):
        path.write_text(content, encoding="utf-8")
        assert NeedStore(path, "Fake device").find("a", "fp32", "id") is None


def test_loading_that_runs_out_of_memory_drops_idle_models_and_tries_again(shelf: Shelf) -> None:
    shelf.put("idle", 100 * MB)
    shelf.put("wanted", 100 * MB)
    registry = shelf.registry()
    get(registry, "idle")
    shelf.device.fail_at(1, "out of memory")
    get(registry, "wanted")
    assert resident_names(registry) == {"wanted"}


def test_an_optional_model_that_loses_the_device_is_everybodys_trouble(shelf: Shelf) -> None:
    shelf.put("extra", 100 * MB)
    shelf.device.fail_at(2, "lost")
    with pytest.raises(RuntimeError, match="illegal memory access"):
        shelf.registry().preload_all()


def test_unloading_gives_back_what_it_claims(shelf: Shelf) -> None:
    """Bar 8.7: and says so where it does not."""
    shelf.put("a", 300 * MB, 100 * MB)
    registry = shelf.registry()
    before = shelf.device.device_used_bytes()
    get(registry, "a")
    unloaded = registry.unload("a")
    assert (unloaded.claimed_bytes, unloaded.freed_bytes) == (300 * MB, 300 * MB + 100 * MB)
    assert shelf.device.device_used_bytes() == before


def test_a_leak_is_seen(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf.put("a", 300 * MB)
    registry = shelf.registry()
    monkeypatch.setattr("heygem.models.registry.SETTLE_SECONDS", 0.1)
    get(registry, "a")
    shelf.device.leak_bytes_per_free = 200 * MB
    assert registry.unload("a").freed_bytes == 100 * MB


def test_nothing_drifts_over_fifty_cycles(shelf: Shelf) -> None:
    """Bar 8.6 on a fake; on real memory in test_host_memory."""
    shelf.put("a", 300 * MB, 100 * MB)
    registry = shelf.registry()
    for _ in range(50):
        get(registry, "a").warm("batch-8")
        registry.unload("a")
        assert shelf.device.device_used_bytes() == 0


def test_reload_makes_a_new_model(shelf: Shelf) -> None:
    shelf.put("a", 300 * MB)
    registry = shelf.registry()
    first = id(get(registry, "a"))
    shelf.history.clear()
    registry.reload("a")
    assert resident_names(registry) == {"a"}
    states = [status_of(statuses, "a").state for statuses in shelf.history]
    assert list(dict.fromkeys(states)) == ["absent", "verifying", "loading", "warming", "ready"]
    assert first


def test_memory_of_a_model_that_fails_comes_back(shelf: Shelf) -> None:
    """Weights that are there but do not work hold nothing."""

    def load(context: LoadContext) -> ResidentModel:
        FakeModel(shelf.device, 300 * MB, 0)
        raise ValueError("not my format")

    shelf.put("a", 300 * MB, load=load)
    registry = shelf.registry()
    for _ in range(3):
        with pytest.raises(ValueError, match="not my format"):
            get(registry, "a")
        assert shelf.device.tensor_bytes() == 0
    assert status_of(registry.statuses(), "a").state is ModelState.FAILED


def test_a_compiler_that_fails_is_told_and_the_model_runs_without(shelf: Shelf) -> None:
    def load(context: LoadContext) -> ResidentModel:
        if context.compiles:
            raise RuntimeError("no C++ compiler was found")
        return FakeModel(shelf.device, 100 * MB, 0)

    shelf.put("a", 100 * MB, load=load)
    registry = shelf.registry(compiles=True)
    get(registry, "a")
    status = status_of(registry.statuses(), "a")
    assert (status.state, status.warmed_buckets) == (ModelState.READY, FakeModel.buckets)
    assert "not compiled" in status.note
    assert status_of(shelf.registry(compiles=False).statuses(), "a").note == ""


def test_a_job_survives_running_out_of_memory(shelf: Shelf) -> None:
    """Bar 8.13: an idle model goes, the batch shrinks, and every item comes out."""
    shelf.put("busy", 300 * MB, 200 * MB)
    shelf.put("idle", 300 * MB)
    registry = shelf.registry()
    model = get(registry, "busy")
    get(registry, "idle")
    shelf.device.others_bytes = 340 * MB  # 60 MB are left: too few for eight items at once
    done: list[int] = []
    with registry.lease("busy"):
        for step in in_steps(20, (1, 8), registry.drop_idle):
            with step:
                model.warm(f"batch-{step.bucket}")
                done += range(step.start, step.stop)
                shelf.device.others_bytes = 660 * MB  # somebody takes what was freed: 40 MB are left
    assert done == list(range(20))
    assert resident_names(registry) == {"busy"}
