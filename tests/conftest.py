"""What every test runs under: few threads, no network habits, no file outside its own temporary folder."""

import os
import signal
import sys
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "2")  # read by torch, numpy and OpenCV when they are first imported
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
# What a shell starts in the background is deaf to SIGINT, and so is every process that a test interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def own_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Point HeyGem's folders at a fresh one, for this test and every process it starts."""
    home = tmp_path_factory.mktemp("heygem")
    monkeypatch.setenv("HEYGEM_DATA_DIR", str(home / "data"))
    monkeypatch.setenv("HEYGEM_CACHE_DIR", str(home / "cache"))
    monkeypatch.setenv("HEYGEM_MODEL_CACHE", str(home / "models"))
    return home


@pytest.fixture(autouse=True)
def exact_floats() -> None:
    """Engines flush denormal numbers on their thread; hypothesis, on ours, needs them."""
    if "torch" in sys.modules:
        sys.modules["torch"].set_flush_denormal(False)
