"""The statuses of all models, and the one place where a model changes its state."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from heygem.errors import HeyGemError
from heygem.models.eviction import Tier
from heygem.models.spec import ModelSpec
from heygem.models.status import NEXT_STATES, ModelState, ModelStatus, TierName

TIER_NAMES: Mapping[Tier, TierName] = {
    Tier.PINNED: "pinned",
    Tier.PREFERRED: "preferred",
    Tier.OPTIONAL: "optional",
}


class ModelBoard:
    """Written by the engine thread; `statuses` is a fresh tuple of frozen snapshots after each change."""

    def __init__(
        self, specs: Sequence[ModelSpec], on_change: Callable[[tuple[ModelStatus, ...]], None]
    ) -> None:
        self._on_change = on_change
        self.statuses = tuple(
            ModelStatus(spec.name, spec.title, spec.required, tier=TIER_NAMES[spec.tier]) for spec in specs
        )

    def __getitem__(self, name: str) -> ModelStatus:
        return next(status for status in self.statuses if status.name == name)

    def move(self, name: str, state: ModelState, **changes: Any) -> None:
        """Let a model go into its next state.

        Raises:
            RuntimeError: from its present state it cannot.
        """
        present = self[name].state
        if state not in NEXT_STATES[present]:
            raise RuntimeError(f"{name} cannot go from {present} to {state}")
        self.replace(name, state=state, **changes)

    def replace(self, name: str, **changes: Any) -> None:
        """Change anything but the state, and tell."""
        self.statuses = tuple(
            dataclasses.replace(status, **changes) if status.name == name else status
            for status in self.statuses
        )
        self._on_change(self.statuses)

    @contextmanager
    def failing_visibly(self, name: str) -> Iterator[None]:
        """Whatever goes wrong goes on its way, but not before the status says so."""
        try:
            yield
        except BaseException as problem:
            told = {"problem": str(problem), "problem_code": HeyGemError.code, "problem_file": ""}
            if isinstance(problem, HeyGemError):
                told |= {"problem_code": problem.code, "problem_file": problem.details.get("file", "")}
            self.move(name, ModelState.FAILED, bytes_resident=0, **told)
            raise
