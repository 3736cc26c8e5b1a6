"""`python -m heygem soak`: the queue under kills, crowds, long batches and full disks."""

from typing import Literal

SoakName = Literal["kills", "disk", "cancel", "batch", "crowd"]
EngineName = Literal["tiny", "mesh"]
