"""What this node let through by the store's word, so that the store's counters can be checked against it."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field

KEEP_US = 5_000_000
"""So long after its window a count can still be told; the scripts keep entries as long."""
KEEP_OPEN_US = 60_000_000
"""So long at least an attempt of unknown outcome is kept: its window may be unknown too."""
MAX_ENTRIES = 500_000


@dataclass(slots=True, eq=False)
class Attempt:
    """A check on its way. If its outcome is never learnt, it counted between `sent` and `deadline` or not at all."""

    cost: int
    sent: int
    deadline: int


@dataclass(slots=True)
class _Account:
    """`admitted` holds (time, cost), in about that order. `window` is the longest that was in force."""

    admitted: deque[tuple[int, int]] = field(default_factory=deque)
    open: set[Attempt] = field(default_factory=set)
    window: int = 0
    active: int = 0


class Ledger:
    """Times are in µs of the store. Memory is bounded: if entries must go early, `since` moves on."""

    def __init__(self, max_entries: int = MAX_ENTRIES) -> None:
        self.since: int | None = None
        """From here on the ledger is complete; None before the store's time is known."""
        self._accounts: OrderedDict[str, _Account] = OrderedDict()
        self._entries = 0
        self._max_entries = max_entries

    def start(self, now: int) -> None:
        if self.since is None:
            self.since = now

    def begin(self, key: str, cost: int, sent: int, deadline: int) -> Attempt:
        self.start(sent)
        attempt = Attempt(cost, sent, deadline)
        account = self._accounts.setdefault(key, _Account())
        self._accounts.move_to_end(key)
        account.active = max(account.active, sent)
        account.open.add(attempt)
        self._add(1)
        return attempt

    def settle(self, key: str, attempt: Attempt) -> None:
        """It is known that the attempt did not count, or its admission is recorded."""
        account = self._accounts.get(key)
        if account and attempt in account.open:
            account.open.remove(attempt)
            self._entries -= 1

    def admit(self, key: str, cost: int, at: int, window: int) -> None:
        account = self._accounts.setdefault(key, _Account())
        account.admitted.append((at, cost))
        account.window = max(account.window, window)
        account.active = max(account.active, at)
        self._add(1)

    def tally(self, key: str, after: int, until: int) -> tuple[int, int]:
        """The units admitted in (after, until], and those that may have been."""
        account = self._accounts.get(key)
        if account is None:
            return 0, 0
        admitted = sum(cost for at, cost in account.admitted if after < at <= until)
        unknown = sum(attempt.cost for attempt in account.open if attempt.sent <= until and attempt.deadline > after)
        return admitted, unknown

    def keys(self) -> Iterator[str]:
        """The most recently active first."""
        return reversed(self._accounts)

    def prune(self, now: int) -> None:
        """Forget what no count asks for any more."""
        for key, account in list(self._accounts.items()):
            horizon = now - account.window - KEEP_US
            while account.admitted and account.admitted[0][0] <= horizon:
                account.admitted.popleft()
                self._entries -= 1
            horizon = now - max(account.window, KEEP_OPEN_US) - KEEP_US
            still_open = {attempt for attempt in account.open if attempt.deadline > horizon}
            self._entries -= len(account.open) - len(still_open)
            account.open = still_open
            if not account.admitted and not account.open:
                del self._accounts[key]

    def _add(self, entries: int) -> None:
        self._entries += entries
        while self._entries > self._max_entries:
            _, account = self._accounts.popitem(last=False)
            self._entries -= len(account.admitted) + len(account.open)
            self.since = max(self.since or 0, account.active + 1)
