"""What every trial of the motion needs."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from heygem.models.speech import AudioEncoder
from training.motion import COMPONENTS
from training.motion_material import Material, encode_clips
from training.speech_lips import Basis, is_validation, load_clips

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Bench:
    """What every trial needs."""

    folder: Path
    encoder: AudioEncoder
    basis: Basis
    device: torch.device
    phones: Path | None = None

    def material(self, wanted: Callable[[Mapping[str, str]], bool], variants: int) -> Material:
        clips = load_clips(self.folder, COMPONENTS, wanted)
        log.info("%d clips, %.1f minutes", len(clips), sum(len(clip.motion) for clip in clips) / 1500)
        return encode_clips(clips, self.encoder, variants, seed=0, device=self.device)

    def unseen(self) -> Material:
        return self.material(is_validation, 0)
