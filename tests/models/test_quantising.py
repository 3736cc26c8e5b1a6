"""Weights in int8: smaller, near enough, and as near in half precision."""

from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

from heygem.models.loading import WeightReader
from heygem.models.quantising import quantise_linear_weights, stored_bytes

WIDTHS = (128, 96, 80)  # of rows: groups of 64, 32 and 16 fit


def net(dtype: torch.dtype = torch.float32) -> nn.Module:
    torch.manual_seed(1)
    rows = [nn.Linear(width, after) for width, after in zip(WIDTHS, (*WIDTHS[1:], 8), strict=True)]
    return nn.Sequential(*rows).to(dtype).requires_grad_(False)


def far(one: torch.Tensor, other: torch.Tensor) -> float:
    return float((one.float() - other.float()).abs().mean() / other.float().abs().mean())


def test_every_row_that_a_group_divides_shrinks() -> None:
    exact, small = net(), net()
    quantise_linear_weights(small)
    assert stored_bytes(small) < 0.4 * stored_bytes(exact)
    given = torch.randn(50, WIDTHS[0])
    assert 0 < far(small(given), exact(given)) < 0.02


def test_the_room_all_weights_shared_goes_back(tmp_path: Path) -> None:
    save_file(net().state_dict(), tmp_path / "net.safetensors")
    small = net()
    small.load_state_dict(WeightReader(torch.device("cpu")).read(tmp_path / "net.safetensors"), assign=True)
    quantise_linear_weights(small)
    left = [tensor for tensor in small.parameters() if not hasattr(tensor, "__tensor_flatten__")]
    assert left
    assert all(tensor.untyped_storage().nbytes() == tensor.nbytes for tensor in left)


def test_a_row_that_no_group_divides_stays_as_it_is() -> None:
    exact, odd = nn.Linear(40, 8), nn.Linear(40, 8)
    odd.load_state_dict(exact.state_dict())
    quantise_linear_weights(odd)
    given = torch.randn(5, 40)
    assert torch.equal(odd(given), exact(given))


def test_loud_values_do_not_leave_the_range_of_half_precision() -> None:
    """127-fold sums of them would; weights are widened before they are multiplied."""
    exact, half = net(), net(torch.float16)
    quantise_linear_weights(exact)
    quantise_linear_weights(half)
    given = torch.randn(50, WIDTHS[0]).half() * 1000
    assert far(half(given), exact(given.float())) < 0.005
