"""How a command ends: its exit code, and whether Python may tidy up before."""

import logging
import os
import signal
import sys
from typing import NoReturn

from heygem.engines.status import EngineState, EngineStatus
from heygem.errors import DeviceLostError, ModelError

DONE, FAILED, MISUSED, INTERRUPTED = 0, 1, 2, 130
LOST = 75  # EX_TEMPFAIL: only a new process helps; start_app.sh starts one


def interrupt_on_sigterm() -> None:
    """From now on a polite kill cleans up as Ctrl-C does. To be called on the main thread."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def end_without_device() -> NoReturn:
    """End this process here and at once, with LOST, while everything the lost device knows of is still held.

    An orderly end, and even freeing a studio before it, would touch the device, which may abort or hang.
    """
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(LOST)


def expect_alive(engine: EngineStatus) -> None:
    """Nothing, while the engine comes up or works.

    Raises:
        DeviceLostError: only a new process helps.
        ModelError: it did not come up, for any other reason.
    """
    if engine.state is not EngineState.FAILED:
        return
    if engine.problem_code == DeviceLostError.code:
        raise DeviceLostError(f"{engine.problem} Run the command again.")
    raise ModelError(engine.problem)
