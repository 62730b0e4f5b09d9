"""Observations made by hand, for rules that a real lab shows only by luck."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from operator_protocols import Finding, Invariant, Observation, Unseen, Violation
from subjects.ratelimiter.invariants import INVARIANTS
from subjects.ratelimiter.rows import rows, workload

BY_NAME: Mapping[str, Invariant] = {invariant.name: invariant for invariant in INVARIANTS}

STATS: dict[str, Any] = {
    "target_per_s": 200,
    "operations_per_s": 200.0,
    "allowed_per_s": 180.0,
    "denied_per_s": 20.0,
    "errors_per_s": 0.0,
    "p50_ms": 2.0,
    "p99_ms": 12.0,
    "wrongly_allowed_total": 0,
    "wrongly_refused_total": 0,
    "errors_total": 0,
    "running_s": 60.0,
    "keys": [{"key": "customer-001", "limit": 10, "window_s": 10, "used": 10, "denied_per_s": 4.0}],
}


def healthy(nodes: int = 3) -> dict[str, Any]:
    """The facts of a lab in which all is well."""
    names = [f"node-{number}" for number in range(1, nodes + 1)]
    refused = {"verdict": "refused", "decided_by": "", "limit": None, "trouble": ""}
    node = {
        "address": "127.0.0.1:7001",
        "state": "up",
        "trouble": "",
        "store_reached": True,
        "store_trouble": "",
        "config": {"failure_mode": "open"},
        "checks_per_s": 66.0,
        "canaries": {"stored": refused, "default": refused},
    }
    return {
        "store": {"address": "127.0.0.1:6379", "state": "up", "trouble": ""},
        "links": {
            "state": "up",
            "trouble": "",
            "links": {name: {"state": "open", "latency_ms": 0, "connections": 1} for name in names},
        },
        "nodes": {name: copy.deepcopy(node) for name in names},
        "members": [],
        "drift": {"trouble": "", "compared": 12, "drifted": []},
        "limits": {"trouble": "", "compared": 12, "lost": []},
        "load": {"state": "up", "trouble": "", "stats": copy.deepcopy(STATS)},
    }


def observation(facts: Any) -> Observation:
    stats = facts["load"]["stats"]
    return Observation(datetime.now(UTC), rows(facts), workload(stats, None) if stats else None, facts)


def findings(name: str, facts: Any) -> dict[str, Finding]:
    return {finding.target: finding for finding in BY_NAME[name].check(observation(facts))}


def broken(name: str, facts: Any) -> set[str]:
    return {target for target, finding in findings(name, facts).items() if isinstance(finding, Violation)}


def unseen(name: str, facts: Any) -> set[str]:
    return {target for target, finding in findings(name, facts).items() if isinstance(finding, Unseen)}
