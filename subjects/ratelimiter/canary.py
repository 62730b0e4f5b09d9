"""Checks that every node must refuse, so that one that lets through what it should not is seen without any client.

Two canaries: "stored" has a limit of its own, one check a day, and is kept used up: a node that allows it does not
share the counters of the others. "default" has none and always asks for more than the lab's default limit, which no
amount of waiting makes right: a node that allows it does not have the settings that the lab gave it.
"""

from __future__ import annotations

from collections.abc import Iterable

from operator_protocols import Address
from subjects.ratelimiter.facts import CanaryFacts
from subjects.ratelimiter.probes import Http, Trouble, unexpected
from subjects.ratelimiter.services import DEFAULT_LIMIT

STORED_KEY, DEFAULT_KEY = "canary:stored", "canary:default"
STORED_LIMIT = {"limit": 1, "window_s": 86_400, "algorithm": "sliding_log"}


class Canaries:
    """`armed`: the stored canary has its limit and is used up, so that an allowed check cannot be the rightful one.

    It is not armed in a new lab and after its limit was lost (a store that was flushed); one round of checks arms it.
    """

    def __init__(self, http: Http) -> None:
        self._http = http
        self.armed = False

    async def stored(self, node: Address) -> CanaryFacts:
        armed = self.armed
        if not armed:
            await self._http.ask("PUT", node, f"/v1/limits/{STORED_KEY}", STORED_LIMIT)
        seen = await self._check(node, STORED_KEY, cost=1)
        if seen["verdict"] == "allowed" and seen["decided_by"] == "store" and not armed:
            return _unseen("its canary was not used up yet", limit=seen["limit"])
        return seen

    async def default(self, node: Address) -> CanaryFacts:
        return await self._check(node, DEFAULT_KEY, cost=DEFAULT_LIMIT + 1)

    def learn(self, stored: Iterable[CanaryFacts]) -> None:
        """Take notice of a round of checks of the stored canary: who counted it in the store, and by which limit."""
        seen = list(stored)
        if any(facts["limit"] not in (None, STORED_LIMIT["limit"]) for facts in seen):
            self.armed = False
        elif any(facts["verdict"] == "refused" or facts["limit"] is not None for facts in seen):
            self.armed = True

    async def _check(self, node: Address, key: str, cost: int) -> CanaryFacts:
        answer = await self._http.ask("POST", node, "/v1/check", {"key": key, "cost": cost})
        if isinstance(answer, Trouble):
            return _unseen(answer.text)
        match answer.status:
            case 200:
                by_store = answer.body["decided_by"] == "store"
                return CanaryFacts(
                    verdict="allowed",
                    decided_by=answer.body["decided_by"],
                    limit=answer.body["limit"] if by_store else None,
                    trouble="",
                )
            case 429:
                return CanaryFacts(verdict="refused", decided_by="", limit=None, trouble="")
            case 503:
                return CanaryFacts(verdict="unavailable", decided_by="", limit=None, trouble="")
        return _unseen(unexpected(node, "POST /v1/check", answer).text)


def _unseen(trouble: str, limit: int | None = None) -> CanaryFacts:
    return CanaryFacts(verdict="unseen", decided_by="", limit=limit, trouble=trouble)
