"""A limiter in this node's memory, for the failure mode `local`."""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from dataclasses import dataclass

from subjects.ratelimiter.service.limits import Limit

MAX_KEYS = 10_000


@dataclass(frozen=True, slots=True)
class LocalVerdict:
    """Times in seconds. `retry_s` is None if this cost can never be allowed."""

    allowed: bool
    remaining: int
    more_s: float
    retry_s: float | None


class LocalLimiter:
    """A sliding log for each key, of this node's share of the limit.

    The share is the limit divided by the number of nodes, rounded down, but at least 1: so all nodes together stay
    within the limit, unless it is smaller than their number. What the store counted before is not known here.
    """

    def __init__(self) -> None:
        self._logs: OrderedDict[str, deque[tuple[float, int]]] = OrderedDict()

    def check(self, key: str, cost: int, limit: Limit, nodes: int) -> LocalVerdict:
        now = time.monotonic()
        share = max(min(1, limit.limit), limit.limit // max(1, nodes))
        log = self._logs.setdefault(key, deque())
        self._logs.move_to_end(key)
        if len(self._logs) > MAX_KEYS:
            self._logs.popitem(last=False)
        while log and log[0][0] <= now - limit.window_s:
            log.popleft()
        used = sum(units for _, units in log)
        if allowed := used + cost <= share:
            log.append((now, cost))
            used += cost
        return LocalVerdict(
            allowed=allowed,
            remaining=max(0, share - used),
            more_s=limit.window_s - (now - log[0][0]) if log else 0.0,
            retry_s=0.0 if allowed else None if cost > share else self._fits_in(log, used + cost - share, limit, now),
        )

    @staticmethod
    def _fits_in(log: deque[tuple[float, int]], needed: int, limit: Limit, now: float) -> float:
        for at, units in log:
            needed -= units
            if needed <= 0:
                return limit.window_s - (now - at)
        return 0.0
