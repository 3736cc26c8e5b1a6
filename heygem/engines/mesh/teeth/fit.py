"""Makes painted teeth as bright, as crisp and as white as those of the clip they are painted into."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from heygem.engines.mesh.mouth_crop import Image, MouthMasks
from heygem.engines.mesh.teeth.detail import inside_detail, sharpened, sharpening_for
from heygem.engines.mesh.teeth.display import NOBODYS, more_displayed
from heygem.engines.mesh.teeth.rows import with_filled_gaps
from heygem.engines.mesh.teeth.tone import brightness, gain_for, lit, tint_of

OPEN_AREA_PX = 500  # between the lips, in the mouth crop: teeth would be seen
LEAST_FILMED = 3  # open mouths that tell what a person's teeth are like in a clip
# What gaps keep of the light of the teeth beside them, however teeth are sharpened: in teeth that nobody
# knows, as well-kept ones have them, and in a person's own.
FAINT_GAPS, OWN_GAPS = 0.85, 0.75


@dataclass(frozen=True, slots=True)
class FilmedTeeth:
    """What open mouths of a person look like: medians of `inside_detail`, `brightness` and `tint_of`.

    `tint` is None where teeth are hardly seen in them; `more` (4,): see `more_displayed`.
    """

    detail: float
    brightness: float
    tint: NDArray[np.floating] | None = None
    more: NDArray[np.float64] = field(default_factory=NOBODYS.copy)

    @classmethod
    def of(cls, crops: Sequence[Image], masks: Sequence[MouthMasks]) -> "FilmedTeeth | None":
        """From crops (160,160,3) RGB 0..255 of open mouths; None if they are too few to tell."""
        if len(crops) < LEAST_FILMED:
            return None
        pairs = list(zip(crops, masks, strict=True))
        tints = [tint for tint in (tint_of(crop, mask) for crop, mask in pairs) if tint is not None]
        return cls(
            float(np.median([inside_detail(crop, mask) for crop, mask in pairs])),
            float(np.median([brightness(crop, mask) for crop, mask in pairs])),
            np.median(tints, axis=0) if len(tints) >= LEAST_FILMED else None,
            more_displayed(crops, masks),
        )


@dataclass(frozen=True, slots=True)
class TeethFit:
    """One gain of brightness and one amount of sharpening for all painted mouths of a person.

    `brightest`: over the skin's luma; no mouth gets a gain that would make its teeth brighter. `gap_depth`:
    what gaps between teeth keep at least of the light beside them.
    """

    gain: float
    sharpening: float
    brightest: float = np.inf
    gap_depth: float = FAINT_GAPS

    @classmethod
    def of(
        cls,
        crops: Sequence[Image],
        masks: Sequence[MouthMasks],
        residuals: Sequence[Image],
        filmed: FilmedTeeth | None,
    ) -> "TeethFit":
        """From some mouths painted without it; open ones, if there are any, as the filmed ones are open."""
        mouths = list(zip(crops, masks, residuals, strict=True))
        opened = [mouth for mouth in mouths if mouth[1].inner.sum() > OPEN_AREA_PX]
        crops, masks, residuals = zip(*(opened or mouths), strict=True)
        gain = gain_for(crops, masks, residuals, filmed.brightness) if filmed else 1.0
        bright = [lit(*mouth, gain) for mouth in zip(crops, masks, residuals, strict=True)]
        sharpening = sharpening_for(crops, masks, bright, filmed.detail if filmed else None)
        if filmed is None:
            return cls(gain, sharpening)
        return cls(gain, sharpening, filmed.brightness, OWN_GAPS)

    def applied(self, crop: Image, mask: MouthMasks, residual: Image) -> Image:
        """The residual (160,160,3) to add to the crop instead."""
        gain = self.gain
        if gain > 1:
            gain = float(np.clip(self.brightest / brightness(crop + residual, mask), 1.0, gain))
        crisp = sharpened(crop, mask, lit(crop, mask, residual, gain), self.sharpening)
        return with_filled_gaps(crop, mask, crisp, self.gap_depth)
