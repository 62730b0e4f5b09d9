"""A limit that is not stored any more, or another than its clients go by. It is a decision, so a person has to take it:
the agent shows what is missing and how to put it back."""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from typing import Any

from operator_protocols import Conclusion, Result, Run
from subjects.ratelimiter.limits import clause
from subjects.ratelimiter.playbook.case import Case
from subjects.ratelimiter.playbook.cluster import Cluster
from subjects.ratelimiter.playbook.look import Look

NAMED = 5
WHAT = ("limit", "window_s", "algorithm")


def lost_limits(case: Case, cluster: Cluster, look: Look) -> Generator[Run, Result, Conclusion | None]:
    """None where the limits are as they should be, or cannot be compared."""
    node, load = next(iter(cluster.nodes.values())), cluster.address("load", "http")
    seen = yield Run(
        f"curl -s -m 2 http://{load}/limits; echo; curl -s -m 2 http://{node}/v1/limits",
        "Compare the limits that clients go by with those that are stored.",
        "Every part is well, so I compare what clients were promised with what is stored.",
    )
    try:
        promised, listed = (json.loads(line) for line in seen.output.strip().splitlines()[:2])
        stored = {limit["key"]: limit for limit in listed}
    except (ValueError, TypeError, KeyError):
        return None
    wrong = {key: limit for key, limit in promised.items() if not _same(limit, stored.get(key))}
    if not wrong:
        return None
    for key, limit in list(wrong.items())[:NAMED]:
        found = f"is stored as {clause(stored[key])}" if key in stored else "is not stored"
        case.found(f"the limit of {key} {found}, while its clients go by {clause(limit)}", "", "")
        case.open_questions.append(
            f"To put it back: `curl -X PUT -d '{json.dumps(limit)}' http://{node}/v1/limits/{key}`."
        )
    return case.unknown(
        cluster,
        look,
        f"{len(wrong)} limits are not what clients go by. Whether that is an accident or somebody's decision cannot be "
        "told from inside, so nothing was changed.",
    )


def _same(limit: Mapping[str, Any], other: Mapping[str, Any] | None) -> bool:
    return other is not None and all(limit[what] == other[what] for what in WHAT)
