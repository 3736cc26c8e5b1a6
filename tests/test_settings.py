"""Flags, environment variables, and which of them wins."""

import argparse
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from heygem.errors import SettingsError
from heygem.settings import PROJECT_ROOT, Settings, add_settings_arguments


def settings(*argv: str, **environ: str) -> Settings:
    return Settings.from_args(argv, environ)


def test_the_defaults_are_safe_and_preload() -> None:
    default = settings()
    assert (default.host, default.port) == ("127.0.0.1", 7860)
    assert (default.device, default.precision) == ("auto", "auto")
    assert default.preload
    assert not default.high_performance
    assert default.output_dir == PROJECT_ROOT / "outputs"
    assert default.models_dir == PROJECT_ROOT / "models"
    assert default.data_dir == Path.home() / ".local/share/heygem"
    assert default.model_cache_dir == Path.home() / ".cache/heygem/models"
    assert default.retention_days == 7


@pytest.mark.parametrize(
    ("argv", "field", "value"),
    [
        (["--host", "0.0.0.0"], "host", "0.0.0.0"),
        (["--port", "8080"], "port", 8080),
        (["--device", "cuda:1"], "device", "cuda:1"),
        (["--precision", "bf16"], "precision", "bf16"),
        (["--high-performance"], "high_performance", True),
        (["--no-preload"], "preload", False),
        (["--no-preload", "--preload"], "preload", True),
        (["--no-preload", "--enable-preload"], "preload", True),
        (["--model-cache-dir", "/m"], "model_cache_dir", Path("/m")),
        (["--output-dir", "/o"], "output_dir", Path("/o")),
        (["--data-dir", "/d"], "data_dir", Path("/d")),
        (["--retention-days", "0.5"], "retention_days", 0.5),
    ],
)
def test_each_flag_sets_its_field(argv: list[str], field: str, value: object) -> None:
    assert getattr(settings(*argv), field) == value
    assert getattr(settings(), field) != value or field == "preload"


def test_a_flag_wins_over_its_variable_and_that_over_the_default() -> None:
    assert settings(HEYGEM_DATA_DIR="/v").data_dir == Path("/v")
    assert settings("--data-dir", "/f", HEYGEM_DATA_DIR="/v").data_dir == Path("/f")
    assert settings(HEYGEM_MODEL_CACHE="/v").model_cache_dir == Path("/v")
    assert settings("--model-cache-dir", "/f", HEYGEM_MODEL_CACHE="/v").model_cache_dir == Path("/f")


def test_what_can_be_made_again_lies_together() -> None:
    moved = settings(HEYGEM_CACHE_DIR="/c")
    assert moved.templates_dir == Path("/c/templates")
    assert moved.log_dir == Path("/c/logs")
    assert moved.model_cache_dir == Path("/c/models")


def test_folders_are_absolute_and_know_the_home() -> None:
    assert settings("--output-dir", "here").output_dir == Path.cwd() / "here"
    assert settings("--output-dir", "~/videos").output_dir == Path.home() / "videos"


@pytest.mark.parametrize(
    "argv",
    [
        ["--port", "70000"],
        ["--port", "-1"],
        ["--device", "tpu"],
        ["--device", "cuda:x"],
        ["--output-dir", __file__],
        ["--retention-days", "-1"],
        ["--retention-days", "nan"],
    ],
)
def test_values_that_cannot_be_used_are_refused_in_a_sentence(argv: list[str]) -> None:
    with pytest.raises(SettingsError, match=r"[:;]"):
        settings(*argv)


@pytest.mark.parametrize("argv", [["--unknown"], ["--precision", "fp64"], ["--port", "many"]])
def test_what_is_no_flag_ends_with_code_2(argv: list[str]) -> None:
    with pytest.raises(SystemExit) as end:
        settings(*argv)
    assert end.value.code == 2


def test_commands_share_the_flags() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--audio")
    add_settings_arguments(parser)
    arguments = parser.parse_args(["--audio", "a.wav", "--device", "cpu"])
    assert Settings.from_namespace(arguments, {}).device == "cpu"


def test_settings_are_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        settings().port = 1  # type: ignore[misc]
