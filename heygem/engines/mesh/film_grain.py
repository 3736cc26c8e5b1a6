"""Film grain: how strong a clip has it, mouths without it, and new grain like it for every frame.

A mouth of the bank stays for many frames. Grain that came with it would stand still in a picture that
seethes, so it is taken out of the mouths and drawn anew, as video coders do (film grain synthesis of AV1,
Norkin and Birkbeck 2018).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

Luma = NDArray[np.uint8]
_Values = TypeVar("_Values", NDArray[np.float32], "Tensor")
TILE_PX = 256  # a power of two; the tile repeats beyond
SIZES_PX = (0.0, 0.5, 0.75, 1.1)  # sigma of the blur that gives the grains their size
BLOCK_PX = 16
CALM_SHARE = 0.25  # of blocks and of pairs: those in which least moves tell what is grain
LEAST_LEVELS = 1.5  # weaker grain is not seen, and tracking noise of small faces comes near
CLEANING = 1.3  # strength of the cleaning over that of the grain
CLEANING_PATCH_PX, CLEANING_SEARCH_PX = 5, 13


@dataclass(frozen=True, slots=True)
class FilmGrain:
    """Standard deviation in levels of luma, and the place of its size in SIZES_PX."""

    strength: float
    size: int


@dataclass(frozen=True, slots=True)
class GrainCut:
    """Grain for one frame: where in the tile the picture's corner lies."""

    grain: FilmGrain
    left_px: int
    top_px: int

    @classmethod
    def at(cls, grain: FilmGrain, step: int) -> "GrainCut":
        """Another place for each output frame, the same in every run."""
        left, top = np.random.default_rng(step).integers(0, TILE_PX, 2).tolist()
        return cls(grain, left, top)

    def over(self, left_px: int, top_px: int, width_px: int, height_px: int) -> NDArray[np.float32]:
        """(height,width) what to add to the luma of a box of the picture, in levels."""
        rows = (self.top_px + top_px + np.arange(height_px)) % TILE_PX
        columns = (self.left_px + left_px + np.arange(width_px)) % TILE_PX
        return np.asarray(self.grain.strength * grain_tiles()[self.grain.size][np.ix_(rows, columns)])


def missing_grain(weight: _Values) -> _Values:
    """The part of the grain's power that is gone where a clean mouth is laid over a picture with `weight`."""
    return abs(weight * (2 - weight))  # 1 - (1 - weight)^2; weights in between may be a hair below 0


@cache
def grain_tiles() -> NDArray[np.float32]:
    """(S,TILE_PX,TILE_PX) grain of each size: mean 0, standard deviation 1, going on beyond its edges."""
    white = np.random.default_rng(0).standard_normal((TILE_PX, TILE_PX)).astype(np.float32)
    tiles = []
    for sigma in SIZES_PX:
        margin = 8
        around = np.pad(white, margin, mode="wrap")
        blurred = cv2.GaussianBlur(around, (0, 0), sigma)[margin:-margin, margin:-margin] if sigma else white
        tiles.append((blurred - blurred.mean()) / blurred.std())
    stacked = np.stack(tiles).astype(np.float32)
    stacked.setflags(write=False)
    return stacked


def measured_grain(pairs: Sequence[tuple[Luma, Luma]]) -> FilmGrain | None:
    """From pictures (H,W) of the same place in two frames that follow each other; None: too weak to be seen.

    Where next to nothing moves, what differs between the two is the grain of both.
    """
    differences = [_blocks(second.astype(np.float32) - first) for first, second in pairs]
    found = np.array([_spread_and_likeness(blocks) for blocks in differences if len(blocks)]).reshape(-1, 2)
    spreads, likeness = found.T
    strength = np.quantile(spreads, CALM_SHARE) / np.sqrt(2) if len(found) else 0.0
    if strength < LEAST_LEVELS:
        return None
    of_sizes = np.array([np.exp(-1 / (4 * sigma**2)) if sigma else 0.0 for sigma in SIZES_PX])
    size = np.abs(of_sizes - likeness[_calmest(spreads)].mean()).argmin()
    return FilmGrain(float(strength), int(size))


def without_grain(luma: Luma, grain: FilmGrain) -> Luma:
    """A picture (H,W) with its grain averaged away among places that look alike (Buades et al. 2005)."""
    strength = CLEANING * grain.strength
    return np.asarray(
        cv2.fastNlMeansDenoising(luma, None, strength, CLEANING_PATCH_PX, CLEANING_SEARCH_PX), np.uint8
    )


def _blocks(difference: NDArray[np.float32]) -> NDArray[np.float32]:
    """(H,W) -> (N,B,B), each without its mean."""
    rows, columns = (side // BLOCK_PX for side in difference.shape)
    cut = difference[: rows * BLOCK_PX, : columns * BLOCK_PX].reshape(rows, BLOCK_PX, columns, BLOCK_PX)
    blocks = cut.swapaxes(1, 2).reshape(-1, BLOCK_PX, BLOCK_PX)
    return np.asarray(blocks - blocks.mean((1, 2), keepdims=True))


def _spread_and_likeness(blocks: NDArray[np.float32]) -> tuple[float, float]:
    """Standard deviation of the calmest of blocks (N,B,B), and how neighbours in them correlate."""
    spreads = blocks.std((1, 2))
    calm = blocks[_calmest(spreads)]
    across, down = calm[:, :, 1:] * calm[:, :, :-1], calm[:, 1:] * calm[:, :-1]
    likeness = float(across.mean() + down.mean()) / 2 / max(float((calm**2).mean()), 1e-9)
    return float(np.quantile(spreads, CALM_SHARE)), likeness


def _calmest(spreads: NDArray[np.floating]) -> NDArray[np.int64]:
    """Places of the smaller ones, around the quantile that is taken."""
    return np.argsort(spreads)[: max(1, round(2 * CALM_SHARE * len(spreads)))]
