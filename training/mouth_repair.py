"""Trains the repair net of `models/mouth-repair` on one GPU and measures it. From the project root:

    python -m training.mouth_repair --mouths DIR --index INDEX.tsv --out DIR

Learns from every shard `bundle-*.npz` of the folder (crops whose licence lets weights learnt from them ship),
and of these from the clips of the `train` split that are not `UNFIT`. Two nets learn by two recipes, one more
for exactness, one more for looks, side by side where there are two GPUs; their mean is what the product
paints with. Measures on clips of `val`, people they never saw.
Writes `model.safetensors`, `mouth_figures.json` and `mouths.png`: closed mouth, warp, painted, painted with
another frame of the person for reference, and the truth.
"""

import json
import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import load_file
from safetensors.torch import save_file
from torch import Tensor

from heygem.engines.mesh.teeth.display import NOBODYS, wanted_display
from heygem.models.mouth import MouthUNet
from training.mouth_display import masks_of, persons_more
from training.mouth_lesson import Recipe, lay_out, learn
from training.mouth_material import OPEN_GAP, Mouths, asking_for_training, mouths_in
from training.mouth_pairs import Pairs, is_fit, masked_detail

RECIPES = (
    Recipe(steps=5000, inside=0.5, critic=0.04, likeness=0.25, tint=0.06, love_of_detail=0.5),
    Recipe(steps=5000, inside=0.4, critic=0.06, likeness=0.30, tint=0.06, love_of_detail=1.0),
)
AT_ONCE = 16
SHEET_COLUMNS = 2

LOG_FORMAT = "%(asctime)s %(message)s"
Weights = dict[str, NDArray[np.float16]]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Painted:
    """One clip's mouths, all made of its most closed one: crops (M,), pictures (M,3,160,160) in -1..1."""

    crops: Tensor
    warp: Tensor
    pictures: Tensor
    truth: Tensor
    masks: Tensor


