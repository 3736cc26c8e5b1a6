"""Tiny graphs, written as the converter writes them, against the same arithmetic done by hand."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save_file

from heygem.models.graph import OpGraph

Array = npt.NDArray[np.float32]
SAME, VALID = 0, 1
NO_ACTIVATION, RELU = 0, 1


def numbers(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def graph(
    folder: Path,
    ops: Sequence[Mapping[str, Any]],
    constants: Mapping[int, npt.NDArray[Any]],
    shape: Sequence[int],
    outputs: Sequence[int],
) -> OpGraph:
    """A graph with one input, tensor 0, of the stored `shape`."""
    description = {"inputs": [0], "outputs": list(outputs), "ops": list(ops), "in_shapes": [list(shape)]}
    path = folder / "net.safetensors"
    save_file(
        {f"t{key}": value for key, value in constants.items()}, path, {"graph": json.dumps(description)}
    )
    return OpGraph(path, torch.device("cpu"))


def outputs_of(net: OpGraph, x: Array) -> list[Array]:
    return [output.numpy() for output in net(torch.from_numpy(x))]


def conv(source: int, weight: int, bias: int, target: int, **attributes: Any) -> dict[str, Any]:
    plain = {"op": "CONV_2D", "i": [source, weight, bias], "o": [target]}
    return plain | {"pad": VALID, "s": [1, 1], "act": NO_ACTIVATION} | attributes


def add(first: int, second: int, target: int) -> dict[str, Any]:
    return {"op": "ADD", "i": [first, second], "o": [target], "act": NO_ACTIVATION}


def convolved(x: Array, weight: Array, bias: Array, stride: int) -> Array:
    """(B,H,W,I) by (O,kh,kw,I), without padding, one window after the other."""
    _, height, width, _ = x.shape
    kernel = weight.shape[1]
    rows, columns = range(0, height - kernel + 1, stride), range(0, width - kernel + 1, stride)
    windows = [[x[:, r : r + kernel, c : c + kernel] for c in columns] for r in rows]
    return (
        np.stack([np.stack([np.einsum("bhwi,ohwi->bo", w, weight) for w in row], 1) for row in windows], 1)
        + bias
    )


@pytest.mark.parametrize("size", [5, 6])
@pytest.mark.parametrize("stride", [1, 2])
def test_same_padding_puts_the_odd_pixel_after(tmp_path: Path, size: int, stride: int) -> None:
    weight, bias, x = numbers(4, 3, 3, 2), numbers(4), numbers(2, size, size, 2, seed=1)
    net = graph(
        tmp_path,
        [conv(0, 1, 2, 3, pad=SAME, s=[stride, stride])],
        {1: weight, 2: bias},
        (1, size, size, 2),
        [3],
    )
    total = max((-(-size // stride) - 1) * stride + 3 - size, 0)
    edges = (total // 2, total - total // 2)
    expected = convolved(np.pad(x, ((0, 0), edges, edges, (0, 0))), weight, bias, stride)
    np.testing.assert_allclose(outputs_of(net, x)[0], expected, atol=1e-5)


def test_padding_before_a_convolution_is_kept(tmp_path: Path) -> None:
    weight, bias, x = numbers(4, 3, 3, 2), numbers(4), numbers(1, 5, 5, 2, seed=1)
    pads = [[0, 0], [1, 1], [1, 1], [0, 0]]
    ops = [{"op": "PAD", "i": [0], "o": [3], "pads": pads}, conv(3, 1, 2, 4, act=RELU)]
    net = graph(tmp_path, ops, {1: weight, 2: bias}, x.shape, [4])
    expected = convolved(np.pad(x, pads), weight, bias, 1).clip(0)
    np.testing.assert_allclose(outputs_of(net, x)[0], expected, atol=1e-5)


def test_a_padding_with_two_readers_is_not_folded_away(tmp_path: Path) -> None:
    weight, bias, x = numbers(2, 3, 3, 2), numbers(2), numbers(1, 4, 4, 2, seed=1)
    pads = [[0, 0], [1, 1], [1, 1], [0, 0]]
    pool = {"op": "MAX_POOL_2D", "i": [3], "o": [5], "pad": VALID, "s": [3, 3], "k": [3, 3]}
    ops = [{"op": "PAD", "i": [0], "o": [3], "pads": pads}, conv(3, 1, 2, 4), pool]
    net = graph(tmp_path, ops, {1: weight, 2: bias}, x.shape, [4, 5])
    padded = np.pad(x, pads)
    convolution, pooled = outputs_of(net, x)
    np.testing.assert_allclose(convolution, convolved(padded, weight, bias, 1), atol=1e-5)
    expected = padded.reshape(1, 2, 3, 2, 3, 2).max((2, 4))
    np.testing.assert_array_equal(pooled, expected)


def test_depthwise_convolution_keeps_channels_apart(tmp_path: Path) -> None:
    weight, bias, x = numbers(1, 2, 2, 3), numbers(3), numbers(1, 3, 3, 3, seed=1)
    op = conv(0, 1, 2, 3) | {"op": "DEPTHWISE_CONV_2D"}
    net = graph(tmp_path, [op], {1: weight, 2: bias}, x.shape, [3])
    expected = [
        [(x[0, r : r + 2, c : c + 2] * weight[0]).sum((0, 1)) + bias for c in range(2)] for r in range(2)
    ]
    np.testing.assert_allclose(outputs_of(net, x)[0][0], expected, atol=1e-5)


def test_each_channel_has_its_own_slope(tmp_path: Path) -> None:
    slope, x = numbers(1, 1, 3), numbers(2, 4, 4, 3, seed=1)
    net = graph(tmp_path, [{"op": "PRELU", "i": [0, 1], "o": [2]}], {1: slope}, (1, 4, 4, 3), [2])
    np.testing.assert_allclose(outputs_of(net, x)[0], np.where(x > 0, x, x * slope), atol=1e-6)


@pytest.mark.parametrize("conv_first", [True, False])
def test_a_sum_written_over_its_operand_is_right_every_time(tmp_path: Path, conv_first: bool) -> None:
    weight, bias, x = numbers(2, 1, 1, 2), numbers(2), numbers(2, 4, 4, 2, seed=1)
    ops = [conv(0, 1, 2, 3), add(3, 0, 4) if conv_first else add(0, 3, 4)]
    net = graph(tmp_path, ops, {1: weight, 2: bias}, (1, 4, 4, 2), [4])
    given_x = x.copy()
    for _ in range(2):
        np.testing.assert_allclose(outputs_of(net, x)[0], x + convolved(x, weight, bias, 1), atol=1e-5)
    np.testing.assert_array_equal(x, given_x)


def test_a_sum_spares_what_others_still_need(tmp_path: Path) -> None:
    weight, bias, x = numbers(2, 1, 1, 2), numbers(2), numbers(1, 4, 4, 2, seed=1)
    ops = [conv(0, 1, 2, 3), add(0, 3, 4), add(3, 4, 5)]
    net = graph(tmp_path, ops, {1: weight, 2: bias}, x.shape, [5])
    np.testing.assert_allclose(outputs_of(net, x)[0], x + 2 * convolved(x, weight, bias, 1), atol=1e-5)


def test_a_sum_spares_an_output(tmp_path: Path) -> None:
    weight, bias, x = numbers(2, 1, 1, 2), numbers(2), numbers(1, 4, 4, 2, seed=1)
    net = graph(tmp_path, [conv(0, 1, 2, 3), add(0, 3, 4)], {1: weight, 2: bias}, x.shape, [3, 4])
    convolution, total = outputs_of(net, x)
    np.testing.assert_allclose(convolution, convolved(x, weight, bias, 1), atol=1e-5)
    np.testing.assert_allclose(total, x + convolution, atol=1e-5)


@given(axis=st.sampled_from([1, 2, 3, -1, -2]), flat=st.booleans())
def test_axes_are_those_of_the_stored_graph(
    tmp_path_factory: pytest.TempPathFactory, axis: int, flat: bool
) -> None:
    x = numbers(2, 3, 4, 5)
    mean = x.mean(axis, keepdims=True)
    reduce = {"op": "MEAN", "i": [0], "o": [1], "axes": [axis], "keep": True}
    flatten = {"op": "RESHAPE", "i": [1], "o": [2], "shape": [1, mean[0].size]}
    net = graph(tmp_path_factory.mktemp("net"), [reduce, flatten], {}, (1, 3, 4, 5), [2 if flat else 1])
    np.testing.assert_allclose(outputs_of(net, x)[0], mean.reshape(2, -1) if flat else mean, atol=1e-6)


def test_a_constant_is_joined_to_every_item_of_a_batch(tmp_path: Path) -> None:
    token, x = numbers(1, 1, 1, 5), numbers(3, 1, 4, 5, seed=1)
    op = {"op": "CONCATENATION", "i": [1, 0], "o": [2], "axis": -2}
    net = graph(tmp_path, [op], {1: token}, (1, 1, 4, 5), [2])
    np.testing.assert_array_equal(outputs_of(net, x)[0], np.concatenate([token.repeat(3, 0), x], 2))


def test_transposing_and_slicing_follow_the_stored_axes(tmp_path: Path) -> None:
    x = numbers(2, 1, 4, 5)
    transpose = {"op": "TRANSPOSE", "i": [0], "o": [1], "perm": [0, 1, 3, 2]}
    masks = {"bm": 0b1011, "em": 0b1011, "sm": 0}
    cut = {
        "op": "STRIDED_SLICE",
        "i": [1],
        "o": [2],
        "b": [0, 0, 1, 0],
        "e": [0, 0, 4, 0],
        "st": [1, 1, 2, 1],
    }
    net = graph(tmp_path, [transpose, cut | masks], {}, (1, 1, 4, 5), [2])
    np.testing.assert_array_equal(outputs_of(net, x)[0], x.transpose(0, 1, 3, 2)[:, :, 1:4:2])


def test_channels_unfold_into_blocks(tmp_path: Path) -> None:
    x = numbers(1, 2, 3, 8)
    net = graph(tmp_path, [{"op": "DEPTH_TO_SPACE", "i": [0], "o": [1], "bs": 2}], {}, x.shape, [1])
    expected = x.reshape(1, 2, 3, 2, 2, 2).transpose(0, 1, 3, 2, 4, 5).reshape(1, 4, 6, 2)
    np.testing.assert_array_equal(outputs_of(net, x)[0], expected)


def test_half_precision_weights_compute_in_single(tmp_path: Path) -> None:
    weight, bias = numbers(1, 1, 1, 64).astype(np.float16), np.zeros(1, np.float16)
    x = numbers(1, 1, 1, 64, seed=1)
    net = graph(tmp_path, [conv(0, 1, 2, 3)], {1: weight, 2: bias}, x.shape, [3])
    np.testing.assert_allclose(outputs_of(net, x)[0].item(), (weight.astype(np.float64) * x).sum(), rtol=1e-5)
    assert net.bytes_resident == 4 * (64 + 1)
