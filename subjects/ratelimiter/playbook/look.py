"""One command that asks every part of the limiter, and what its output shows."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from subjects.ratelimiter.playbook.cluster import Cluster

_HEADING = re.compile(r"^## (\S+)(?: (\S+))?$")
_STATUS = re.compile(r" \[(\d{3})\]$")
_DRIFTED = re.compile(r"^(\S+) counts (\d+), admitted (\d+)(?: to (\d+))?$", re.MULTILINE)
_STRANGER = re.compile(r"\bname=(\S+)")
_CURL = "curl -s -m 1 -w ' [%{http_code}]\\n'"


@dataclass(frozen=True, slots=True)
class Client:
    """A named client of the store, from CLIENT LIST. `pid` is what it says of itself in its name."""

    name: str
    line: str

    @property
    def pid(self) -> int | None:
        _, _, tail = self.name.rpartition(":")
        return int(tail) if tail.isdecimal() else None


@dataclass(slots=True)
class Look:
    """What answered what. What was not asked, or could not be, is None or missing, which proves nothing: a part is
    known to be silent only where the tool that asked it says so."""

    health: set[str] = field(default_factory=set)
    silent: set[str] = field(default_factory=set)
    ready: dict[str, bool] = field(default_factory=dict)
    configs: dict[str, dict[str, Any]] = field(default_factory=dict)
    links: dict[str, dict[str, Any]] | None = None
    store_answers: bool | None = None
    stats: dict[str, Any] | None = None
    clients: list[Client] | None = None
    uptime_s: int | None = None
    drifted: list[str] | None = None
    """Keys of counters that disagree with what the nodes admitted."""
    drift_said: str = ""


def command(cluster: Cluster, *, counters: bool, again: bool = False) -> str:
    """Ask all of it in one line. `counters`: also who is connected to the store, and whether it counts right.
    `again`: after a change, so list the services first and give the nodes a moment to be ready."""
    nodes, store = cluster.nodes, cluster.address("store", "redis")
    each = " ".join(nodes.values())
    parts = []
    if again:
        parts.append("lab ps")
        parts.append(
            f"for a in {each}; do for i in 1 2 3 4 5 6 7 8; do "
            "curl -sf -m 1 -o /dev/null http://$a/readyz && break; sleep 0.3; done; done"
        )
    parts.append(
        f'for a in {each}; do for p in healthz readyz v1/config; do echo "## $a $p"; {_CURL} http://$a/$p; done; done'
    )
    if admin := cluster.address("network", "admin"):
        parts.append(f"echo '## links'; {_CURL} http://{admin}/links")
    if load := cluster.address("load", "http"):
        parts.append(f"echo '## load'; {_CURL} http://{load}/stats")
    if store:
        client = f"python -m subjects.ratelimiter.cli --timeout 1 {store}"
        parts.append(f"echo '## store'; {client} PING")
        if counters:
            parts.append(f"echo '## uptime'; {client} INFO server | grep uptime_in_seconds")
            parts.append(f"echo '## clients'; {client} CLIENT LIST")
            parts.append(f"echo '## counters'; python -m subjects.ratelimiter.drift {each}")
    return "; ".join(parts)


def read(output: str, cluster: Cluster) -> Look:
    look = Look()
    names = {address: name for name, address in cluster.nodes.items()}
    for what, path, body in _sections(output):
        if what in names:
            _node(look, names[what], path, body)
        elif what == "links" and isinstance(links := _json(body), list):
            look.links = {link["name"]: link for link in links}
        elif what == "load" and isinstance(stats := _json(body), dict):
            look.stats = stats
        elif what == "store":
            no_answer = f"No answer from {cluster.address('store', 'redis')}" in output
            look.store_answers = True if "PONG" in body else False if no_answer else None
        elif what == "uptime" and (found := re.search(r"uptime_in_seconds:(\d+)", body)):
            look.uptime_s = int(found[1])
        elif what == "clients":
            look.clients = [Client(match[1], line) for line in body.splitlines() if (match := _STRANGER.search(line))]
        elif what == "counters" and "compared" in body:
            look.drifted = [match[1] for match in _DRIFTED.finditer(body)]
            look.drift_said = body
    return look


def _node(look: Look, name: str, path: str, body: str) -> None:
    status = _STATUS.search(body.rstrip())
    if status is None:
        return
    if status[1] == "000":
        if path == "healthz":
            look.silent.add(name)
        return
    if path == "healthz":
        look.health.add(name)
    elif path == "readyz":
        look.ready[name] = status[1] == "200"
    elif path == "v1/config" and isinstance(config := _json(body), dict):
        look.configs[name] = config


def _sections(output: str) -> list[tuple[str, str, str]]:
    found: list[tuple[str, str, list[str]]] = []
    for line in output.splitlines():
        if heading := _HEADING.match(line):
            found.append((heading[1], heading[2] or "", []))
        elif line.startswith("[standard error]"):
            break
        elif found:
            found[-1][2].append(line)
    return [(what, path, "\n".join(lines)) for what, path, lines in found]


def _json(body: str) -> Any:
    """What the body holds, without curl's status behind it; None if that is no JSON."""
    try:
        return json.loads(_STATUS.sub("", body.rstrip()))
    except ValueError:
        return None


def p99_of(stats: Mapping[str, Any] | None) -> float | None:
    return None if stats is None else stats.get("p99_ms")
