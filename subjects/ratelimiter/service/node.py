"""A node: its way to the store, its limiter, and its signs of life to the other nodes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from subjects.ratelimiter.service import scripts
from subjects.ratelimiter.service.ledger import KEEP_US, Ledger
from subjects.ratelimiter.service.limiter import Config, Limiter
from subjects.ratelimiter.service.limits import Limit
from subjects.ratelimiter.service.metrics import Metrics
from subjects.ratelimiter.service.store_client import StoreClient, StoreError, answered_within

BEAT_EVERY_S = 1.0
UP_WITHIN_S = 3.0
ADMIN_WITHIN_S = 1.0
MAX_COUNTERS = 1000

logger = logging.getLogger(__name__)


class TimeOutOfReach(ValueError):
    """Counters were asked for at a time that cannot be told any more, or not yet."""


@dataclass(frozen=True, slots=True)
class Counter:
    """A counter as the store has it, beside what this node admitted. `reset_at`: seconds, or None."""

    key: str
    algorithm: str
    limit: int
    window_s: float
    count: int
    reset_at: float | None
    admitted: int
    unknown: int


class Node:
    """`run` does the work in the background; the rest answers questions, or raises `StoreError`."""

    def __init__(self, name: str, address: str, store: tuple[str, int], config: Config) -> None:
        self.name = name
        self.metrics = Metrics(name)
        self._address = address
        self._ledger = Ledger()
        self._store = StoreClient(*store, client_name=name)
        self.limiter = Limiter(self._store, config, self._ledger, self.metrics)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._store.run())
            group.create_task(self._beat())

    async def _beat(self) -> None:
        """The beat also tells how many nodes share a limit, and is the moment to forget what is old."""
        loop = asyncio.get_running_loop()
        while True:
            next_at = loop.time() + BEAT_EVERY_S
            try:
                async with answered_within(BEAT_EVERY_S):
                    await self._store.connected()
                    members = await scripts.members(self._store, self.name, self._address)
            except StoreError as error:
                self.metrics.store_failed(error.kind)
            else:
                self.metrics.store_answered()
                self._ledger.start(self._store.clock.now())
                self.limiter.nodes = sum(member.last_seen_s <= UP_WITHIN_S for member in members)
            if self._store.clock.known:
                self._ledger.prune(self._store.clock.now())
            await asyncio.sleep(max(0.05, next_at - loop.time()))

    async def ping_store(self) -> None:
        async with answered_within(self.limiter.config.store_timeout_ms / 1000):
            await self._store.call("PING")

    async def members(self) -> list[dict[str, Any]]:
        async with answered_within(ADMIN_WITHIN_S):
            members = await scripts.members(self._store)
        return [
            {
                "name": member.name,
                "address": member.address,
                "state": "up" if member.last_seen_s <= UP_WITHIN_S else "down",
                "last_seen_s": round(member.last_seen_s, 3),
            }
            for member in members
        ]

    async def limit(self, key: str) -> Limit | None:
        async with answered_within(ADMIN_WITHIN_S):
            return await scripts.get_limit(self._store, key)

    async def limits(self) -> list[tuple[str, Limit]]:
        async with answered_within(ADMIN_WITHIN_S):
            keys = await scripts.keys_with(self._store, "limit")
            found = await asyncio.gather(*(scripts.get_limit(self._store, key) for key in keys))
        return [(key, limit) for key, limit in zip(keys, found, strict=True) if limit is not None]

    async def set_limit(self, key: str, limit: Limit | None) -> bool:
        async with answered_within(ADMIN_WITHIN_S):
            return await scripts.set_limit(self._store, key, limit)

    async def reset_counter(self, key: str) -> float:
        async with answered_within(ADMIN_WITHIN_S):
            return await scripts.reset(self._store, key, self.limiter.config.default_limit) / 1_000_000

    async def counters(self, at: float | None, keys: Sequence[str], at_most: int) -> dict[str, Any]:
        """Of `keys`, else of every key that the store or this node knows, those that were active here last first.

        The ledger is read after the store: what the store counted by `at`, the ledger then has as admitted or open.
        """
        default = self.limiter.config.default_limit
        async with answered_within(ADMIN_WITHIN_S):
            seconds, microseconds = await self._store.call("TIME")
            now = int(seconds) * 1_000_000 + int(microseconds)
            until = now if at is None else round(at * 1_000_000)
            if not now - KEEP_US <= until <= now:
                raise TimeOutOfReach(f"at must lie in the {KEEP_US // 1_000_000} s before {now / 1_000_000:.6f}")
            if not keys:
                known = await scripts.keys_with(self._store, "limit", "log", "tat")
                keys = list(dict.fromkeys((*self._ledger.keys(), *known)))
            keys = keys[:at_most]
            counts = await asyncio.gather(*(scripts.count(self._store, key, until, default) for key in keys))
        since = self._ledger.since
        return {
            "now": now / 1_000_000,
            "at": until / 1_000_000,
            "since": (now if since is None else since) / 1_000_000,
            "counters": [self._counter(key, count, until) for key, count in zip(keys, counts, strict=True)],
        }

    def _counter(self, key: str, count: scripts.Count, until: int) -> Counter:
        limit = count.limit
        admitted, unknown = self._ledger.tally(key, max(until - limit.window_us, count.reset), until)
        return Counter(
            key=key,
            algorithm=limit.algorithm,
            limit=limit.limit,
            window_s=limit.window_s,
            count=count.count,
            reset_at=count.reset / 1_000_000 if count.reset else None,
            admitted=admitted,
            unknown=unknown,
        )
