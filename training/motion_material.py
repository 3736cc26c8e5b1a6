"""Clips as encoder states: each clip and its random variants, cut into the product's own windows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from heygem.models.speech import RATE_HZ, AudioEncoder, plan_windows
from training.speech_lips import SAMPLES_PER_FRAME, Clip
from training.speech_variants import Variant, cut, padded, random_variant

FRAMES_PER_SECOND = RATE_HZ // SAMPLES_PER_FRAME


@dataclass(frozen=True, slots=True)
class Piece:
    """One window of one variant of a clip, padded with silence to the encoder's bucket."""

    clip: int  # which clip of the list
    start: int  # frame of the variant it begins with
    spoken: int  # frames before the padding
    is_plain: bool  # of the clip as it is
    variant: Variant
    features: Tensor  # (2 n,6,512) float16

    def __len__(self) -> int:
        return len(self.variant.source)


def encode_clips(
    clips: Sequence[Clip], encoder: AudioEncoder, variant_count: int, seed: int, device: torch.device
) -> "Material":
    """Every clip as it is and `variant_count` random variants of it."""
    rng = np.random.default_rng(seed)
    generator = torch.Generator(device).manual_seed(seed)
    sounds = [torch.from_numpy(clip.samples).to(device) for clip in clips]
    pieces: list[Piece] = []
    for number, sound in enumerate(sounds):
        pieces += encode(number, Variant.plain(sound), True, encoder)
        for _ in range(variant_count):
            pieces += encode(number, random_variant(sound, sounds, rng, generator), False, encoder)
    return Material(clips, pieces)


def encode(clip: int, variant: Variant, is_plain: bool, encoder: AudioEncoder) -> Iterator[Piece]:
    """The variant's windows, as the product cuts them."""
    for window in plan_windows(len(variant.samples), encoder.bucket_seconds):
        start, spoken = window.start_sample // SAMPLES_PER_FRAME, window.sample_count // SAMPLES_PER_FRAME
        part = padded(cut(variant, start, spoken), window.bucket_seconds * FRAMES_PER_SECOND)
        features = encoder.encode(part.samples.cpu().numpy()).half()
        yield Piece(clip, start, spoken, is_plain, part, features)


@dataclass(frozen=True, slots=True)
class Material:
    """Clips and their pieces."""

    clips: Sequence[Clip]
    pieces: Sequence[Piece]

    def plain(self, clip: int) -> list[Piece]:
        """The windows of one clip as it is."""
        return [piece for piece in self.pieces if piece.clip == clip and piece.is_plain]

    def bend(self, tracks: Sequence[Tensor]) -> Tensor:
        """One (T,C) track per clip -> (N,C) over all pieces end to end."""
        return torch.cat([piece.variant.bend(tracks[piece.clip]) for piece in self.pieces])


@dataclass(frozen=True, slots=True)
class Shelf:
    """Pieces end to end, to draw random crops from."""

    features: Tensor  # (2 N,6,512) float16
    first: Tensor  # (P,) first frame of each piece
    size: Tensor  # (P,) frames
    last_start: Tensor  # (P,) last frame of the piece a crop may begin with
    chance: Tensor  # (P,) how often a piece is drawn

    @staticmethod
    def of(material: Material, crop_frames: int) -> "Shelf":
        """Long clips count less than their length, badly synchronised ones less than good ones."""
        pieces, clips = material.pieces, material.clips
        device = pieces[0].features.device
        owner = torch.tensor([piece.clip for piece in pieces])
        sizes = torch.tensor([len(piece) for piece in pieces])
        spoken = torch.tensor([piece.spoken for piece in pieces])
        total = torch.zeros(len(clips)).index_add_(0, owner, spoken.float())
        worth = torch.tensor([min(len(clip.motion), 500) ** 0.7 * clip.trust for clip in clips])
        last_start = torch.minimum(sizes - crop_frames, spoken - crop_frames // 2).clamp(min=0)
        return Shelf(
            features=torch.cat([piece.features for piece in pieces]),
            first=(sizes.cumsum(0) - sizes).to(device),
            size=sizes.to(device),
            last_start=last_start.to(device),
            chance=(worth[owner] * spoken / total[owner]).to(device),
        )

    def crops(
        self, count: int, frames: int, allowed: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Frame numbers (count,frames) of random crops from `allowed` (P,) pieces, and which are real."""
        device = self.features.device
        piece = torch.multinomial(self.chance * allowed, count, replacement=True, generator=generator)
        share = torch.rand(count, device=device, generator=generator)
        start = (share * (self.last_start[piece] + 1)).long()
        at = start[:, None] + torch.arange(frames, device=device)
        real = at < self.size[piece][:, None]
        return self.first[piece][:, None] + at.minimum(self.size[piece][:, None] - 1), real

    def features_at(self, frames: Tensor) -> Tensor:
        """(B,n) frame numbers at 25 per second -> (B,2n,6,512) float32."""
        steps = torch.stack([2 * frames, 2 * frames + 1], -1).flatten(1)
        return self.features[steps].float()
