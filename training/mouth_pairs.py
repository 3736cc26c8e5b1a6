"""Which frames the repair net learns from: pairs of one clip, of sharp and real clips more often."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from training.mouth_material import OPEN_GAP, Mouths

FROM_CLOSED, TO_OPEN, WITH_REFERENCE = 0.6, 0.4, 0.25  # chances
GENERATED_WORTH = 0.6  # against a real clip
# Looked at, and not learnt from: what these would teach is not what teeth look like.
UNFIT = {
    "01a1d80570_0": "light so hard that half of the mouth is black",
    "11a874d5ee_0": "another model's teeth, out of shape",
    "24fd3aaa54_0": "a toddler's teeth, bent by the model that moved them",
    "2c1dc9c3f5_0": "no teeth",
    "37329bd66a_0": "no teeth",
    "3f49a23a4e_0": "yellow and green light, teeth run together",
    "43a76f7498_0": "one white slab for teeth",
    "55fef2bb8b_0": "black and white, one slab for teeth",
    "7e303d392c_0": "a profile behind a beard",
    "9adcf6d6f5_0": "white blobs for teeth",
    "a73e561b93_0": "a shout, lower teeth only",
    "a8775d163f_0": "teeth in the wrong places",
    "aa82a360ca_0": "a statue",
    "b00398c9cd_0": "yellow and green light, teeth run together",
    "cea9f9e22c_0": "a blur",
    "cec6c26a69_0": "one slab for teeth",
    "d270745e75_0": "a cartoon",
}


def is_fit(clip: Mapping[str, str]) -> bool:
    """Whether a clip, a row of the index, may be learnt from and is worth it."""
    return clip["split"] == "train" and clip["bundle"] == "yes" and clip["id"] not in UNFIT


@dataclass(frozen=True, slots=True)
class Pairs:
    """Crops to warp, crops to make of them, a reference each, and whether it is shown; (B,) on the device."""

    source: Tensor
    target: Tensor
    reference: Tensor
    shown: Tensor


class PairSource:
    """Draws pairs of frames of one clip; clips with sharp, real, many mouths more often."""

    def __init__(self, mouths: Mouths, chosen: NDArray[np.bool_], love_of_detail: float, seed: int) -> None:
        """`chosen` (clips,) may be learnt from; a clip counts by its detail to a power, `love_of_detail`."""
        self._device = mouths.images.device
        self._rng = np.random.default_rng(seed)
        self._gap = mouths.gap.cpu().numpy()
        self._crops = {clip: np.flatnonzero(mouths.clip == clip) for clip in np.flatnonzero(chosen).tolist()}
        self._starts = {
            clip: crops[
                np.isin(crops + 1, crops) & mouths.follows[np.minimum(crops + 1, len(mouths.clip) - 1)]
            ]
            for clip, crops in self._crops.items()
        }
        self._clips = np.array(list(self._crops))
        self._worth = self._shares(clip_worth(mouths, self._clips, love_of_detail))
        moving = np.array([len(self._starts[clip]) > 0 for clip in self._clips.tolist()])
        self._moving_worth = self._shares(self._worth * moving)

    @staticmethod
    def _shares(worth: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(worth / worth.sum())

    def draw(self, singles: int, couples: int) -> Pairs:
        """Lone targets, then as many targets as there are couples, then the frames after these."""
        rows = [self._single(clip) for clip in self._rng.choice(self._clips, singles, p=self._worth).tolist()]
        lively = self._rng.choice(self._clips, couples, p=self._moving_worth).tolist()
        moving = [self._single(clip, self._rng.choice(self._starts[clip])) for clip in lively]
        rows += moving + [(source, target + 1, reference) for source, target, reference in moving]
        source, target, reference = (
            torch.tensor(column, device=self._device) for column in zip(*rows, strict=True)
        )
        shown = self._rng.random(singles + couples) < WITH_REFERENCE
        shown = np.concatenate([shown, shown[singles:]])
        return Pairs(source, target, reference, torch.from_numpy(shown).float().to(self._device))

    def _single(self, clip: int, target: int | None = None) -> tuple[int, int, int]:
        crops, rng = self._crops[clip], self._rng
        if target is None:
            target = self._extreme(rng.choice(crops, 2), 1.0 if rng.random() < TO_OPEN else 0.0)
        source = self._extreme(rng.choice(crops, 5), -1.0 if rng.random() < FROM_CLOSED else 0.0)
        return source, int(target), self._extreme(rng.choice(crops[crops != target], 6), 1.0)

    def _extreme(self, crops: NDArray[np.int64], sign: float) -> int:
        """The most open (1), the most closed (-1) or the first (0)."""
        return int(crops[np.argmax(sign * self._gap[crops])])


def clip_worth(mouths: Mouths, clips: NDArray[np.int64], love_of_detail: float) -> NDArray[np.float64]:
    """(clips,) how often each is to be seen: real ones and ones with detail in their open mouths more."""
    detail = []
    for clip in clips.tolist():
        crops = torch.from_numpy(np.flatnonzero(mouths.clip == clip)).to(mouths.images.device)
        open_crops = crops[mouths.gap[crops] > OPEN_GAP]
        detail.append(float(inner_detail(mouths, open_crops).median()) if len(open_crops) else 0.0)
    real = np.array(
        [1.0 if mouths.clips[clip]["generated"] == "0" else GENERATED_WORTH for clip in clips.tolist()]
    )
    counts = np.array([(mouths.clip == clip).sum() for clip in clips.tolist()])
    sharpness = np.clip((np.array(detail) / max(np.median(detail), 1e-9)) ** love_of_detail, 0.3, 2.5)
    return np.asarray(np.minimum(counts, 80) ** 0.5 * real * sharpness)


def inner_detail(mouths: Mouths, crops: Tensor) -> Tensor:
    """(B,) -> (B,) mean square of the Laplacian inside the lips."""
    return masked_detail(mouths.picture(crops), mouths.mask(crops)[:, :1])


def masked_detail(pictures: Tensor, mask: Tensor) -> Tensor:
    """(B,3,H,W) and (B,1,H,W) -> (B,)."""
    kernel = pictures.new_tensor([[0, 1, 0], [1, -4, 1], [0, 1, 0]])[None, None]
    edges = F.conv2d(pictures.mean(1, keepdim=True), kernel, padding=1).square()
    return (edges * mask).sum((1, 2, 3)) / mask.sum((1, 2, 3)).clamp(min=1)
