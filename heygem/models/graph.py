"""Runs the op graphs that the face landmark files carry in their safetensors metadata.

The stored graphs count axes as (batch, height, width, channel). Tensors of rank 4 are held here as NCHW in
channels-last memory: the same bytes in the same order, named the way torch convolves them. Axes, constants
and padding are translated once, while one blank input flows through the ops; `__call__` only runs what was
bound then.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors import safe_open
from torch import Tensor

from heygem.models.graph_rewrites import VALID, Op, fold_padding, reuse_memory

Bound = Callable[..., Tensor]

_TO_NCHW = (0, 3, 1, 2)  # position in NCHW -> axis in NHWC
_TO_NHWC = (0, 2, 3, 1)  # position in NHWC -> axis in NCHW
_NARROW_CHANNELS = 16
_ACTIVATIONS: dict[int, Callable[[Tensor], Tensor]] = {
    0: lambda x: x,
    1: torch.relu_,
    3: lambda x: x.clamp_(0, 6),
}


@dataclass(frozen=True, slots=True)
class _Step:
    """One bound op: `run(*tensors of sources)` makes tensor `target`; `released` are then needed no more."""

    run: Bound
    sources: tuple[int, ...]
    target: int
    released: tuple[int, ...]


class OpGraph:
    """A net read from one file, on one device, float32. Any batch size."""

    def __init__(self, path: Path, device: torch.device) -> None:
        with safe_open(path, "pt", device=str(device)) as file:
            graph = json.loads(file.metadata()["graph"])
            stored = {int(key[1:]): file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a mapping)
        constants = {key: value.float() for key, value in stored.items() if value.is_floating_point()}
        self.bytes_resident = sum(value.nbytes for value in constants.values())
        self._inputs: list[int] = graph["inputs"]
        self._outputs: list[int] = graph["outputs"]
        blanks = [torch.zeros(shape, device=device) for shape in graph["in_shapes"]]
        ops = reuse_memory(fold_padding(graph["ops"]), self._outputs)
        self._steps = tuple(self._bind(ops, constants, blanks))

    @torch.inference_mode()
    def __call__(self, *inputs: Tensor) -> list[Tensor]:
        """Run the graph on float32 tensors shaped as stored (pictures (B,H,W,C)); outputs likewise."""
        values = {key: _as_nchw(value) for key, value in zip(self._inputs, inputs, strict=True)}
        for step in self._steps:
            values[step.target] = step.run(*[values[source] for source in step.sources])
            for key in step.released:
                del values[key]
        return [_as_nhwc(values[key]) for key in self._outputs]

    @torch.inference_mode()
    def _bind(
        self, ops: Sequence[Op], constants: Mapping[int, Tensor], blanks: list[Tensor]
    ) -> Iterator[_Step]:
        """Bind op after op to the shapes that a blank input has when it arrives there."""
        values = {key: _as_nchw(value) for key, value in zip(self._inputs, blanks, strict=True)}
        last_use = {key: index for index, op in enumerate(ops) for key in op["i"]}
        last_use |= dict.fromkeys(self._outputs, len(ops))
        for index, op in enumerate(ops):
            sources = tuple(key for key in op["i"] if key in values)
            examples = [values[key] for key in sources]
            run = _BINDERS[op["op"]](op, [constants.get(key) for key in op["i"]], examples)
            target: int = op["o"][0]
            values[target] = run(*examples)
            released = tuple({key for key in sources if last_use[key] == index})
            yield _Step(run, sources, target, released)


def _as_nchw(value: Tensor) -> Tensor:
    return value.permute(_TO_NCHW) if value.dim() == 4 else value


def _as_nhwc(value: Tensor) -> Tensor:
    return value.permute(_TO_NHWC) if value.dim() == 4 else value


def _axis(stored_axis: int, rank: int) -> int:
    """Where an axis of the stored graph is in our tensors."""
    axis = stored_axis % rank
    return _TO_NHWC[axis] if rank == 4 else axis


def _same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Padding (before, after) that gives ceil(size / stride) outputs."""
    outputs = -(-size // stride)
    total = max((outputs - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def _window_padding(op: Op, kernel: Sequence[int], example: Tensor) -> tuple[int, int, int, int]:
    """(left, right, top, bottom) padding of a convolution or pooling."""
    if op["pad"] == VALID:
        return 0, 0, 0, 0
    rows = _same_padding(example.shape[2], kernel[0], op["s"][0])
    columns = _same_padding(example.shape[3], kernel[1], op["s"][1])
    return *columns, *rows


def _bind_conv(op: Op, constants: Sequence[Tensor | None], examples: Sequence[Tensor]) -> Bound:
    stored, bias = constants[1], constants[2]
    assert stored is not None
    depthwise = op["op"] == "DEPTHWISE_CONV_2D"  # stored as (1,kh,kw,C), else as (O,kh,kw,I)
    weight = (stored.permute(3, 0, 1, 2) if depthwise else stored.permute(_TO_NCHW)).contiguous(
        memory_format=torch.channels_last
    )
    groups = weight.shape[0] if depthwise else 1
    left, right, top, bottom = _window_padding(op, weight.shape[2:], examples[0])
    even = left == right and top == bottom
    padding = op.get("padding", (top, left) if even else (0, 0))
    activate = _ACTIVATIONS[op["act"]]
    convolve = _convolution(weight, bias, op["s"], padding, groups)

    def run(x: Tensor) -> Tensor:
        if not even:
            x = F.pad(x, (left, right, top, bottom))
        return activate(convolve(x))

    return run


def _convolution(
    weight: Tensor, bias: Tensor | None, stride: Sequence[int], padding: Sequence[int], groups: int
) -> Bound:
    """On one CPU thread torch multiplies matrices for a 1x1 convolution, which is slow into few channels.

    On a GPU cuDNN compiles a program for every shape of a depthwise convolution in float32, a quarter of a
    second each; torch has a kernel of its own for them, ready made.
    """
    if weight.is_cuda and groups > 1:
        kernel, stored = weight.shape[2:], weight.contiguous(memory_format=torch.contiguous_format)
        ready_made = torch.ops.aten._conv_depthwise2d
        return lambda x: ready_made(x, stored, kernel, bias, stride, padding, (1, 1))
    has_onednn: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    if has_onednn and weight.is_cpu and len(weight) < _NARROW_CHANNELS:
        return lambda x: torch.mkldnn_convolution(x, weight, bias, padding, stride, (1, 1), groups)
    return lambda x: F.conv2d(x, weight, bias, stride, padding, groups=groups)


def _bind_max_pool(op: Op, constants: Sequence[Tensor | None], examples: Sequence[Tensor]) -> Bound:
    edges = _window_padding(op, op["k"], examples[0])
    if any(edges):
        return lambda x: F.max_pool2d(F.pad(x, edges, value=float("-inf")), op["k"], op["s"])
    return lambda x: F.max_pool2d(x, op["k"], op["s"])


def _bind_prelu(op: Op, constants: Sequence[Tensor | None], examples: Sequence[Tensor]) -> Bound:
    assert constants[1] is not None
    slope = constants[1].reshape(-1)
    return lambda x: torch.prelu(x, slope)


def _bind_binary(combine: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Bound]:
    """Elementwise op of two tensors, one of which may be a constant (scalar or one value per channel)."""

    def bind(op: Op, constants: Sequence[Tensor | None], examples: Sequence[Tensor]) -> Bound:
        activate = _ACTIVATIONS[op.get("act", 0)]
        if len(examples) == 2 or op["i"][0] == op["i"][1]:
            return lambda *x: activate(combine(x[0], x[-1]))
        assert constants[1] is not None
        constant = constants[1].reshape(-1, 1, 1) if examples[0].dim() == 4 else constants[1]
        return lambda x: activate(combine(x, constant))

    return bind


def _bind_add(op: Op, constants: Sequence[Tensor | None], examples: Sequence[Tensor]) -> Bound:
    if "into" not in op:
        return _bind_binary(torch.add)(op, constants, examples)
    into, activate = op["into"], _ACTIVATIONS[op["act"]]
    return lambda *x: activate(x[into].add_(x[1 - into]))


def _bind_unary(function: Callable[[Tensor], Tensor]) -> Callable[..., Bound]:
    return lambda op, constants, examples: function


def _bind_reduction(reduce: Callable[[Tensor, list[int], bool], Tensor]) -> Callable[..., Bound]:
    def bind(op: Op, constants: Sequence[Tensor | None], examples: Sequence[Tensor]) -> Bound:
        axes = [_axis(axis, examples[0].dim()) for axis in op["axes"]]
        return lambda x: reduce(x, axes, op["keep"])

    return bind


def _bind_pad(op: Op, constants: Sequence[Tensor | None], examples: Sequence[Tensor]) -> Bound:
    _, rows, columns, channels = op["pads"]
    edges = [*columns, *rows, *channels]
    return lambda x: F.pad(x, edges)


def _bind_reshape(op: Op, constants: Sequence[Tensor | None], examples: Sequence[Tensor]) -> Bound:
    return lambda x: _as_nchw(_as_nhwc(x).reshape(-1, *op["shape"][1:]))


def _bind_transpose(op: Op, constants: Sequence[Tensor | None], examples: Sequence[Tensor]) -> Bound:
    order = [_TO_NHWC[op["perm"][axis]] for axis in _TO_NCHW]
    return lambda x: x.permute(order)


def _bind_concatenation(op: Op, constants: Sequence[Tensor | None], examples: Sequence[Tensor]) -> Bound:
    """Joins tensors; constants stand where they stood and are repeated for every item of the batch."""
    axis = _axis(op["axis"], examples[0].dim())
    parts = [None if constant is None else _as_nchw(constant) for constant in constants]

    def run(*x: Tensor) -> Tensor:
        batch, given = x[0].shape[0], iter(x)
        joined = [next(given) if part is None else part.expand(batch, *part.shape[1:]) for part in parts]
        return torch.cat(joined, axis)

    return run


def _bind_slice(op: Op, constants: Sequence[Tensor | None], examples: Sequence[Tensor]) -> Bound:
    """Cuts every axis but the batch, which the stored graphs (made for a batch of one) slice in vain."""
    index = [slice(None)] * examples[0].dim()
    for axis in range(1, len(index)):
        begin = None if op["bm"] >> axis & 1 else op["b"][axis]
        end = None if op["em"] >> axis & 1 else op["e"][axis]
        index[_axis(axis, len(index))] = slice(begin, end, op["st"][axis])
    return lambda x: x[tuple(index)]


def _bind_resize(op: Op, constants: Sequence[Tensor | None], examples: Sequence[Tensor]) -> Bound:
    return lambda x: F.interpolate(x, size=op["size"], mode="bilinear", align_corners=op["ac"])


def _bind_depth_to_space(op: Op, constants: Sequence[Tensor | None], examples: Sequence[Tensor]) -> Bound:
    """Channel (i * block + j) * depth + d of a cell becomes channel d of its pixel (i, j)."""
    block = op["bs"]

    def run(x: Tensor) -> Tensor:
        batch, channels, height, width = x.shape
        depth = channels // block**2
        cells = x.reshape(batch, block, block, depth, height, width).permute(0, 3, 4, 1, 5, 2)
        return cells.reshape(batch, depth, height * block, width * block)

    return run


_BINDERS: dict[str, Callable[[Op, Sequence[Tensor | None], Sequence[Tensor]], Bound]] = {
    "CONV_2D": _bind_conv,
    "DEPTHWISE_CONV_2D": _bind_conv,
    "MAX_POOL_2D": _bind_max_pool,
    "PRELU": _bind_prelu,
    "RELU": _bind_unary(torch.relu),
    "NEG": _bind_unary(torch.neg),
    "RSQRT": _bind_unary(torch.rsqrt),
    "SQRT": _bind_unary(torch.sqrt),
    "LOGISTIC": _bind_unary(torch.sigmoid),
    "ADD": _bind_add,
    "SUB": _bind_binary(torch.sub),
    "MUL": _bind_binary(torch.mul),
    "DIV": _bind_binary(torch.div),
    "SQUARED_DIFFERENCE": _bind_binary(lambda x, y: (x - y).square_()),
    "MEAN": _bind_reduction(lambda x, axes, keep: x.mean(axes, keep)),
    "SUM": _bind_reduction(lambda x, axes, keep: x.sum(axes, keep)),
    "PAD": _bind_pad,
    "RESHAPE": _bind_reshape,
    "TRANSPOSE": _bind_transpose,
    "CONCATENATION": _bind_concatenation,
    "STRIDED_SLICE": _bind_slice,
    "RESIZE_BILINEAR": _bind_resize,
    "DEPTH_TO_SPACE": _bind_depth_to_space,
}
