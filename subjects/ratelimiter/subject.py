"""The rate limiter as the operator sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from operator_protocols import Endpoints, Fault, Invariant, Observer, Playbook, Service
from subjects.ratelimiter.briefing import briefing
from subjects.ratelimiter.faults import FAULTS
from subjects.ratelimiter.invariants import INVARIANTS
from subjects.ratelimiter.playbook import playbook
from subjects.ratelimiter.reading import reads
from subjects.ratelimiter.services import services


class RateLimiter:
    """Keeps to `operator_protocols.Subject`."""

    name = "ratelimiter"
    title = "distributed rate limiter"
    invariants: Sequence[Invariant] = INVARIANTS
    faults: Sequence[Fault] = FAULTS

    @property
    def playbook(self) -> Playbook:
        return playbook

    def services(self, options: Mapping[str, str]) -> Sequence[Service]:
        return services(options)

    def reads(self, words: Sequence[str]) -> bool:
        return reads(words)

    def briefing(self, endpoints: Endpoints) -> str:
        return briefing(endpoints)

    async def observer(self, endpoints: Endpoints, timeout_s: float) -> Observer:
        from subjects.ratelimiter.observer import LabObserver  # only a monitor needs an HTTP client

        return LabObserver(endpoints, timeout_s)


SUBJECT = RateLimiter()
