"""The decision on a check: by the store, or without it as the failure mode says."""

from __future__ import annotations

import asyncio
import itertools
import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from subjects.ratelimiter.service import scripts
from subjects.ratelimiter.service.ledger import Ledger
from subjects.ratelimiter.service.limits import Limit
from subjects.ratelimiter.service.local import LocalLimiter
from subjects.ratelimiter.service.metrics import Metrics
from subjects.ratelimiter.service.store_client import StoreClient, StoreError, answered_within

FailureMode = Literal["open", "closed", "local"]
KNOWN_LIMITS = 10_000


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one node can be told.

    failure_mode: what it does while it cannot reach the store: `open` allows every check, `closed` refuses every check
    with 503, `local` counts by itself. store_timeout_ms bounds a whole check. default_limit is for keys that have no
    limit of their own.
    """

    failure_mode: FailureMode = "open"
    store_timeout_ms: Annotated[int, Meta(ge=1, le=10_000)] = 250
    default_limit: Limit = Limit(limit=100, window_s=10.0)


@dataclass(frozen=True, slots=True)
class Decision:
    """Without the store's word `remaining` and `more_s` may be unknown (None).

    more_s: seconds until more of the quota becomes available. retry_s: until this check could be allowed; 0 if it is,
    None if never.
    """

    key: str
    allowed: bool
    decided_by: Literal["store", "open", "closed", "local"]
    limit: Limit
    stored: bool = False
    remaining: int | None = None
    more_s: float | None = None
    retry_s: float | None = 0.0


class Limiter:
    def __init__(self, store: StoreClient, config: Config, ledger: Ledger, metrics: Metrics) -> None:
        self.config = config
        self.nodes = 1
        """How many nodes share a limit, as far as is known."""
        self._store = store
        self._ledger = ledger
        self._metrics = metrics
        self._local = LocalLimiter()
        self._stored: OrderedDict[str, Limit] = OrderedDict()
        self._process = secrets.token_hex(4)  # a node that is started again must not repeat an id
        self._numbers = itertools.count()

    async def check(self, key: str, cost: int) -> Decision:
        began = time.perf_counter()
        try:
            decision = await self._by_store(key, cost)
        except StoreError as error:
            self._metrics.store_failed(error.kind)
            decision = self._without_store(key, cost)
        outcome = "error" if decision.decided_by == "closed" else "allowed" if decision.allowed else "denied"
        self._metrics.checked(outcome, decision.decided_by, time.perf_counter() - began)
        return decision

    async def _by_store(self, key: str, cost: int) -> Decision:
        """A check is never repeated while its outcome is unknown: it may have counted."""
        timeout_s = self.config.store_timeout_ms / 1000
        ends = asyncio.get_running_loop().time() + timeout_s
        async with answered_within(timeout_s):
            await self._store.connected()
            while True:
                left_us = int((ends - asyncio.get_running_loop().time()) * 1_000_000)
                if (verdict := await self._attempt(key, cost, left_us)) is not None:
                    break
        self._metrics.store_answered()
        self._remember(key, verdict.limit if verdict.stored else None)
        return Decision(
            key=key,
            allowed=verdict.allowed,
            decided_by="store",
            limit=verdict.limit,
            stored=verdict.stored,
            remaining=verdict.remaining,
            more_s=verdict.more_in / 1_000_000,
            retry_s=None if verdict.retry_in < 0 else verdict.retry_in / 1_000_000,
        )

    async def _attempt(self, key: str, cost: int, left_us: int) -> scripts.Verdict | None:
        """Ask the store once, for an answer within `left_us`. Until it is known, the ledger has it as open."""
        sent = self._store.clock.now()
        deadline = sent + left_us
        attempt = self._ledger.begin(key, cost, sent, deadline)
        id_ = f"{self._process}-{next(self._numbers):x}"
        try:
            verdict = await scripts.check(self._store, key, cost, deadline, id_, self.config.default_limit)
        except StoreError as error:
            if error.kind in ("busy", "reply"):  # it was not sent, or it failed: it did not count
                self._ledger.settle(key, attempt)
            raise
        self._ledger.settle(key, attempt)
        if verdict and verdict.allowed:
            self._ledger.admit(key, cost, verdict.now, verdict.limit.window_us)
        return verdict

    def _without_store(self, key: str, cost: int) -> Decision:
        stored = self._stored.get(key)
        limit = stored or self.config.default_limit
        match self.config.failure_mode:
            case "open":
                return Decision(key, True, "open", limit, stored is not None)
            case "closed":
                return Decision(key, False, "closed", limit, stored is not None)
            case "local":
                verdict = self._local.check(key, cost, limit, self.nodes)
                return Decision(
                    key=key,
                    allowed=verdict.allowed,
                    decided_by="local",
                    limit=limit,
                    stored=stored is not None,
                    remaining=verdict.remaining,
                    more_s=verdict.more_s,
                    retry_s=verdict.retry_s,
                )

    def _remember(self, key: str, stored: Limit | None) -> None:
        """The limits that the store named last, for the time without it."""
        if stored is None:
            self._stored.pop(key, None)
            return
        self._stored[key] = stored
        self._stored.move_to_end(key)
        if len(self._stored) > KNOWN_LIMITS:
            self._stored.popitem(last=False)
