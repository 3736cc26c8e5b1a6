"""Weight-only int8: the weights of linear layers take half of their fp16 room, arithmetic stays as it was.

By torchao, PyTorch's own library for it. It is not installed by default: transformers imports it wherever it
is, and that would lengthen every start for the few who ask for int8.
"""

import warnings

from torch import nn

from heygem.errors import ModelError

TORCHAO = "torchao==0.18.0"


def quantise_linear_weights(net: nn.Module) -> None:
    """Replace the weights of all linear layers in `net`, in place: one scale for each row.

    Raises:
        ModelError: torchao is not installed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from torchao.quantization import Int8WeightOnlyConfig, quantize_
    except ImportError as problem:
        raise ModelError(
            f"int8 needs one more package: run `.venv/bin/pip install {TORCHAO}`, or take --precision auto."
        ) from problem
    quantize_(net, Int8WeightOnlyConfig())


def stored_bytes(net: nn.Module) -> int:
    """Bytes of the parameters of a net, of quantised ones what they really take."""
    return sum(_bytes(parameter) for parameter in net.parameters())


def _bytes(weight: object) -> int:
    """A quantised tensor claims the size of what it stands for; its parts know better."""
    flatten = getattr(weight, "__tensor_flatten__", None)
    if flatten is None:
        return int(getattr(weight, "nbytes", 0))
    return sum(_bytes(getattr(weight, name)) for name in flatten()[0])