def main() -> None:
    """Train, measure, write."""
    asked = asking_for_training(__doc__).parse_args()
    logging.basicConfig(level=logging.INFO, format=LOG_FORMAT)
    if asked.weights is None:
        learnt = learn_all(asked.mouths, asked.index)
        save(learnt, asked.out / "model.safetensors")
    else:
        learnt = saved(asked.weights)
    mouths = mouths_in(asked.mouths, asked.index, device_of(0))
    nets = [net_with(net, device_of(0)) for net in learnt]
    unseen = np.array([clip["split"] == "val" for clip in mouths.clips])
    figures = {
        "without reference": measure(nets, mouths, unseen, with_reference=False),
        "with reference": measure(nets, mouths, unseen, with_reference=True),
    }
    log.info("%s", json.dumps(figures))
    (asked.out / "mouth_figures.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    write_sheet(nets, mouths, unseen, asked.out / "mouths.png")


def learn_all(folder: Path, index: Path) -> list[Weights]:
    """Train by every recipe, on as many GPUs at once as there are."""
    side_by_side = max(1, torch.cuda.device_count())
    with ProcessPoolExecutor(side_by_side, get_context("spawn")) as pool:
        return list(pool.map(learn_alone, range(len(RECIPES)), repeat(folder), repeat(index)))


def save(nets: Sequence[Weights], path: Path) -> None:
    """All nets in one file, as the product reads them."""
    tensors = {
        f"net{number}.{name}": torch.from_numpy(value)
        for number, net in enumerate(nets)
        for name, value in net.items()
    }
    save_file(tensors, path, metadata={"licence": "Apache-2.0"})


def saved(path: Path) -> list[Weights]:
    """What `save` wrote."""
    tensors = load_file(path)
    return [
        {
            name.removeprefix(f"net{number}."): tensor
            for name, tensor in tensors.items()
            if name.startswith(f"net{number}.")
        }
        for number in range(len(RECIPES))
    ]


def learn_alone(number: int, folder: Path, index: Path) -> Weights:
    """Train by one of the `RECIPES`, in a process of its own."""
    logging.basicConfig(level=logging.INFO, format=f"net {number} {LOG_FORMAT}", force=True)
    torch.backends.cudnn.benchmark = True
    mouths = mouths_in(folder, index, device_of(number))
    fit = np.array([is_fit(clip) for clip in mouths.clips])
    log.info("%d crops, %d of %d clips to learn from", len(mouths.gap), fit.sum(), len(fit))
    net = learn(mouths, fit, RECIPES[number], seed=0)
    return {name: weight.half().cpu().numpy() for name, weight in net.state_dict().items()}


def device_of(number: int) -> torch.device:
    """Where a net learns: on the GPUs in turn."""
    count = torch.cuda.device_count()
    return torch.device("cuda", number % count) if count else torch.device("cpu")


def net_with(weights: Weights, device: torch.device) -> MouthUNet:
    """A net that paints with the weights as they ship."""
    net = MouthUNet().to(device)
    net.load_state_dict({name: torch.from_numpy(value).float() for name, value in weights.items()})
    return net.eval()


@torch.inference_mode()
def paint(nets: Sequence[MouthUNet], mouths: Mouths, clip: int, with_reference: bool) -> Painted:
    """Every other mouth of a clip from its most closed one, as the product asks for them.

    With a reference its most open one is shown, and all open ones tell how much the person displays.
    """
    crops = torch.from_numpy(np.flatnonzero(mouths.clip == clip)).to(mouths.images.device)
    source, widest = crops[mouths.gap[crops].argmin()], crops[mouths.gap[crops].argmax()]
    targets = crops[(crops != source) & (crops != widest)]
    more = persons_more(mouths, clip) if with_reference else NOBODYS
    parts = []
    for some in targets.split(AT_ONCE):
        shown = torch.full((len(some),), float(with_reference), device=some.device)
        wanted = np.stack([wanted_display(masks_of(mouths, crop), more) for crop in some.tolist()])
        canvas = lay_out(
            mouths,
            Pairs(source.expand(len(some)), some, widest.expand(len(some)), shown),
            torch.from_numpy(wanted).float().to(some.device),
        )
        residual = torch.stack([net(canvas.inputs) for net in nets]).mean(0)
        parts.append((canvas.warp, canvas.finished(residual).clamp(-1, 1), canvas.truth, canvas.masks))
    return Painted(targets, *(torch.cat(column) for column in zip(*parts, strict=True)))


def measure(
    nets: Sequence[MouthUNet], mouths: Mouths, unseen: NDArray[np.bool_], with_reference: bool
) -> dict[str, float]:
    """Means over clips.

    `error`: L1 on the lips, range 1. `detail`: of the inside over the filmed one's. `tone`: how much lighter
    the inside is than the filmed one, range 1. `flicker`: change from frame to frame over the filmed one's.
    """
    clips = [paint(nets, mouths, clip, with_reference) for clip in np.flatnonzero(unseen).tolist()]
    rows = [dict(figures_of(clip, mouths)) for clip in clips]
    names = sorted({name for row in rows for name in row})
    return {name: round(float(np.mean([row[name] for row in rows if name in row])), 4) for name in names}


def figures_of(clip: Painted, mouths: Mouths) -> Iterator[tuple[str, float]]:
    """The figures that one clip gives."""
    lips = clip.masks[:, 3:4] * (clip.masks[:, 1:2] > 0.5)
    error = (clip.pictures - clip.truth) / 2
    yield "error", _inside(error.abs(), lips)
    yield "error of the bare warp", _inside((clip.warp - clip.truth).abs() / 2, lips)
    is_open = mouths.gap[clip.crops] > OPEN_GAP
    if is_open.any():
        inner = clip.masks[is_open, :1]
        made, filmed = (masked_detail(one[is_open], inner) for one in (clip.pictures, clip.truth))
        yield "detail", float((made / filmed.clamp(min=1e-6)).median())
        yield "tone", _inside(error[is_open], inner)
    follows = torch.from_numpy(mouths.follows).to(clip.crops.device)[clip.crops]
    after = torch.nonzero(follows[1:] & (clip.crops.diff() == 1))[:, 0] + 1
    if len(after):
        change = [(one[after] - one[after - 1]).abs() for one in (clip.pictures, clip.truth)]
        made_change, filmed_change = (_inside(one, clip.masks[after, :1] + 1e-6) for one in change)
        yield "flicker", made_change / filmed_change


def _inside(pictures: Tensor, mask: Tensor) -> float:
    return float((pictures * mask).sum() / mask.sum().clamp(min=1e-6) / 3)


def write_sheet(nets: Sequence[MouthUNet], mouths: Mouths, unseen: NDArray[np.bool_], path: Path) -> None:
    """Two mouths of each unseen clip: its widest but two, and one half open."""
    rows = []
    for clip in np.flatnonzero(unseen).tolist():
        plain, taught = (paint(nets, mouths, clip, shown) for shown in (False, True))
        order = mouths.gap[plain.crops].argsort()
        source = mouths.images[mouths.clip == clip][mouths.gap[mouths.clip == clip].argmin()].cpu().numpy()
        for pick in (int(order[-2]), int(order[len(order) * 2 // 3])):
            shown = [plain.warp[pick], plain.pictures[pick], taught.pictures[pick], plain.truth[pick]]
            rows.append(np.hstack([source, *(_rgb(one) for one in shown)]))
    rows += [np.zeros_like(rows[0])] * (-len(rows) % SHEET_COLUMNS)
    lines = [np.hstack(rows[first : first + SHEET_COLUMNS]) for first in range(0, len(rows), SHEET_COLUMNS)]
    cv2.imwrite(str(path), cv2.cvtColor(np.vstack(lines), cv2.COLOR_RGB2BGR))


def _rgb(picture: Tensor) -> NDArray[np.uint8]:
    return ((picture + 1) * 127.5).round().clamp(0, 255).byte().permute(1, 2, 0).cpu().numpy()


if __name__ == "__main__":
    main()
