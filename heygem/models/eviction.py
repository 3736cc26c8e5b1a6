"""Which model goes when the memory is too small for all: pure decisions, no memory is touched here.

A model that was used lately and often, and is slow to bring back for its size, stays. Worth is counted as
`uses per second * seconds to reload / bytes`, where uses fade with a half-life, and what has just come is
left alone for a while. Pinned and leased models are never asked for. The policy was chosen by replaying
traces against LRU, LFU and smallest-first (tests/models/test_eviction.py).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

HALF_LIFE_SECONDS = 600.0
SETTLING_SECONDS = 60.0  # a model that has just come would else be the first to go: it has the fewest uses


class Tier(IntEnum):
    """How much a model is needed; the lowest goes first."""

    OPTIONAL = 0
    PREFERRED = 1
    PINNED = 2


@dataclass(frozen=True, slots=True)
class Usage:
    """How often a model has been asked for, fading; a fresh one for each model."""

    weight: float = 0.0  # uses, each halved for every half-life since
    at_seconds: float = 0.0  # when `weight` was true

    def now(self, seconds: float) -> float:
        """Faded uses at a later time."""
        return float(self.weight * 0.5 ** (max(0.0, seconds - self.at_seconds) / HALF_LIFE_SECONDS))

    def used(self, seconds: float) -> "Usage":
        """One more use."""
        return replace(self, weight=self.now(seconds) + 1.0, at_seconds=seconds)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model that may go: nobody leases it."""

    name: str
    tier: Tier
    bytes_resident: int
    reload_seconds: float
    usage: Usage
    loaded_at_seconds: float
    used_at_seconds: float


def choose_victims(
    candidates: Iterable[Candidate], short_bytes: int, now_seconds: float
) -> Sequence[Candidate]:
    """The models to drop so that `short_bytes` more are free; all that may go if even those are too few.

    The cheapest set is sought by greed, and then thinned: a victim that the others make needless stays.
    """
    if short_bytes <= 0:
        return []
    chosen: list[Candidate] = []
    freed_bytes = 0
    for candidate in sorted(candidates, key=lambda one: _rank(one, now_seconds)):
        if candidate.tier is Tier.PINNED:
            continue
        if freed_bytes >= short_bytes:
            break
        chosen.append(candidate)
        freed_bytes += candidate.bytes_resident
    return _thinned(chosen, freed_bytes - short_bytes)


def worth(candidate: Candidate, now_seconds: float) -> float:
    """Seconds of reloading that a byte of it saves, per half-life."""
    uses = candidate.usage.now(now_seconds)
    return uses * candidate.reload_seconds / max(1, candidate.bytes_resident)


def _rank(candidate: Candidate, now_seconds: float) -> tuple[int, bool, float, float]:
    """First to go, first: by tier, then those that have settled, the least worth, the longest idle."""
    is_settling = now_seconds - candidate.loaded_at_seconds < SETTLING_SECONDS
    return candidate.tier, is_settling, worth(candidate, now_seconds), candidate.used_at_seconds


def _thinned(chosen: Sequence[Candidate], spare_bytes: int) -> Sequence[Candidate]:
    kept: list[Candidate] = []
    for candidate in reversed(chosen):  # the most worth first
        if candidate.bytes_resident <= spare_bytes:
            spare_bytes -= candidate.bytes_resident
        else:
            kept.append(candidate)
    return kept[::-1]
