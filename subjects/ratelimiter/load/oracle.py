"""What clients should not have got.

The load generator is the only client of its keys and knows their limits, so it can tell an answer that no right limiter
gives. It never accuses wrongly: a check was decided at some time between sending and receiving, and whatever time
speaks for the limiter is taken.
"""

from __future__ import annotations

import math
from bisect import insort
from collections import deque

from subjects.ratelimiter.load.traffic import LoadKey

MARGIN_S = 0.05
"""For the difference between the store's clock and ours over a window."""
LOST_S = 60.0
"""A request without an answer may be carried out late: a node that hangs does so when it runs on."""


class Oracle:
    """Judges one key. Times are of one monotonic clock, in seconds; `since` is when the load began."""

    def __init__(self, key: LoadKey, since: float) -> None:
        self.key = key
        self.allowed: deque[float] = deque()
        """When checks of the last window were allowed, rightly or not."""
        self._judges_refusals_from = since + key.window_s + MARGIN_S  # what was used up before is not known
        self._rightly: list[float] = []
        self._open = 0
        self._lost: deque[float] = deque()

    def sent(self) -> None:
        self._open += 1

    def lost(self, now: float) -> None:
        """There is no answer: it may be counted yet."""
        self._open -= 1
        self._lost.append(now + LOST_S)
        self._settle(now)

    def undecided(self, now: float) -> None:
        """An answer that does not say whether the check was counted."""
        self._open -= 1
        self._count(now)

    def was_allowed(self, sent: float, now: float) -> bool:
        """False if the limit was used up for certain."""
        self._open -= 1
        self._count(now)
        self.allowed.append(now)
        horizon = now - self.key.window_s - MARGIN_S
        while self._rightly and self._rightly[0] < horizon:
            self._rightly.pop(0)
        for number, earlier in enumerate(reversed(self._rightly), 2):
            if number > self._most_in(now - earlier + MARGIN_S):
                return False
        insort(self._rightly, sent)
        return True

    def was_refused(self, sent: float, now: float) -> bool:
        """False if there was room for certain. A refused check is not counted."""
        self._open -= 1
        self._settle(now)
        return sent < self._judges_refusals_from or not self._had_room(sent, self._open + len(self._lost))

    def used(self, now: float) -> int:
        """Checks that were allowed in the window up to now."""
        while self.allowed and self.allowed[0] <= now - self.key.window_s:
            self.allowed.popleft()
        return len(self.allowed)

    def _settle(self, now: float) -> None:
        """What was lost so long ago is not carried out any more."""
        while self._lost and self._lost[0] < now:
            self._count(self._lost.popleft())

    def _most_in(self, seconds: float) -> float:
        """The most that can rightly be allowed within so many seconds."""
        raise NotImplementedError

    def _count(self, by: float) -> None:
        """A check may have been counted, at `by` at the latest."""
        raise NotImplementedError

    def _had_room(self, sent: float, others: int) -> bool:
        """Whether a check sent then had room for certain, if `others` of unknown fate were counted too."""
        raise NotImplementedError


class LogOracle(Oracle):
    def __init__(self, key: LoadKey, since: float) -> None:
        super().__init__(key, since)
        self._counted: deque[float] = deque()

    def _most_in(self, seconds: float) -> float:
        return self.key.limit if seconds < self.key.window_s else math.inf

    def _count(self, by: float) -> None:
        self._counted.append(by)
        while self._counted[0] < by - 2 * self.key.window_s:
            self._counted.popleft()

    def _had_room(self, sent: float, others: int) -> bool:
        since = sent - self.key.window_s - MARGIN_S
        return sum(by > since for by in self._counted) + others + 1 <= self.key.limit


class GcraOracle(Oracle):
    def __init__(self, key: LoadKey, since: float) -> None:
        super().__init__(key, since)
        self._interval_s = math.ceil(key.window_s * 1e6 / key.limit) / 1e6
        self._full_until = since
        """The theoretical arrival time, if every check was counted as late as can be."""

    def _most_in(self, seconds: float) -> float:
        return self.key.burst + seconds / self._interval_s

    def _count(self, by: float) -> None:
        self._full_until = max(self._full_until, by) + self._interval_s

    def _had_room(self, sent: float, others: int) -> bool:
        full_until = max(self._full_until, sent) + (others + 1) * self._interval_s + MARGIN_S
        return full_until <= sent + self.key.burst * self._interval_s


def oracle_of(key: LoadKey, since: float) -> Oracle:
    return GcraOracle(key, since) if key.algorithm == "gcra" else LogOracle(key, since)
