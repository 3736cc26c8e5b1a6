"""torch.compile with a cache that survives the process, so that a machine pays for it once."""

import hashlib
import os
from pathlib import Path

import torch
from torch import nn

_VARIABLES = {"TORCHINDUCTOR_CACHE_DIR": "inductor", "TRITON_CACHE_DIR": "triton"}


def keep_compiled_code(cache_dir: Path, device_name: str) -> Path:
    """Have compiled code kept in a folder of its own for this device and this PyTorch; returns it.

    The compiler reads its places from the environment, once, so this comes before the first `compile_net`.
    What the user has set stays.
    """
    key = f"{device_name}|{torch.__version__}|{torch.version.cuda}"
    folder = cache_dir / "compiled" / hashlib.sha256(key.encode()).hexdigest()[:16]
    for variable, name in _VARIABLES.items():
        os.environ.setdefault(variable, str(folder / name))
    return folder


def compile_net(net: nn.Module) -> None:
    """Compile a net, in place, when it first meets each of its shapes; every shape has its own code."""
    net.compile(dynamic=False)
