"""What clients got of late, and since the start."""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Sequence
from typing import Literal

RECENT_S = 2.0

Outcome = Literal["allowed", "denied", "error"]


class Tally:
    def __init__(self) -> None:
        self.totals: Counter[Outcome] = Counter()
        self._recent: deque[tuple[float, Outcome, str, float | None]] = deque()

    def add(self, now: float, outcome: Outcome, key: str, latency_s: float | None) -> None:
        """`latency_s` is None where there was no answer."""
        self.totals[outcome] += 1
        self._recent.append((now, outcome, key, latency_s))
        self._forget(now)

    def recent(self, now: float) -> tuple[Counter[Outcome], Counter[str]]:
        """Outcomes, and denials by key, of the last `RECENT_S`."""
        self._forget(now)
        outcomes = Counter(outcome for _, outcome, _, _ in self._recent)
        denied = Counter(key for _, outcome, key, _ in self._recent if outcome == "denied")
        return outcomes, denied

    def latencies_ms(self, now: float) -> list[float]:
        """Of the last `RECENT_S`, in order of length."""
        self._forget(now)
        return sorted(latency * 1000 for _, _, _, latency in self._recent if latency is not None)

    def _forget(self, now: float) -> None:
        while self._recent and self._recent[0][0] < now - RECENT_S:
            self._recent.popleft()


def percentile(ordered: Sequence[float], share: float) -> float | None:
    """The value that `share` of them do not exceed; None of nothing."""
    return round(ordered[max(0, math.ceil(share * len(ordered)) - 1)], 3) if ordered else None
