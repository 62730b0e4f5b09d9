"""Who sends how much: many keys, a few of them hot, a steady stream with bursts in it."""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

HOT_KEYS = 5
"""So many keys send more than their limit allows."""
HOT_SHARE, USUAL_SHARE = 0.6, 3.0
"""A limit, as a share of what its key sends in a window."""
MIN_LIMIT = 5
GCRA_BURST = 0.2
"""How much of its limit a key with gcra can use at once."""
WINDOWS_S = (10.0, 5.0, 10.0, 8.0)

BURST_SHARE = 0.15
BURST_EVERY_S = 4.0
BURST_LASTS_S = 0.4
BURST_KEYS = 40


@dataclass(frozen=True, slots=True)
class LoadKey:
    """`weight`: its share of the steady stream. `burst`: how much it can use at once."""

    name: str
    weight: float
    limit: int
    window_s: float
    algorithm: str
    burst: int

    @property
    def at_most(self) -> int:
        """What its algorithm allows in any window."""
        return self.limit + self.burst if self.algorithm == "gcra" else self.limit

    def body(self) -> dict[str, Any]:
        limit = {"limit": self.limit, "window_s": self.window_s, "algorithm": self.algorithm}
        return limit | ({"burst": self.burst} if self.algorithm == "gcra" else {})


def make_keys(rate: float, count: int) -> list[LoadKey]:
    """Keys by rank: the nth sends 1/n of what the first does, and every third is limited by gcra."""
    whole = sum(1 / rank for rank in range(1, count + 1))
    keys = []
    for rank in range(1, count + 1):
        weight = 1 / rank / whole
        window_s = WINDOWS_S[rank % len(WINDOWS_S)]
        share = HOT_SHARE if rank <= HOT_KEYS else USUAL_SHARE
        limit = max(MIN_LIMIT, round(weight * rate * (1 - BURST_SHARE) * window_s * share))
        algorithm, burst = ("gcra", max(2, round(limit * GCRA_BURST))) if rank % 3 == 0 else ("sliding_log", limit)
        keys.append(LoadKey(f"customer-{rank:03d}", weight, limit, window_s, algorithm, burst))
    return keys


def arrivals(rate: float, keys: Sequence[LoadKey], rng: random.Random) -> Iterator[tuple[float, LoadKey]]:
    """When the next check is due (seconds since the start), and for which key; without end."""
    streams = (_steady(rate * (1 - BURST_SHARE), keys, rng), _bursts(rate * BURST_SHARE, keys, rng))
    return heapq.merge(*streams, key=lambda arrival: arrival[0])


def _steady(rate: float, keys: Sequence[LoadKey], rng: random.Random) -> Iterator[tuple[float, LoadKey]]:
    upto = list(itertools.accumulate(key.weight for key in keys))
    at = 0.0
    while True:
        at += rng.uniform(0.5, 1.5) / rate
        yield at, rng.choices(keys, cum_weights=upto)[0]


def _bursts(rate: float, keys: Sequence[LoadKey], rng: random.Random) -> Iterator[tuple[float, LoadKey]]:
    size = max(1, round(rate * BURST_EVERY_S))
    for n in itertools.count(1):
        key = rng.choice(keys[HOT_KEYS:BURST_KEYS] or keys)
        for nth in range(size):
            yield n * BURST_EVERY_S + nth / size * BURST_LASTS_S, key
