"""A limit that is not stored any more, or another than its clients go by. It is a decision, so a person has to take it:
the agent shows what is missing and how to put it back."""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Mapping
from typing import Any

from operator_protocols import Conclusion, Result, Run
from subjects.ratelimiter.limits import clause
from subjects.ratelimiter.playbook.case import Case
from subjects.ratelimiter.playbook.cluster import Cluster
from subjects.ratelimiter.playbook.look import Look

WHAT = ("limit", "window_s", "algorithm")
_NAMED = re.compile(r"(\S+) is held to")
_ANSWER = re.compile(r"^(.*?) ?\[(\d{3})\] (\S+)$", re.MULTILINE)


def lost_limits(case: Case, cluster: Cluster, look: Look) -> Generator[Run, Result, Conclusion | None]:
    """None where the limits that the ticket names are as they should be, or cannot be compared."""
    keys = _NAMED.findall(case.ticket.summary)
    node, load = next(iter(cluster.nodes.values())), cluster.address("load", "http")
    asked = "&".join(f"key={key}" for key in keys)
    seen = yield Run(
        f"curl -s -m 2 'http://{load}/limits?{asked}'; echo; "
        f"curl -s -m 2 -w ' [%{{http_code}}] %{{url_effective}}\\n' 'http://{node}/v1/limits/{{{','.join(keys)}}}'",
        "Compare the limits that clients go by with those that are stored.",
        "Every part is well, so I compare what clients were promised with what is stored.",
    )
    try:
        promised = json.loads(seen.output.partition("\n")[0])
        answers = {url.rpartition("/")[2]: (status, body) for body, status, url in _ANSWER.findall(seen.output)}
        stored = {key: json.loads(body) for key, (status, body) in answers.items() if status == "200"}
    except ValueError:
        return None
    gone = {key for key, (status, _) in answers.items() if status == "404"}
    wrong = {key: promised[key] for key in keys if key in promised and not _same(promised[key], stored.get(key))}
    wrong = {key: limit for key, limit in wrong.items() if key in gone or key in stored}
    if not wrong:
        return None
    for key, limit in wrong.items():
        found = f"is stored as {clause(stored[key])}" if key in stored else "is not stored"
        case.found(f"the limit of {key} {found}, while its clients go by {clause(limit)}", "", "")
        case.open_questions.append(
            f"To put it back: `curl -X PUT -d '{json.dumps(limit)}' http://{node}/v1/limits/{key}`."
        )
    return case.unknown(
        cluster,
        look,
        "Limits are not what clients go by. Whether that is an accident or somebody's decision cannot be told from "
        "inside, so nothing was changed.",
    )


def _same(limit: Mapping[str, Any], other: Mapping[str, Any] | None) -> bool:
    return other is not None and all(limit[what] == other[what] for what in WHAT)
