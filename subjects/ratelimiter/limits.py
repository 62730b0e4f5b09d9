"""Whether the nodes enforce the limits that clients were promised."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from subjects.ratelimiter.facts import LimitFacts, LostLimit


def lost(reports: Mapping[str, Mapping[str, Any]], promised: Mapping[str, Mapping[str, Any]]) -> LimitFacts:
    """`reports`: what GET /v1/counters gave, by node. `promised`: GET /limits of the load generator, by key.

    Only counters in use can be compared, and only they matter.
    """
    compared, found = set[str](), dict[str, LostLimit]()
    for report in reports.values():
        for counter in report["counters"]:
            key = counter["key"]
            if key not in promised:
                continue
            compared.add(key)
            if any(counter[what] != promised[key][what] for what in ("limit", "window_s", "algorithm")):
                found[key] = LostLimit(key=key, promised=clause(promised[key]), enforced=clause(counter))
    return LimitFacts(trouble="", compared=len(compared), lost=list(found.values()))


def clause(limit: Mapping[str, Any]) -> str:
    """A limit in words: "52 per 10 s (sliding_log)"."""
    return f"{limit['limit']} per {limit['window_s']:g} s ({limit['algorithm']})"
