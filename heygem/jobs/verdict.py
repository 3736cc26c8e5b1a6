"""What an exception that ended an attempt means for the job and for the process."""

import errno
from pathlib import Path

from heygem.errors import DeviceError, DiskFullError, HeyGemError, ModelError, StorageError
from heygem.hardware.device import classify_device_error


def explain(error: Exception, log_dir: Path) -> HeyGemError:
    """The same thing in a sentence for the user."""
    verdict = classify_device_error(error)
    if verdict is not None:
        return verdict
    if isinstance(error, HeyGemError):
        return error
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFullError("The disk is full: make room, and the job continues.")
    what = f"{type(error).__name__}: {error}"
    return HeyGemError(
        f"Something failed inside HeyGem ({what}); the log in {log_dir} tells more.", what=what
    )


def is_users_fault(verdict: HeyGemError) -> bool:
    """Whether another attempt would end just so: the input or an option is to blame, not the engine."""
    is_own = type(verdict) is HeyGemError  # an exception nobody foresaw
    return not is_own and not isinstance(verdict, (DeviceError, ModelError, StorageError))
