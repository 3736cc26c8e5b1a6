"""The System tab: what the rows and the memory bar say, and what the buttons do."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from heygem.engines.fake import FakeEngines
from heygem.models.status import ModelState, ModelStatus
from heygem.studio import Studio
from heygem.ui.system.handlers import SystemHandlers
from heygem.ui.system.markup import DeviceMemory, models_panel
from tests.fake_studio import fake_studio, settings_in

GB = 10**9
ENGLISH: Any = SimpleNamespace(headers={"accept-language": "en"})
CHINESE: Any = SimpleNamespace(headers={"accept-language": "zh-CN"})
MEMORY = DeviceMemory(True, 80 * GB, 60 * GB)
READY = ModelStatus(
    "unet",
    "MuseTalk UNet",
    required=False,
    state=ModelState.READY,
    tier="preferred",
    precision="fp16",
    bytes_on_disk=1_700_000_000,
    bytes_resident=1_700_000_000,
    peak_bytes=900_000_000,
    transfer_bytes=1_700_000_000,
    transfer_seconds=0.05,
    ceiling_bytes_per_second=40e9,
    load_seconds=0.31,
    warm_seconds=4.25,
    warmed_buckets=("batch-1", "batch-8"),
    golden_ok=True,
    used_at=1000.0,
)


def panel(
    model: ModelStatus, language: Any = "en", memory: DeviceMemory = MEMORY, now: float = 1300.0
) -> str:
    return models_panel([model], memory, now, language)


def test_a_row_says_all_of_it() -> None:
    html = panel(READY)
    for words in (
        "MuseTalk UNet",
        "kept if possible · fp16",
        "Ready",
        "1.7 GB / 1.7 GB",
        "up to 900 MB while working",
        "0.31 s",
        "34.0 of 40.0 GB/s possible",
        "2 in 4.2 s",
        "batch-1, batch-8",
        "check passed",
        "5 min ago",
    ):
        assert words in html
    assert "常驻" in panel(replace(READY, tier="pinned"), "zh")


@pytest.mark.parametrize(
    ("used_at", "now", "words"),
    [
        (None, 0.0, "not yet"),
        (10.0, 20.0, "just now"),
        (0.0, 7140.0, "119 min ago"),
        (0.0, 7200.0, "2 h ago"),
    ],
)
def test_last_use(used_at: float | None, now: float, words: str) -> None:
    assert words in panel(replace(READY, used_at=used_at), now=now)


def test_a_failure_names_file_reason_and_remedy() -> None:
    problem = "models/x/model.safetensors is damaged: delete it and restore it from the project."
    path = "models/x/model.safetensors"
    failed = replace(
        READY,
        state=ModelState.FAILED,
        problem=problem,
        problem_code="weights_corrupt",
        problem_file=path,
    )
    assert problem in panel(failed)
    assert f"“{path}”：模型文件已损坏" in panel(failed, "zh")


@pytest.mark.parametrize(
    ("changes", "actions"),
    [
        ({}, ["unload", "reload"]),
        ({"state": ModelState.ABSENT}, ["reload"]),
        ({"state": ModelState.FAILED}, ["reload"]),
        ({"state": ModelState.WARMING}, []),
        ({"leases": 1}, []),
    ],
)
def test_buttons_offer_what_can_be_done(changes: dict[str, Any], actions: list[str]) -> None:
    html = panel(replace(READY, **changes))
    assert [action for action in ("unload", "reload") if f'data-action="{action}"' in html] == actions


def test_the_memory_bar_adds_up() -> None:
    html = panel(READY)
    for words in (
        "VRAM, 80.0 GB",
        "models 1.7 GB",
        "everything else 18.3 GB",
        "needed while working 900 MB",
        "free 59.1 GB",
    ):
        assert words in html
    assert "hg-memory" not in panel(READY, memory=DeviceMemory(True, 80 * GB, None)), "never a false figure"


def test_nothing_yet() -> None:
    assert "once the engine has started" in models_panel([], MEMORY, 0.0, "en")


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    """Idle: it prepares nothing, for that needs the models."""
    studio = Studio(settings_in(tmp_path), FakeEngines, prepare_ahead=False)
    studio.start(wait_for_page=False)
    studio.wait_ready(30)
    yield studio
    studio.stop()


def click(studio: Studio, action: str, model: str = "motion", request: Any = ENGLISH) -> str:
    event: Any = SimpleNamespace(_data={"action": action, "model": model})
    return SystemHandlers(studio).act_on_model(event, request)


def state_of(studio: Studio, name: str) -> ModelState:
    return next(model.state for model in studio.status().engine.models if model.name == name)


def test_a_model_is_unloaded_and_loaded_again_from_the_page(studio: Studio) -> None:
    assert "Motion is unloaded: 1.0 MB given back" in click(studio, "unload")
    assert state_of(studio, "motion") is ModelState.ABSENT
    assert "loaded anew" in click(studio, "reload")
    assert state_of(studio, "motion") is ModelState.READY


def test_an_engine_that_is_not_up_is_a_sentence(tmp_path: Path) -> None:
    with fake_studio(tmp_path, start=False) as studio:
        assert "hg-bad" in click(studio, "unload", request=CHINESE)
