"""One command that asks every part of the limiter, and what its output shows."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from subjects.ratelimiter.playbook.cluster import Cluster

_ANSWER = re.compile(r"(.*?) ?\[(\d{3})\] http://([^/\s]+)/(\S*)\n", re.DOTALL)
_DRIFTED = re.compile(r"^(\S+) counts (\d+), admitted (\d+)(?: to (\d+))?$", re.MULTILINE)
_NAMED = re.compile(r" name=(\S+)")


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
    drifted: dict[str, str] | None = None
    """Counters that disagree with what the nodes admitted, by key, each with a clause that says how."""


def command(cluster: Cluster, *, counters: bool, again: bool = False) -> str:
    """Ask all of it in one line. `counters`: also who is connected to the store, and whether it counts right.
    `again`: after a change, so list the services first and give the nodes a moment to be ready."""
    nodes, store = ",".join(cluster.nodes.values()), cluster.address("store", "redis")
    urls = [f"'http://{{{nodes}}}/{{healthz,readyz,v1/config}}'"]
    if admin := cluster.address("network", "admin"):
        urls.append(f"http://{admin}/links")
    if load := cluster.address("load", "http"):
        urls.append(f"http://{load}/stats")
    parts = [f"curl -s -m 1 -w ' [%{{http_code}}] %{{url_effective}}\\n' {' '.join(urls)}"]
    if again:
        ready = f"curl -s -m 1 --retry 4 --retry-delay 1 --retry-connrefused 'http://{{{nodes}}}/readyz' > /dev/null"
        parts = [ready, "lab ps", *parts]
    if store:
        client = f"python -m subjects.ratelimiter.cli --timeout 1 {store}"
        parts.append(f"{client} PING")
        if counters:
            parts.append(f"{client} INFO server | grep uptime_in_seconds; {client} CLIENT LIST")
            parts.append(f"python -m subjects.ratelimiter.drift {' '.join(cluster.nodes.values())}")
    return "; ".join(parts)


def read(output: str, cluster: Cluster) -> Look:
    look = Look()
    names = {address: name for name, address in cluster.nodes.items()}
    for match in _ANSWER.finditer(output):
        body, status, address, path = match.groups()
        if address in names:
            _node(look, names[address], path, status, body)
        elif path == "links" and isinstance(links := _json(body), list):
            look.links = {link["name"]: link for link in links}
        elif path == "stats" and isinstance(stats := _json(body), dict):
            look.stats = stats
    lines = output.splitlines()
    if "PONG" in lines:
        look.store_answers = True
    elif f"No answer from {cluster.address('store', 'redis')}" in output:
        look.store_answers = False
    uptime = re.search(r"^uptime_in_seconds:(\d+)", output, re.MULTILINE)
    look.uptime_s = int(uptime[1]) if uptime else None
    listed = [line for line in lines if line.startswith("id=") and " addr=" in line]
    if listed:
        look.clients = [Client(named[1], line) for line in listed if (named := _NAMED.search(line))]
    if re.search(r"^compared \d+ counters", output, re.MULTILINE):
        look.drifted = {drifted[1]: drifted[0] for drifted in _DRIFTED.finditer(output)}
    return look


def _node(look: Look, name: str, path: str, status: str, body: str) -> None:
    if status == "000":
        if path == "healthz":
            look.silent.add(name)
    elif path == "healthz":
        look.health.add(name)
    elif path == "readyz":
        look.ready[name] = status == "200"
    elif path == "v1/config" and isinstance(config := _json(body), dict):
        look.configs[name] = config


def _json(body: str) -> Any:
    """What the last line of it holds, or None if that is no JSON."""
    try:
        return json.loads(body.strip().splitlines()[-1])
    except (ValueError, IndexError):
        return None


def p99_of(stats: Mapping[str, Any] | None) -> float | None:
    return None if stats is None else stats.get("p99_ms")
