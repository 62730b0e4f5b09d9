"""The load: sent when it is due, whatever the nodes do."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from subjects.ratelimiter.load.client import Client
from subjects.ratelimiter.load.oracle import Oracle, oracle_of
from subjects.ratelimiter.load.tally import RECENT_S, Outcome, Tally, percentile
from subjects.ratelimiter.load.traffic import LoadKey

ANSWER_WITHIN_S = 1.0
MAX_IN_FLIGHT = 500
LATE_S = 1.0
"""A check that could not be sent so long after it was due is dropped: this process itself was held up."""
SETTING_UP = 8
RETRY_AFTER_S = 0.2
KEYS_SHOWN = 20

logger = logging.getLogger(__name__)


class Generator:
    """Open loop: checks go out on schedule, to the nodes in turn. What cannot be sent is an error, never a delay."""

    def __init__(
        self, clients: Sequence[Client], keys: Sequence[LoadKey], arrivals: Iterator[tuple[float, LoadKey]], rate: float
    ) -> None:
        self._clients = clients
        self._turns = itertools.cycle(clients)
        self._keys = keys
        self._arrivals = arrivals
        self._rate = rate
        self._tally = Tally()
        self._oracles: dict[str, Oracle] = {}
        self.limits: dict[str, dict[str, Any]] = {}
        """The limits that clients go by, as they were set; empty until all of them are."""
        self._in_flight: set[asyncio.Task[None]] = set()
        self._began: float | None = None
        self._wrongly_allowed = 0
        self._wrongly_refused = 0
        self._dropped = 0

    async def run(self) -> None:
        """Set the limits, once, then send until cancelled."""
        try:
            await self._set_limits()
            self.limits = {key.name: key.body() for key in self._keys}
            logger.info("%d limits set; sending %g checks/s", len(self._keys), self._rate)
            await self._send_on_schedule()
        finally:
            for task in self._in_flight:
                task.cancel()
            await asyncio.gather(*self._in_flight, return_exceptions=True)
            for client in self._clients:
                client.close()

    async def _set_limits(self) -> None:
        waiting = iter(self._keys)

        async def set_up() -> None:
            for key in waiting:
                await self._set_limit(key)

        async with asyncio.TaskGroup() as group:
            for _ in range(SETTING_UP):
                group.create_task(set_up())

    async def _set_limit(self, key: LoadKey) -> None:
        """At one node or another, as soon as one takes it."""
        body = msgspec.json.encode(key.body())
        while True:
            try:
                async with asyncio.timeout(ANSWER_WITHIN_S):
                    status, _ = await next(self._turns).request("PUT", f"/v1/limits/{key.name}", body)
                if status == 200:
                    return
            except (OSError, EOFError):  # a time-out is an OSError
                pass
            await asyncio.sleep(RETRY_AFTER_S)

    async def _send_on_schedule(self) -> None:
        clock = asyncio.get_running_loop().time
        self._began = began = clock()
        self._oracles = {key.name: oracle_of(key, began) for key in self._keys}
        for due, key in self._arrivals:
            if (ahead := began + due - clock()) > 0:
                await asyncio.sleep(ahead)
            if -ahead > LATE_S or len(self._in_flight) >= MAX_IN_FLIGHT:
                self._dropped += 1
                self._tally.add(clock(), "error", key.name, None)
                continue
            task = asyncio.create_task(self._check(key.name, next(self._turns)))
            self._in_flight.add(task)
            task.add_done_callback(self._in_flight.discard)

    async def _check(self, key: str, client: Client) -> None:
        clock = asyncio.get_running_loop().time
        oracle = self._oracles[key]
        sent = clock()
        oracle.sent()
        outcome: Outcome = "error"
        latency: float | None = None
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                status, _ = await client.request("POST", "/v1/check", b'{"key":"%b"}' % key.encode())
        except (OSError, EOFError):
            oracle.lost(clock())
        else:
            now = clock()
            latency = now - sent
            if status == 200:
                outcome = "allowed"
                self._wrongly_allowed += not oracle.was_allowed(sent, now)
            elif status == 429:
                outcome = "denied"
                self._wrongly_refused += not oracle.was_refused(sent, now)
            else:
                oracle.undecided(now)
        self._tally.add(clock(), outcome, key, latency)

    def stats(self) -> dict[str, Any]:
        """Rates and latencies of the last two seconds, totals since the load began. Operations are checks that were
        decided; what got no decision is an error."""
        now = asyncio.get_running_loop().time()
        running_s = 0.0 if self._began is None else now - self._began
        span = max(0.1, min(RECENT_S, running_s))
        outcomes, denied = self._tally.recent(now)
        latencies = self._tally.latencies_ms(now)
        keys = [self._key(oracle, now, denied[name] / span) for name, oracle in self._oracles.items()]
        keys.sort(key=lambda key: (key["denied_per_s"], key["used"] / key["limit"]), reverse=True)
        return {
            "target_per_s": self._rate,
            "operations_per_s": round((outcomes["allowed"] + outcomes["denied"]) / span, 1),
            "allowed_per_s": round(outcomes["allowed"] / span, 1),
            "denied_per_s": round(outcomes["denied"] / span, 1),
            "errors_per_s": round(outcomes["error"] / span, 1),
            "p50_ms": percentile(latencies, 0.50),
            "p99_ms": percentile(latencies, 0.99),
            "wrongly_allowed_total": self._wrongly_allowed,
            "wrongly_refused_total": self._wrongly_refused,
            "errors_total": self._tally.totals["error"],
            "dropped_total": self._dropped,
            "in_flight": len(self._in_flight),
            "running_s": round(running_s, 3),
            "keys": keys[:KEYS_SHOWN],
        }

    @staticmethod
    def _key(oracle: Oracle, now: float, denied_per_s: float) -> dict[str, Any]:
        """`limit` is the most that the key's algorithm allows in a window, `used` what it allowed in the last."""
        return {
            "key": oracle.key.name,
            "limit": oracle.key.at_most,
            "window_s": oracle.key.window_s,
            "used": oracle.used(now),
            "denied_per_s": round(denied_per_s, 1),
        }
