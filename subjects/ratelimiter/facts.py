"""The free part of an observation: what the invariants judge, and what an agent may want to know.

Every part has a `state` ("up", "down": refuses connections, "hung": gives no answer in time, "failing": answers
wrongly or breaks off) and, unless it is up, its `trouble`: a clause that goes on after its name. What could not be seen
is None, never a zero.
"""

from __future__ import annotations

from typing import Any, Literal, TypedDict, cast

from operator_protocols import Observation


class StoreFacts(TypedDict):
    """The store, asked directly, past the links."""

    address: str
    state: str
    trouble: str


class LinkFacts(TypedDict):
    state: Literal["open", "cut"]
    latency_ms: float
    connections: int


class LinksFacts(TypedDict):
    """The proxy process, and each node's way to the store as it reports it."""

    state: str
    trouble: str
    links: dict[str, LinkFacts] | None


class CanaryFacts(TypedDict):
    """What a node answered to a check that it must refuse ("unavailable": it says that it cannot decide).

    `limit` is the limit that the store applied, where the answer says so. `trouble`: why it is unseen.
    """

    verdict: Literal["refused", "allowed", "unavailable", "unseen"]
    decided_by: str
    limit: int | None
    trouble: str


class NodeFacts(TypedDict):
    """`store_reached` is what GET /readyz says, `store_trouble` why not, in its own words.

    `canaries` are by name: "stored" and "default".
    """

    address: str
    state: str
    trouble: str
    store_reached: bool | None
    store_trouble: str
    config: dict[str, Any] | None
    checks_per_s: float | None
    canaries: dict[str, CanaryFacts]


class DriftedCounter(TypedDict):
    """The store counts `count`; the nodes together admitted at least `admitted`, at most `unknown` more."""

    key: str
    count: int
    admitted: int
    unknown: int


class DriftFacts(TypedDict):
    """`trouble`: a sentence on why not every counter could be compared, else empty."""

    trouble: str
    compared: int
    drifted: list[DriftedCounter]


class LostLimit(TypedDict):
    """Clients go by `promised`, the nodes by `enforced`; each is a clause ("52 per 10 s")."""

    key: str
    promised: str
    enforced: str


class LimitFacts(TypedDict):
    """The limits of the counters in use. `trouble`: a sentence on why they could not be compared, else empty."""

    trouble: str
    compared: int
    lost: list[LostLimit]


class LoadFacts(TypedDict):
    """`stats` is what GET /stats of the load generator gives."""

    state: str
    trouble: str
    stats: dict[str, Any] | None


class Facts(TypedDict):
    """`members` is GET /v1/nodes of the first node that answers it."""

    store: StoreFacts
    links: LinksFacts
    nodes: dict[str, NodeFacts]
    members: list[dict[str, Any]] | None
    drift: DriftFacts
    limits: LimitFacts
    load: LoadFacts


def facts_of(observation: Observation) -> Facts:
    return cast(Facts, observation.facts)
