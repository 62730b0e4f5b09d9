"""The lab of the rate limiter: a store, a link from each node to it, the nodes, and the load on them."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

from operator_protocols import Ready, Service, Wiring
from subjects.ratelimiter.store import store_command

STORE, LINKS, LOAD = "store", "links", "load"

DEFAULT_NODES = 3
MAX_NODES = 16

DEFAULT_LIMIT = 100
"""What every node of the lab allows, within `DEFAULT_WINDOW_S`, a key that has no limit of its own."""
DEFAULT_WINDOW_S = 10


def services(options: Mapping[str, str]) -> tuple[Service, ...]:
    """Options: `nodes`, how many there are. `ValueError` with a sentence for any other, and for a bad number."""
    if unknown := options.keys() - {"nodes"}:
        raise ValueError(f"The rate limiter has no option {', '.join(sorted(unknown))}; it has: nodes.")
    count = options.get("nodes", str(DEFAULT_NODES))
    if not count.isdecimal() or not 1 <= int(count) <= MAX_NODES:
        raise ValueError(f"The option nodes={count} is not a number from 1 to {MAX_NODES}.")
    names = [f"node-{number}" for number in range(1, int(count) + 1)]
    return (_store(), _links(names), *(_node(name) for name in names), _load(names))


def _store() -> Service:
    def command(wiring: Wiring) -> Sequence[str]:
        return store_command(wiring.endpoints[STORE].ports["redis"].port, wiring.data_dir)

    return Service(
        name=STORE,
        role="store",
        title="limits and counters",
        command=command,
        ports=("redis",),
        ready=Ready("redis", send=b"PING\r\n", expect=b"+PONG"),
    )


def _links(nodes: Sequence[str]) -> Service:
    def command(wiring: Wiring) -> Sequence[str]:
        ports = wiring.endpoints[LINKS].ports
        store = wiring.endpoints[STORE].ports["redis"]
        links = [word for node in nodes for word in ("--link", node, str(ports[node]), str(store))]
        return [*_module("subjects.links"), "--admin", str(ports["admin"]), *links]

    return Service(
        name=LINKS,
        role="network",
        title="the network between nodes and store",
        command=command,
        ports=("admin", *nodes),
        ready=Ready("admin", http_path="/healthz"),
        after=(STORE,),
    )


def _node(name: str) -> Service:
    def command(wiring: Wiring) -> Sequence[str]:
        return [
            *_module("subjects.ratelimiter.service"),
            *("--name", name),
            *("--port", str(wiring.endpoints[name].ports["http"].port)),
            *("--store", str(wiring.endpoints[LINKS].ports[name])),
            *("--failure-mode", "open"),
            *("--default-limit", str(DEFAULT_LIMIT)),
            *("--default-window", str(DEFAULT_WINDOW_S)),
        ]

    return Service(
        name=name,
        role="node",
        title="answers checks",
        command=command,
        ports=("http",),
        ready=Ready("http", http_path="/healthz"),
        after=(LINKS,),
    )


def _load(nodes: Sequence[str]) -> Service:
    def command(wiring: Wiring) -> Sequence[str]:
        targets = [word for node in nodes for word in ("--node", str(wiring.endpoints[node].ports["http"]))]
        return [
            *_module("subjects.ratelimiter.load"),
            *("--port", str(wiring.endpoints[LOAD].ports["http"].port)),
            *targets,
        ]

    return Service(
        name=LOAD,
        role="load",
        title="clients of the limiter",
        command=command,
        ports=("http",),
        ready=Ready("http", http_path="/stats"),
        after=tuple(nodes),
    )


def _module(name: str) -> tuple[str, ...]:
    return sys.executable, "-m", name
