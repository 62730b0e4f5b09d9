"""What is wrong with the limiter, read from evidence, each with its repair."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from operator_protocols import Run
from subjects.ratelimiter.playbook.cluster import Cluster, Part
from subjects.ratelimiter.playbook.look import Client, Look

_PUT = "curl -s -m 2 -X PUT -H 'content-type: application/json'"


@dataclass(frozen=True, slots=True)
class Finding:
    """`fact`: a clause, in the past tense. `evidence`: a sentence. `repairs`: tried in order while the finding comes
    back. `done`: a clause that says what the repair did."""

    key: str
    fact: str
    evidence: str
    repairs: tuple[Run, ...]
    done: str


def services(cluster: Cluster) -> Iterator[Finding]:
    """Those that the lab itself knows not to run."""
    for part in cluster.parts:
        if part.state in ("died", "stopped", "failed"):
            start = Run(
                f"lab start {part.name}",
                f"{part.name} does not run; start it.",
                f"`lab ps` lists {part.name} as {part.state}. {_role(part)} I start it again.",
            )
            yield Finding(
                f"down:{part.name}",
                f"{part.name} was not running",
                f"`lab ps` listed {part.name} as {part.state}{', ' if part.last_exit else ''}{part.last_exit}.",
                (start, start),
                f"{part.name} was started again",
            )
        elif part.state == "paused":
            yield _hung(part, f"`lab ps` listed {part.name} as paused: its process was there and did nothing.")


def silent(cluster: Cluster, look: Look) -> Iterator[Finding]:
    """Those that run, as the lab says, and give no answer."""
    for node in cluster.role("node"):
        if node.state == "up" and node.name in look.silent:
            yield _hung(node, f"{node.name} ran, but gave no answer to GET /healthz within 1 s.")
    for store in cluster.role("store"):
        if store.state == "up" and look.store_answers is False:
            yield _hung(store, f"{store.name} ran, but gave no answer to PING within 1 s.")


def links(cluster: Cluster, look: Look) -> Iterator[Finding]:
    """Those that are cut or slowed; the ones that are wrong in the same way together."""
    admin = cluster.address("network", "admin")
    alike: dict[tuple[str, float], list[str]] = {}
    for name, link in (look.links or {}).items():
        if link["state"] != "open" or link["latency_ms"]:
            alike.setdefault((link["state"], link["latency_ms"]), []).append(name)
    for (state, latency_ms), names in alike.items():
        right = ({"state": "open"} if state != "open" else {}) | ({"latency_ms": 0} if latency_ms else {})
        how = " and ".join(
            part
            for part in (state if state != "open" else "", f"slowed by {latency_ms:g} ms" if latency_ms else "")
            if part
        )
        who, each = (names[0], names[0]) if len(names) == 1 else (", ".join(names), f"{{{','.join(names)}}}")
        put = Run(
            f"{_PUT} -d '{json.dumps(right)}' 'http://{admin}/links/{each}'",
            f"The link of {who} is {how}; set it right.",
            f"GET /links shows the way to the store from {who} as {how}. So it is the network between them, neither "
            "the nodes nor the store.",
        )
        yield Finding(
            f"links:{who}",
            f"the network between the store and {who} was {how}",
            f"GET /links listed {who} as {state}, with {latency_ms:g} ms added.",
            (put,),
            f"the links were set right ({json.dumps(right)})"
            if len(names) > 1
            else f"its link was set right ({json.dumps(right)})",
        )


def settings(cluster: Cluster, look: Look) -> Iterator[Finding]:
    """Nodes whose settings are not those of the majority. Without a majority nobody can tell who is right."""
    shared = majority(look)
    if shared is None:
        return
    for name, config in look.configs.items():
        wrong = {key: value for key, value in shared.items() if config.get(key) != value}
        if wrong:
            had = {key: config.get(key) for key in wrong}
            put = Run(
                f"{_PUT} -d '{json.dumps(wrong)}' http://{cluster.nodes[name]}/v1/config",
                f"Give {name} the settings that the other nodes have.",
                f"{name} has {_shown(had)} where the other nodes have {_shown(wrong)}. One node that is set otherwise "
                "lets through what the rest refuse.",
            )
            yield Finding(
                f"settings:{name}",
                f"{name} had other settings than the rest of the cluster",
                f"GET /v1/config of {name} gave {_shown(had)}, that of the others {_shown(wrong)}.",
                (put,),
                f"{name} was given the settings of the other nodes",
            )


def majority(look: Look) -> dict[str, Any] | None:
    """The settings that more than half of the nodes have."""
    counted = Counter(json.dumps(config, sort_keys=True) for config in look.configs.values())
    for text, count in counted.most_common(1):
        if count * 2 > len(look.configs):
            found: dict[str, Any] = json.loads(text)
            return found
    return None


def strangers(cluster: Cluster, look: Look) -> list[Client]:
    """Named clients of the store that are none of the nodes."""
    names = cluster.nodes
    return [client for client in look.clients or () if not any(name in client.name for name in names)]


def _hung(part: Part, evidence: str) -> Finding:
    resume = Run(
        f"lab resume {part.name}",
        f"{part.name} is stopped in its tracks; let it run on.",
        f"{evidence} {_role(part)} It has not ended, so nothing is lost by letting it run on.",
    )
    restart = Run(
        f"lab restart {part.name}",
        f"{part.name} still gives no answer; restart it.",
        f"{part.name} still gives no answer. I restart it.",
    )
    return Finding(
        f"hung:{part.name}",
        f"{part.name} was stopped in its tracks",
        evidence,
        (resume, restart),
        f"{part.name} was brought to run again",
    )


def _role(part: Part) -> str:
    return {
        "node": "Its share of the checks gets no answer.",
        "store": "Without the store each node decides alone, and those that fail open let everything through.",
        "network": "Without the links no node reaches the store.",
    }.get(part.role, "")


def _shown(config: dict[str, Any]) -> str:
    return ", ".join(f"`{key}` {json.dumps(value, sort_keys=True)}" for key, value in config.items())
