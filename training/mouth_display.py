"""How much of their teeth mouths display, for many at once; and what is usual. From the project root:

    python -m training.mouth_display --mouths DIR --index INDEX.tsv

prints `USUAL` of `heygem.engines.mesh.teeth.display`, from the clips that the repair nets learn from, and the
share of the variance it explains on people they never saw, alone and with an offset for each person.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from heygem.engines.mesh.mouth_crop import MouthMasks
from heygem.engines.mesh.teeth.display import (
    LEAST_INSIDE_PX,
    PARTS,
    display_of,
    more_displayed,
    shape_of,
)
from heygem.engines.mesh.teeth.tone import (
    BRIGHT_FROM,
    BRIGHT_FULLY,
    LUMA,
    RED_FROM,
    RED_FULLY,
    REDDEST,
    SURELY_INSIDE,
    USUAL_RED,
)
from training.mouth_material import OPEN_GAP, Mouths, asking_for_mouths, mouths_in
from training.mouth_pairs import is_fit

HARDLY_OPEN = 0.03  # lip gap over the eye corners' distance
Array = NDArray[np.float64]


def displays(pictures: Tensor, masks: Tensor) -> Tensor:
    """`display_of` for RGB (B,3,160,160) in -1..1 with masks (B,4,160,160): (B,4)."""
    rgb = (pictures + 1) * 127.5
    inside = masks[:, 0] > SURELY_INSIDE
    skin = (masks[:, 3] > 0.3) & (masks[:, 1] < 0.1)
    luma = torch.einsum("bchw,c->bhw", rgb, rgb.new_tensor(LUMA))
    light = luma / _median(luma, skin).clamp(min=1)
    redness = (rgb[:, 0] - rgb[:, 1]) / luma.clamp(min=1)
    times = _median(redness, skin).clamp(USUAL_RED, REDDEST) / USUAL_RED
    red = ((redness / times - RED_FROM) / (RED_FULLY - RED_FROM)).clamp(0, 1)
    teeth = ((light - BRIGHT_FROM) / (BRIGHT_FULLY - BRIGHT_FROM)).clamp(0, 1) * (1 - red)
    within = masks[:, 0] > 0.5
    down = (within.cumsum(1) - 0.5) / within.sum(1, keepdim=True).clamp(min=1)
    shares = [_mean(teeth, inside & (down >= low) & (down < high)) for low, high in PARTS]
    told = torch.stack([*shares, _mean(light, inside).clamp(max=1)], 1)
    return told * (inside.sum((1, 2)) >= LEAST_INSIDE_PX)[:, None]


def _median(values: Tensor, where: Tensor) -> Tensor:
    """(B,H,W) -> (B,1,1)."""
    nowhere = torch.full_like(values, torch.nan)
    return torch.where(where, values, nowhere).flatten(1).nanmedian(1).values[:, None, None]


def _mean(values: Tensor, where: Tensor) -> Tensor:
    """(B,H,W) -> (B,); 0 where there is nothing."""
    return (values * where).sum((1, 2)) / where.sum((1, 2)).clamp(min=1)


def masks_of(mouths: Mouths, crop: int) -> MouthMasks:
    """As the product has them."""
    return MouthMasks(*(mouths.masks[crop].cpu().numpy().astype(np.float32) / 255))


def persons_more(mouths: Mouths, clip: int) -> Array:
    """(4,) by how much more than usual the person of a clip displays; see `more_displayed`."""
    gaps = mouths.gap.cpu().numpy()
    crops = np.flatnonzero((mouths.clip == clip) & (gaps > OPEN_GAP)).tolist()
    pictures = [mouths.images[crop].cpu().numpy().astype(np.float32) for crop in crops]
    return more_displayed(pictures, [masks_of(mouths, crop) for crop in crops])


def main() -> None:
    asked = asking_for_mouths(__doc__).parse_args()
    mouths = mouths_in(asked.mouths, asked.index, torch.device("cpu"))
    crops = np.flatnonzero(mouths.gap.numpy() > HARDLY_OPEN)
    masks = [masks_of(mouths, crop) for crop in crops.tolist()]
    pictures = (mouths.images[crop].numpy().astype(np.float32) for crop in crops.tolist())
    displayed = np.array([display_of(*mouth) for mouth in zip(pictures, masks, strict=True)])
    shapes, clip = np.array([shape_of(one) for one in masks]), mouths.clip[crops]
    fit = np.array([is_fit(row) for row in mouths.clips])[clip]
    usual, *_ = np.linalg.lstsq(shapes[fit], displayed[fit], rcond=None)
    print("USUAL", usual.round(2).tolist())
    unseen = np.array([row["split"] == "val" for row in mouths.clips])[clip]
    more, spread = (displayed - shapes @ usual)[unseen], displayed[unseen].var(0)
    print("explained by shape", (1 - more.var(0) / spread).round(2).tolist())
    for number in set(clip[unseen].tolist()):
        more[clip[unseen] == number] -= np.median(more[clip[unseen] == number], axis=0)
    print("and by person", (1 - more.var(0) / spread).round(2).tolist())


if __name__ == "__main__":
    main()
