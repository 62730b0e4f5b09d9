"""Whether the store counts what the nodes admitted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from subjects.ratelimiter.facts import DriftedCounter, DriftFacts

SETTLED_S = 0.5
"""Counters are compared as they were so long ago: by then every check has its outcome or its time-out."""

JUDGED_WINDOW_S = 60.0
"""A node's ledger begins with its process, so a counter with a longer window could not be judged for as long."""


def compare(reports: Mapping[str, Mapping[str, Any]], at: float) -> DriftFacts:
    """`reports`: what GET /v1/counters?at=... gave, by node, of every node. `at` is in the store's time. A node that
    does not list a counter has admitted nothing on it.

    Only the sliding log can be compared: other algorithms do not keep what they admitted.
    """
    by_key: dict[str, dict[str, Mapping[str, Any]]] = {}
    for node, report in reports.items():
        for counter in report["counters"]:
            if counter["algorithm"] == "sliding_log" and counter["window_s"] <= JUDGED_WINDOW_S:
                by_key.setdefault(counter["key"], {})[node] = counter
    drifted: list[DriftedCounter] = []
    trouble = ""
    for key, counters in by_key.items():
        if why_not := _why_not(key, counters, reports, at):
            trouble = trouble or why_not
            continue
        admitted = sum(counter["admitted"] for counter in counters.values())
        unknown = sum(counter["unknown"] for counter in counters.values())
        wrong = [c["count"] for c in counters.values() if not admitted <= c["count"] <= admitted + unknown]
        if wrong:
            drifted.append(DriftedCounter(key=key, count=wrong[0], admitted=admitted, unknown=unknown))
    return DriftFacts(trouble=trouble, compared=len(by_key), drifted=drifted)


def _why_not(
    key: str, counters: Mapping[str, Mapping[str, Any]], reports: Mapping[str, Mapping[str, Any]], at: float
) -> str:
    """Why this counter cannot be judged, as a sentence; empty if it can."""
    if len({(counter["window_s"], counter["reset_at"]) for counter in counters.values()}) > 1:
        return f"The counter {key} was being changed while the nodes were asked."
    one = next(iter(counters.values()))
    begins = max(at - one["window_s"], one["reset_at"] or 0.0)
    for node, report in reports.items():
        if report["since"] > begins:
            return f"{node} has kept its ledger for {at - report['since']:.0f} s only, less than the window of {key}."
    return ""
