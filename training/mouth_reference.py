"""The person's own teeth as the repair net is shown them, and lessons that cannot be learnt without looking.

The numpy twin of `seen_at` is `heygem.engines.mesh.teeth.seen`.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from heygem.engines.mesh.mouth_crop import TEETH_REACH_PX
from heygem.engines.mesh.teeth.seen import ROWS_PART_PX
from heygem.models.mouth import CROP_PX, PICTURE_CHANNELS
from training.mouth_material import Mouths, pixel_centres

# People are few, and a net soon knows each by the skin: here they get other teeth now and then.
DARKER, BRIGHTER, TINTED, WIDER = 0.7, 1.15, 0.08, 1.25


def seen_at(mouths: Mouths, reference: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Open mouths (B,) moved rigidly so that either row of teeth is where it is in the targets (B,).

    Returns:
        RGB (B,3,160,160) in -1..1 and where something of the inside is seen (B,1,160,160) in 0..1.
    """
    pixels = pixel_centres(reference.device).view(1, CROP_PX, CROP_PX, 2)
    here, there = mouths.origin[target], mouths.origin[reference]  # (B,3): x, upper, lower
    down = pixels[..., 1]  # (1,160,160)
    is_upper = down < _rows_part(here)
    moved = (there - here)[..., None, None]  # (B,3,1,1)
    across = pixels[..., 0] + moved[:, 0]
    down = down + torch.where(is_upper, moved[:, 1], moved[:, 2])
    grid = torch.stack([across, down], -1) / ((CROP_PX - 1) / 2) - 1
    pictures = torch.cat([mouths.picture(reference), mouths.mask(reference)[:, :1]], 1)
    found = F.grid_sample(pictures, grid, "bilinear", "zeros", align_corners=True)
    same_row = is_upper == (down < _rows_part(there))
    return found[:, :3].clamp(-1, 1), found[:, 3:].clamp(0, 1) * same_row[:, None]


def _rows_part(origin: Tensor) -> Tensor:
    """(B,3) -> (B,1,1): down to here a pixel belongs to the upper row."""
    return (origin[:, 1] + origin[:, 2])[:, None, None] / 2 + ROWS_PART_PX


def other_teeth(
    inputs: Tensor, truth: Tensor, inner: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Inputs (B,18,H,W) and truths (B,3,H,W) whose teeth, shown and true, look another way alike.

    Only where teeth are shown: wider, of another brightness and colour. Nothing but the reference tells how.
    """
    count, device = len(truth), truth.device

    def even(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(count, *shape, device=device, generator=generator)

    gain = even(DARKER, BRIGHTER, 1, 1, 1) * even(1 - TINTED, 1 + TINTED, 3, 1, 1)
    wider = even(1.0, WIDER)
    middle = -inputs[:, PICTURE_CHANNELS, 0, 0] * TEETH_REACH_PX  # the teeth's, across
    pixels = pixel_centres(device).view(1, CROP_PX, CROP_PX, 2).expand(count, -1, -1, -1)
    across = middle[:, None, None] + (pixels[..., 0] - middle[:, None, None]) / wider[:, None, None]
    grid = torch.stack([across, pixels[..., 1]], -1) / ((CROP_PX - 1) / 2) - 1

    def changed(pictures: Tensor) -> Tensor:
        moved = F.grid_sample(pictures, grid, "bicubic", "border", align_corners=True)
        return ((moved + 1) * gain - 1).clamp(-1, 1)

    shown = (inputs[:, 8:9].flatten(1).amax(1) > 0).float()[:, None, None, None]
    where = F.grid_sample(inputs[:, 8:9], grid, "bilinear", "border", align_corners=True)
    reference = torch.cat([changed(inputs[:, 5:8]) * (where > 0.5), where], 1)
    new_inputs = torch.cat([inputs[:, :5], reference, inputs[:, 9:]], 1)
    new_truth = truth + inner * (changed(truth) - truth)
    return inputs + shown * (new_inputs - inputs), truth + shown * (new_truth - truth)
