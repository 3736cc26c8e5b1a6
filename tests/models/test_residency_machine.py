"""The registry under any order of events, on a device that fails at any moment."""

from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from heygem.errors import DeviceMemoryError, ModelBusyError
from heygem.models.status import NEXT_STATES, ModelState
from tests.models.fake_models import MB, FakeModel, Shelf, resident_names, status_of

SIZES = {"core": 200, "helper": 100, "fine": 450, "extra": 150, "huge": 700}
NAMES = st.sampled_from(sorted(SIZES))


class ResidencyMachine(RuleBasedStateMachine):
    """`core` is required; `helper` is preferred; the others are optional. 1000 MB are there for all."""

    @initialize(remembers=st.booleans())
    def build(self, remembers: bool) -> None:
        self.stack = ExitStack()
        folder = Path(self.stack.enter_context(TemporaryDirectory()))
        self.shelf = Shelf(folder)
        for name, size in SIZES.items():
            self.shelf.put(
                name, size * MB, size * MB // 2, required=name == "core", is_preferred=name == "helper"
            )
        self.registry = self.shelf.registry(folder / "needs.json" if remembers else None)
        self.leases: list[tuple[str, AbstractContextManager[None]]] = []
        self.told = dict.fromkeys(SIZES, ModelState.ABSENT)
        self.seen = 0
        self.asked_to_go = {"core"}

    @rule(name=NAMES)
    def use(self, name: str) -> None:
        try:
            self.registry.get(name, FakeModel).warm("batch-8")
        except (RuntimeError, DeviceMemoryError) as error:
            assert "memory" in str(error)
        else:
            self.asked_to_go.discard(name)

    @rule(name=NAMES)
    def lease(self, name: str) -> None:
        lease = self.registry.lease(name)
        lease.__enter__()
        self.leases.append((name, lease))

    @precondition(lambda self: self.leases)
    @rule(data=st.data())
    def end_a_lease(self, data: st.DataObject) -> None:
        index = data.draw(st.integers(0, len(self.leases) - 1))
        self.leases.pop(index)[1].__exit__(None, None, None)

    @rule(name=NAMES)
    def unload(self, name: str) -> None:
        is_leased = any(leased == name for leased, _ in self.leases)
        try:
            unloaded = self.registry.unload(name)
        except ModelBusyError:
            assert is_leased
        else:
            assert not is_leased
            assert unloaded.freed_bytes >= unloaded.claimed_bytes
            self.asked_to_go.add(name)

    @rule()
    def drop_idle(self) -> None:
        self.registry.drop_idle()

    @rule(megabytes=st.integers(0, 900))
    def another_program_takes(self, megabytes: int) -> None:
        room = self.shelf.device.capacity_bytes - self.shelf.device.tensor_bytes()
        self.shelf.device.others_bytes = min(megabytes * MB, room)

    @rule(call=st.integers(1, 4))
    def memory_runs_out_soon(self, call: int) -> None:
        self.shelf.device.fail_at(call, "out of memory")

    @rule(seconds=st.integers(1, 5000))
    def time_passes(self, seconds: int) -> None:
        self.shelf.seconds += seconds

    @invariant()
    def memory_is_what_the_models_hold(self) -> None:
        held = sum(SIZES[name] * MB for name in resident_names(self.registry))
        assert self.shelf.device.tensor_bytes() == held
        assert self.registry.plan().resident_bytes == held

    @invariant()
    def what_is_needed_stays(self) -> None:
        if "core" not in self.asked_to_go:
            assert "core" in resident_names(self.registry)

    @invariant()
    def every_step_was_allowed(self) -> None:
        for statuses in self.shelf.history[self.seen :]:
            for status in statuses:
                before = self.told[status.name]
                assert status.state is before or status.state in NEXT_STATES[before]
                self.told[status.name] = status.state
        self.seen = len(self.shelf.history)

    @invariant()
    def a_failure_says_why(self) -> None:
        for name in SIZES:
            status = status_of(self.registry.statuses(), name)
            assert bool(status.problem) == (status.state is ModelState.FAILED)

    def teardown(self) -> None:
        if hasattr(self, "stack"):
            self.stack.close()


TestResidency = ResidencyMachine.TestCase
TestResidency.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
