"""The eviction policy, replayed against the usual ones: seconds spent reloading on five traces."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heygem.models.eviction import Candidate, Tier, Usage, choose_victims

GB = 1024**3
Victims = Callable[[Sequence[Candidate], int, float], Sequence[Candidate]]
Trace = Sequence[tuple[float, str]]  # (second, the model that is needed)


@dataclass(frozen=True)
class Stored:
    """A model on disk."""

    bytes: int
    reload_seconds: float


# As large and as slow as what people add to a lip-sync studio: nets, encoders, enhancers.
SHELF = {
    "unet": Stored(int(1.7 * GB), 4.0),
    "vae": Stored(int(0.33 * GB), 1.5),
    "unet-hd": Stored(int(5.1 * GB), 9.0),
    "vae-hd": Stored(int(0.33 * GB), 1.8),
    "whisper-tiny": Stored(int(0.08 * GB), 0.6),
    "whisper-large": Stored(int(3.1 * GB), 6.0),
    "wav2vec2": Stored(int(0.38 * GB), 1.0),
    "enhancer": Stored(int(0.7 * GB), 5.0),
    "upscaler": Stored(int(0.13 * GB), 2.5),
    "matting": Stored(int(0.45 * GB), 1.2),
    "parser": Stored(int(0.1 * GB), 0.9),
    "pose": Stored(int(0.9 * GB), 1.6),
}
CAPACITY = 6 * GB


def replay(trace: Trace, victims: Victims, capacity: int = CAPACITY) -> float:
    """Seconds of reloading when a card of `capacity` serves the trace."""
    usages: dict[str, Usage] = dict.fromkeys(SHELF, Usage())
    resident: dict[str, Candidate] = {}
    seconds = 0.0
    for now, name in trace:
        usages[name] = usages[name].used(now)
        if name not in resident:
            stored = SHELF[name]
            held = sum(candidate.bytes_resident for candidate in resident.values())
            fresh = [replace(one, usage=usages[one.name]) for one in resident.values()]
            for victim in victims(fresh, held + stored.bytes - capacity, now):
                del resident[victim.name]
            resident[name] = Candidate(
                name, Tier.OPTIONAL, stored.bytes, stored.reload_seconds, usages[name], now, now
            )
            seconds += stored.reload_seconds
        resident[name] = replace(resident[name], used_at_seconds=now)
    return seconds


def greedy(key: Callable[[Candidate, float], float]) -> Victims:
    """Drop the smallest key first until it fits: what other programs do."""

    def victims(candidates: Sequence[Candidate], short_bytes: int, now: float) -> Sequence[Candidate]:
        chosen = []
        for candidate in sorted(candidates, key=lambda one: key(one, now)):
            if short_bytes <= 0:
                break
            chosen.append(candidate)
            short_bytes -= candidate.bytes_resident
        return chosen

    return victims


RIVALS: Mapping[str, Victims] = {
    "LRU": greedy(lambda one, now: one.used_at_seconds),
    "LFU": greedy(lambda one, now: one.usage.now(now)),
    "smallest first": greedy(lambda one, now: one.bytes_resident),
}


def jobs(
    names: Sequence[Sequence[str]], gap_seconds: float, rng: random.Random
) -> Iterator[tuple[float, str]]:
    """Each job needs its models one after the other; jobs come at random."""
    now = 0.0
    for models in names:
        now += rng.expovariate(1 / gap_seconds)
        for model in models:
            now += 2.0
            yield now, model


FAST, FINE = ["whisper-tiny", "unet", "vae"], ["whisper-large", "unet-hd", "vae-hd"]
EXTRAS = ["enhancer", "upscaler", "matting", "parser", "pose", "wav2vec2"]


def mixed(rng: random.Random) -> Sequence[Sequence[str]]:
    """Most people take the fast engine, some add something, a few want the fine one."""
    kinds = rng.choices(["fast", "plus", "fine"], [6, 3, 1], k=400)
    return [FINE if kind == "fine" else FAST + rng.sample(EXTRAS, 2 * (kind == "plus")) for kind in kinds]


def shifts(rng: random.Random) -> Sequence[Sequence[str]]:
    """Every forty jobs the taste changes."""
    tastes = [[*FAST, rng.choice(EXTRAS)] for _ in range(5)] + [
        ["whisper-large", "pose", "matting"],
        FINE,
    ] * 2
    rng.shuffle(tastes)
    return [rng.choice([taste, taste, FAST]) for taste in tastes for _ in range(40)]


def scans(rng: random.Random) -> Sequence[Sequence[str]]:
    """Steady work; now and then somebody tries everything once."""
    return [[*EXTRAS, "whisper-large"] if rng.random() < 0.08 else FAST for _ in range(400)]


def batches(rng: random.Random) -> Sequence[Sequence[str]]:
    """Batches of one kind after the other: fast, enhanced, fine."""
    kinds = [FAST, [*FAST, "enhancer", "parser"], FINE, ["wav2vec2", "unet", "vae", "upscaler"]]
    return [models for _ in range(30) for models in [rng.choice(kinds)] * rng.randint(3, 20)]


def popular(rng: random.Random) -> Sequence[Sequence[str]]:
    """Single models, the k-th most popular 1/k as often (Zipf's law)."""
    names = sorted(SHELF)
    rng.shuffle(names)
    weights = [1 / rank for rank in range(1, len(names) + 1)]
    return [[name] for name in rng.choices(names, weights, k=1000)]


TRACES = {maker.__name__: maker for maker in (mixed, shifts, scans, batches, popular)}


def reload_seconds(trace_name: str, victims: Victims) -> float:
    """Mean over five drawings of the trace."""
    total = 0.0
    for seed in range(5):
        rng = random.Random(seed)
        total += replay(list(jobs(TRACES[trace_name](rng), 45.0, rng)), victims)
    return total / 5


def test_the_policy_beats_or_ties_the_usual_ones_on_four_of_five_traces(
    record_property: Callable[[str, object], None],
) -> None:
    best = 0
    for name in TRACES:
        ours = reload_seconds(name, choose_victims)
        theirs = {rival: reload_seconds(name, victims) for rival, victims in RIVALS.items()}
        record_property(name, {"ours": ours} | theirs)
        best += all(ours <= seconds for seconds in theirs.values())
    assert best >= 4


def test_nobody_reloads_when_everything_fits() -> None:
    rng = random.Random(0)
    trace = list(jobs(mixed(rng), 45.0, rng))
    once = sum(SHELF[name].reload_seconds for name in {name for _, name in trace})
    assert replay(trace, choose_victims, capacity=100 * GB) == pytest.approx(once)


candidates = st.lists(
    st.builds(
        Candidate,
        name=st.uuids().map(str),
        tier=st.sampled_from(Tier),
        bytes_resident=st.integers(0, 100),
        reload_seconds=st.floats(0.1, 10),
        usage=st.builds(Usage, weight=st.floats(0, 50), at_seconds=st.floats(0, 1000)),
        loaded_at_seconds=st.floats(0, 1000),
        used_at_seconds=st.floats(0, 1000),
    ),
    max_size=8,
)


@given(candidates=candidates, short_bytes=st.integers(-10, 500))
def test_victims_are_enough_needed_and_never_pinned(candidates: list[Candidate], short_bytes: int) -> None:
    chosen = choose_victims(candidates, short_bytes, 1000.0)
    assert all(victim.tier is not Tier.PINNED for victim in chosen)
    freed = sum(victim.bytes_resident for victim in chosen)
    evictable = sum(one.bytes_resident for one in candidates if one.tier is not Tier.PINNED)
    assert freed >= min(short_bytes, evictable)
    assert all(freed - victim.bytes_resident < short_bytes for victim in chosen)


def test_optional_models_go_before_preferred_ones() -> None:
    optional = Candidate("a", Tier.OPTIONAL, 10, 9.0, Usage(9.0, 100.0), 0.0, 100.0)
    preferred = replace(optional, name="b", tier=Tier.PREFERRED, usage=Usage(), used_at_seconds=0.0)
    assert [victim.name for victim in choose_victims([preferred, optional], 5, 100.0)] == ["a"]
    assert [victim.name for victim in choose_victims([preferred, optional], 15, 100.0)] == ["a", "b"]


def test_what_has_just_come_is_left_alone() -> None:
    settled = Candidate("a", Tier.OPTIONAL, 10, 1.0, Usage(5.0, 100.0), 0.0, 100.0)
    just_come = replace(settled, name="b", usage=Usage(1.0, 100.0), loaded_at_seconds=90.0)
    assert [victim.name for victim in choose_victims([settled, just_come], 5, 100.0)] == ["a"]


def test_uses_fade() -> None:
    usage = Usage().used(0.0).used(0.0)
    assert usage.now(600.0) == pytest.approx(1.0)
    assert usage.used(600.0).weight == pytest.approx(2.0)
