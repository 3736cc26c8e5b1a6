"""What HeyGem knows of a model before it is loaded."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch

from heygem.models.eviction import Tier
from heygem.models.resident import LoadContext, Precision, ResidentModel


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """How to get one model. `name` is also its folder and its name in the manifest.

    Attributes:
        required: READY waits for it, and it is never evicted; the others are loaded where they are found.
        tolerances: for each precision the model can run in, the largest `deviation` from its goldens.
        cuda_precision: what "auto" means on a GPU; on a CPU it means fp32.
        is_preferred: of the models that may be evicted, the last to go.
    """

    name: str
    title: str
    required: bool
    load: Callable[[LoadContext], ResidentModel]
    tolerances: Mapping[Precision, float]
    cuda_precision: Precision = "fp32"
    is_preferred: bool = False

    @property
    def tier(self) -> Tier:
        """How much it is needed when memory is short."""
        if self.required:
            return Tier.PINNED
        return Tier.PREFERRED if self.is_preferred else Tier.OPTIONAL

    def precision(self, asked: str, device: torch.device) -> Precision:
        """The precision to run in: the asked-for one, or fp32 where this model has to be exact."""
        if asked == "auto":
            return self.cuda_precision if device.type == "cuda" else "fp32"
        return next((known for known in self.tolerances if known == asked), "fp32")
