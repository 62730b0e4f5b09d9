"""What of the facts goes on a screen: a row a service, and the workload."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from operator_protocols import Level, Reading, ServiceHealth, Workload
from subjects.ratelimiter.facts import Facts, LinksFacts, LoadFacts, NodeFacts, StoreFacts
from subjects.ratelimiter.invariants import P99_LIMIT_MS
from subjects.ratelimiter.services import LINKS, LOAD, STORE

KEYS_SHOWN = 8


def rows(facts: Facts) -> tuple[ServiceHealth, ...]:
    return (
        _store(facts["store"]),
        _links(facts["links"]),
        *(_node(name, node) for name, node in facts["nodes"].items()),
        _load(facts["load"]),
    )


def _store(store: StoreFacts) -> ServiceHealth:
    return ServiceHealth(STORE, "store", _level(store["state"]), store["state"])


def _links(links: LinksFacts) -> ServiceHealth:
    if links["links"] is None:
        return ServiceHealth(LINKS, "network", Level.BAD, links["state"])
    every = links["links"].values()
    cut = sum(link["state"] == "cut" for link in every)
    slowest = max((link["latency_ms"] for link in every), default=0)
    readings = [Reading("cut", f"{cut} of {len(every)}", Level.BAD if cut else Level.OK)]
    if slowest:
        readings.append(Reading("latency", f"{slowest:.0f} ms", Level.WARN))
    level = max((reading.level for reading in readings), key=list(Level).index)
    return ServiceHealth(LINKS, "network", level, links["state"], tuple(readings))


def _node(name: str, node: NodeFacts) -> ServiceHealth:
    if node["state"] != "up":
        return ServiceHealth(name, "node", Level.BAD, node["state"])
    readings = []
    if node["checks_per_s"] is not None:
        readings.append(Reading("checks", f"{node['checks_per_s']:.0f}/s"))
    store = {True: ("up", Level.OK), False: ("lost", Level.BAD), None: ("unseen", Level.UNKNOWN)}
    readings.append(Reading("store", *store[node["store_reached"]]))
    if any(canary["verdict"] == "allowed" for canary in node["canaries"].values()):
        readings.append(Reading("canary", "allowed", Level.BAD))
    if node["config"] is not None:
        readings.append(Reading("fails", str(node["config"]["failure_mode"])))
    bad = any(reading.level is Level.BAD for reading in readings)
    return ServiceHealth(name, "node", Level.BAD if bad else Level.OK, "up", tuple(readings))


def _load(load: LoadFacts) -> ServiceHealth:
    if load["stats"] is None:
        return ServiceHealth(LOAD, "load", Level.BAD, load["state"])
    return ServiceHealth(
        LOAD, "load", Level.OK, load["state"], (Reading("target", f"{load['stats']['target_per_s']:.0f}/s"),)
    )


def _level(state: str) -> Level:
    return Level.OK if state == "up" else Level.BAD


def damage(stats: Mapping[str, Any]) -> dict[str, float]:
    """What clients should not have got, since the load began."""
    return {
        "wrongly allowed": stats["wrongly_allowed_total"],
        "wrongly refused": stats["wrongly_refused_total"],
        "errors": stats["errors_total"],
    }


def workload(stats: Mapping[str, Any], damage_before: Mapping[str, float] | None) -> Workload:
    """`damage_before`: the damage at the look before this; the workload is bad while it rises."""
    harm = damage(stats)
    rising = damage_before is not None and any(harm[what] > damage_before[what] for what in harm)
    p99 = stats["p99_ms"]
    slow = p99 is not None and p99 > P99_LIMIT_MS
    readings = [
        Reading("allowed", f"{stats['allowed_per_s']:.0f}/s"),
        Reading("denied", f"{stats['denied_per_s']:.0f}/s"),
        *(_key(key) for key in stats["keys"][:KEYS_SHOWN]),
    ]
    return Workload(
        level=Level.BAD if rising or slow or stats["errors_per_s"] else Level.OK,
        operations_per_s=stats["operations_per_s"],
        errors_per_s=stats["errors_per_s"],
        p50_ms=stats["p50_ms"],
        p99_ms=p99,
        readings=tuple(readings),
        damage=harm,
    )


def _key(key: Mapping[str, Any]) -> Reading:
    level = Level.BAD if key["used"] > key["limit"] else Level.WARN if key["denied_per_s"] else Level.OK
    denied = f", {key['denied_per_s']:g}/s denied" if key["denied_per_s"] else ""
    return Reading(key["key"], f"{key['used']} of {key['limit']}{denied}", level)
