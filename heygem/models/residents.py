"""The books of the registry: which models are resident, who leases them, how often they are used."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from heygem.models.budget import Need
from heygem.models.eviction import Candidate, Tier, Usage
from heygem.models.maker import Made
from heygem.models.resident import ResidentModel


@dataclass(slots=True)
class _Held:
    """A resident model and its times, in seconds of the registry's clock."""

    made: Made
    loaded_at: float
    used_at: float


class Residents:
    """Uses are remembered of models that are gone, too: they tell what is worth keeping next time."""

    def __init__(self, tiers: Mapping[str, Tier]) -> None:
        self._tiers = tiers
        self._held: dict[str, _Held] = {}
        self._usages = dict.fromkeys(tiers, Usage())
        self._leases: Counter[str] = Counter()

    def __contains__(self, name: str) -> bool:
        return name in self._held

    def keep(self, name: str, made: Made, now_seconds: float) -> None:
        """A model has become resident."""
        self._held[name] = _Held(made, now_seconds, now_seconds)

    def drop(self, name: str) -> int:
        """Forget a model, resident or not; returns the bytes that gives back."""
        held = self._held.pop(name, None)
        return held.made.need.resident_bytes if held else 0

    def use(self, name: str, now_seconds: float) -> ResidentModel:
        """The model, and one more use of it."""
        held = self._held[name]
        held.used_at = now_seconds
        self._usages[name] = self._usages[name].used(now_seconds)
        return held.made.model

    def leases(self, name: str) -> int:
        """How many hold on to it."""
        return self._leases[name]

    def count_lease(self, name: str, change: int) -> int:
        """One more or one less; returns how many there are then."""
        self._leases[name] += change
        return self._leases[name]

    def needs(self) -> Iterator[Need]:
        """The memory of each."""
        return (held.made.need for held in self._held.values())

    def candidates(self) -> list[Candidate]:
        """Those that may be dropped: not pinned, and nobody leases them."""
        return [
            Candidate(
                name=name,
                tier=self._tiers[name],
                bytes_resident=held.made.need.resident_bytes,
                reload_seconds=held.made.seconds,
                usage=self._usages[name],
                loaded_at_seconds=held.loaded_at,
                used_at_seconds=held.used_at,
            )
            for name, held in self._held.items()
            if self._tiers[name] is not Tier.PINNED and not self._leases[name]
        ]
