"""What an operator who is new to a lab of the rate limiter has to know."""

from __future__ import annotations

from operator_protocols import Endpoints
from subjects.ratelimiter.services import DEFAULT_LIMIT, DEFAULT_WINDOW_S, LINKS, LOAD, STORE

TEXT = """\
# A distributed rate limiter

{count} nodes answer `POST /v1/check`: may this key do that now? Limits and counters are kept in one store (Valkey or
Redis) and shared by all nodes; each node reaches it over a link of its own. A load generator plays the clients.

| service | address | what it is |
|---|---|---|
{rows}

## The nodes, over HTTP (`curl -s http://ADDRESS/PATH`)

- `GET /healthz`: the process. `GET /readyz`: 503 while it cannot reach the store. `GET /metrics`: Prometheus.
- `GET /v1/nodes`: the members by heartbeat, and which are down.
- `GET /v1/config`, `PUT /v1/config`: settings of this node alone: `failure_mode` (what it answers without the store:
  `open` allows, `closed` refuses with 503, `local` counts by itself), `store_timeout_ms`, and `default_limit` for keys
  that have no limit of their own. All nodes of a cluster are meant to have the same: {default} checks in {window} s.
- `GET /v1/limits`, `GET|PUT|DELETE /v1/limits/KEY`: limits, kept in the store.
- `GET /v1/counters`: what the store counts for each key in its window, beside `admitted`, what this node itself has
  let through. The sum of `admitted` over the nodes is what the store must count; a check whose outcome a node
  never learnt is `unknown`, and may count or not. `DELETE /v1/counters/KEY` starts a counter afresh: clients can use
  their whole allowance at once, so it is for counters that are wrong.
  `python -m subjects.ratelimiter.drift NODE_ADDRESS ...`, given every node, compares them all.

The keys `canary:stored` and `canary:default` are probes of the monitor: every node must refuse them at any time.

## The links, at http://{admin}

`GET /links`: each node's way to the store, its state (`open` or `cut`), `latency_ms`, and its open connections.
`PUT /links/NODE` with `{{"state": "open", "latency_ms": 0}}` sets it.

## The store, at {store}

`python -m subjects.ratelimiter.cli {store} COMMAND ...` sends any command and prints the reply: `PING`, `INFO`,
`CLIENT LIST`, `SLOWLOG GET`. The clients it should have are the nodes, which come through the links.

## The load, at http://{load}

`GET /stats`: checks/s, allowed, denied, errors, p50 and p99 in ms, and what clients got wrongly.

## Services

`lab ps` lists them; `lab logs|start|stop|restart|kill|pause|resume NAME` acts on one. A node that is restarted begins
with the settings of its command line; the store keeps its data across a restart.
"""


def briefing(endpoints: Endpoints) -> str:
    """Markdown for a running lab."""
    titles = {"store": "Valkey/Redis", "network": "the links", "node": "a node", "load": "the load generator"}
    rows = [
        f"| {service.name} | {address} | {titles[service.role]} |"
        for service in endpoints.services
        for port, address in service.ports.items()
        if port in ("http", "redis", "admin")
    ]
    return TEXT.format(
        count=len(endpoints.by_role("node")),
        rows="\n".join(rows),
        default=DEFAULT_LIMIT,
        window=DEFAULT_WINDOW_S,
        admin=endpoints[LINKS].ports["admin"],
        store=endpoints[STORE].ports["redis"],
        load=endpoints[LOAD].ports["http"],
    )
