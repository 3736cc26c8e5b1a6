"""Makes the op list of a stored graph cheaper to run, without changing what it computes."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

Op = Mapping[str, Any]

VALID = 1  # the stored code for "no padding"; 0 stands for "as much as keeps the size"


def fold_padding(ops: Sequence[Op]) -> list[Op]:
    """Turn an even spatial PAD that feeds only a convolution without padding into that one's padding."""
    uses = Counter(key for op in ops for key in op["i"])
    folded: dict[int, tuple[int, tuple[int, int]]] = {}  # padded tensor -> (unpadded one, (rows, columns))
    kept: list[Op] = []
    for op, following in zip(ops, [*ops[1:], None], strict=True):
        target = op["o"][0]
        if uses[target] == 1 and following and _is_foldable(op, following):
            folded[target] = (op["i"][0], (op["pads"][1][0], op["pads"][2][0]))
        elif op["i"][0] in folded:
            source, padding = folded[op["i"][0]]
            kept.append({**op, "i": [source, *op["i"][1:]], "padding": padding})
        else:
            kept.append(op)
    return kept


def reuse_memory(ops: Sequence[Op], outputs: Sequence[int]) -> list[Op]:
    """Let an ADD write over a convolution that it alone reads: large fresh memory is slow to come by."""
    uses = Counter([*outputs, *(key for op in ops for key in op["i"])])
    disposable = {op["o"][0] for op in ops if op["op"].endswith("CONV_2D") and uses[op["o"][0]] == 1}
    return [
        {**op, "into": 1 if op["i"][1] in disposable else 0}
        if op["op"] == "ADD" and disposable.intersection(op["i"])
        else op
        for op in ops
    ]


def _is_foldable(op: Op, following: Op) -> bool:
    if op["op"] != "PAD" or following["i"][0] != op["o"][0]:
        return False
    even = all(before == after for before, after in op["pads"])
    spatial = not any(op["pads"][0] + op["pads"][3])
    return even and spatial and following["op"].endswith("CONV_2D") and following["pad"] == VALID
