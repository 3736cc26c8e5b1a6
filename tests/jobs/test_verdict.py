"""What ends an attempt, and who is to blame."""

import errno
from pathlib import Path

import pytest

from heygem.errors import (
    DeviceLostError,
    DeviceMemoryError,
    DiskFullError,
    HeyGemError,
    JobError,
    MediaError,
    NoFaceError,
    SettingsError,
    WeightsMissingError,
)
from heygem.jobs.verdict import explain, is_users_fault

LOGS = Path("/logs")


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), DiskFullError),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), DiskFullError),
        (OSError(errno.EIO, "Input/output error"), HeyGemError),
        (RuntimeError("CUDA error: device-side assert triggered"), DeviceLostError),
        (KeyError("frame"), HeyGemError),
    ],
)
def test_foreign_exceptions_become_sentences(error: Exception, meaning: type[HeyGemError]) -> None:
    assert type(explain(error, LOGS)) is meaning


def test_an_unforeseen_exception_is_named_with_the_place_of_the_log() -> None:
    verdict = explain(KeyError("frame"), LOGS)
    assert "KeyError: 'frame'" in str(verdict)
    assert "/logs" in str(verdict)


def test_our_own_errors_speak_for_themselves() -> None:
    error = NoFaceError("No face.")
    assert explain(error, LOGS) is error


@pytest.mark.parametrize("kind", [MediaError, NoFaceError, SettingsError, JobError])
def test_inputs_and_options_are_the_users(kind: type[HeyGemError]) -> None:
    assert is_users_fault(kind("…"))


@pytest.mark.parametrize("kind", [HeyGemError, DeviceMemoryError, WeightsMissingError, DiskFullError])
def test_the_rest_is_ours(kind: type[HeyGemError]) -> None:
    assert not is_users_fault(kind("…"))
