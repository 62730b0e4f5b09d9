"""What must hold of the rate limiter. Each check reads one observation and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

from operator_protocols import Finding, Invariant, Observation, Unseen, Violation
from subjects.ratelimiter.facts import CanaryFacts, DriftedCounter, facts_of

STORE = "store"
WORKLOAD = "workload"
P99_LIMIT_MS = 100.0
NAMED_COUNTERS = 3


def node_down(observation: Observation) -> Iterator[Finding]:
    for name, node in facts_of(observation)["nodes"].items():
        if node["trouble"]:
            yield Violation(name, f"{name} {node['trouble']}.")


def redis_disconnected(observation: Observation) -> Iterator[Finding]:
    """The target is the store if no node reaches it, else the node. While nobody reaches the store nothing can be
    said of a single node's way to it, so a ticket on that stays as it is."""
    facts = facts_of(observation)
    nodes, store = facts["nodes"], facts["store"]
    seen = {name: node for name, node in nodes.items() if node["store_reached"] is not None}
    if any(node["store_reached"] for node in seen.values()):
        for name, node in nodes.items():
            if name not in seen:
                yield Unseen(name, f"{name} does not say whether it reaches the store.")
            elif not node["store_reached"]:
                yield Violation(
                    name, f"{name} does not reach the store, while other nodes do: {node['store_trouble']}."
                )
        return
    for name in nodes:
        yield Unseen(name, f"Whether {name} has a way to the store cannot be told while no node reaches it.")
    if seen:
        reports = "; ".join(sorted({node["store_trouble"] for node in seen.values()}))
        itself = (
            f"itself {store['trouble']}" if store["trouble"] else f"answers when asked directly on {store['address']}"
        )
        who = (
            f"None of the {len(seen)} nodes that answer reaches"
            if len(seen) > 1
            else f"{next(iter(seen))} does not reach"
        )
        yield Violation(STORE, f"{who} the store ({reports}); the store {itself}.")
    elif store["trouble"]:
        yield Violation(STORE, f"The store {store['trouble']}, and no node answers.")
    else:
        yield Unseen(STORE, "No node says whether it reaches the store.")


def high_latency(observation: Observation) -> Iterator[Finding]:
    load = observation.workload
    if load is None:
        yield Unseen(WORKLOAD, f"The load generator {facts_of(observation)['load']['trouble']}.")
    elif load.p99_ms is None:
        yield Unseen(WORKLOAD, "No check was answered, so there is no latency to judge.")
    elif load.p99_ms > P99_LIMIT_MS:
        p50 = "unknown" if load.p50_ms is None else f"{load.p50_ms:.0f} ms"
        yield Violation(
            WORKLOAD,
            f"The p99 of the checks is {load.p99_ms:.0f} ms, over {P99_LIMIT_MS:.0f} ms "
            f"(p50 {p50}, {load.operations_per_s:.0f} checks/s).",
        )


def counter_drift(observation: Observation) -> Iterator[Finding]:
    drift = facts_of(observation)["drift"]
    if drift["drifted"]:
        worst = sorted(drift["drifted"], key=_error, reverse=True)
        named = "; ".join(_told(counter) for counter in worst[:NAMED_COUNTERS])
        more = f"; and {len(worst) - NAMED_COUNTERS} more" if len(worst) > NAMED_COUNTERS else ""
        yield Violation(
            STORE,
            f"{len(worst)} of {drift['compared']} counters disagree with what the nodes admitted: {named}{more}.",
        )
    elif drift["trouble"]:
        yield Unseen(STORE, drift["trouble"])


def _error(counter: DriftedCounter) -> int:
    return max(counter["admitted"] - counter["count"], counter["count"] - counter["admitted"] - counter["unknown"])


def _told(counter: DriftedCounter) -> str:
    admitted = str(counter["admitted"])
    if counter["unknown"]:
        admitted = f"{admitted} to {counter['admitted'] + counter['unknown']}"
    return f"{counter['key']} counts {counter['count']}, admitted {admitted}"


def ghost_allowing(observation: Observation) -> Iterator[Finding]:
    """A node that allows a canary is wrong. One that refuses it, or says that it cannot decide, is not."""
    for name, node in facts_of(observation)["nodes"].items():
        canaries = node["canaries"]
        allowed = [canary for canary in canaries.values() if canary["verdict"] == "allowed"]
        unseen = [canary for canary in canaries.values() if canary["verdict"] == "unseen"]
        if allowed:
            told = "; ".join(_verdict(which, canary) for which, canary in canaries.items() if canary in allowed)
            yield Violation(
                name, f"{name} allowed {len(allowed)} of {len(canaries)} probes that it must refuse ({told})."
            )
        elif unseen:
            yield Unseen(name, f"The canary could not be judged on {name}: {unseen[0]['trouble']}.")


def _verdict(which: str, canary: CanaryFacts) -> str:
    limit = "" if canary["limit"] is None else f" with the limit {canary['limit']}"
    return f"the {which} canary, decided by {canary['decided_by']}{limit}"


def limit_lost(observation: Observation) -> Iterator[Finding]:
    """Somebody removed or changed a stored limit: no node is wrong, and yet clients do not get what they go by."""
    limits = facts_of(observation)["limits"]
    lost, compared = limits["lost"], limits["compared"]
    if lost:
        named = "; ".join(
            f"{limit['key']} is held to {limit['enforced']}, not {limit['promised']}" for limit in lost[:NAMED_COUNTERS]
        )
        more = f"; and {len(lost) - NAMED_COUNTERS} more" if len(lost) > NAMED_COUNTERS else ""
        yield Violation(STORE, f"{len(lost)} of {compared} limits in use are not in force: {named}{more}.")
    elif limits["trouble"]:
        yield Unseen(STORE, limits["trouble"])


SECOND_LOOK_S = 0.8
"""At a look a second, one bad look is none: a store that was flushed, a counter that was just reset."""

INVARIANTS = (
    Invariant("node_down", "Every node answers", node_down, open_after_s=0.0, close_after_s=2.0),
    Invariant(
        "redis_disconnected", "Every node reaches the store", redis_disconnected, open_after_s=0.0, close_after_s=2.0
    ),
    Invariant("high_latency", "The p99 is at most 100 ms", high_latency, open_after_s=2.8, close_after_s=2.0),
    Invariant(
        "counter_drift",
        "The store counts what nodes admit",
        counter_drift,
        open_after_s=SECOND_LOOK_S,
        close_after_s=2.0,
    ),
    Invariant(
        "ghost_allowing", "Nobody gets past a limit", ghost_allowing, open_after_s=SECOND_LOOK_S, close_after_s=2.0
    ),
    Invariant("limit_lost", "Clients' limits are in force", limit_lost, open_after_s=SECOND_LOOK_S, close_after_s=2.0),
)
