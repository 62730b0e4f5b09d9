"""Looks at a lab of the rate limiter: all parts side by side, each with a time-out."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from operator_protocols import Endpoints, Observation
from subjects.ratelimiter.canary import Canaries
from subjects.ratelimiter.counters import SETTLED_S, compare
from subjects.ratelimiter.facts import DriftFacts, Facts, LimitFacts, LinksFacts, LoadFacts, StoreFacts
from subjects.ratelimiter.limits import lost
from subjects.ratelimiter.node_look import NodeLook
from subjects.ratelimiter.probes import Answer, Http, Trouble, store_time
from subjects.ratelimiter.rows import damage, rows, workload
from subjects.ratelimiter.services import LINKS, LOAD, STORE

HELD_UP_S = 1.0


@dataclass(frozen=True, slots=True)
class Reports:
    """What GET /v1/counters gave, by node, as of `at` in the store's time."""

    at: float
    by_node: dict[str, Any]


class LabObserver:
    """Keeps to `operator_protocols.Observer`. The facts of an observation are `subjects.ratelimiter.facts.Facts`.

    Raises `TimeoutError` when this process itself was held up: then the time-outs that it saw were its own.
    """

    def __init__(self, endpoints: Endpoints, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._http = Http(timeout_s)
        self._store = endpoints[STORE].ports["redis"]
        self._links = endpoints[LINKS].ports["admin"]
        self._load = endpoints[LOAD].ports["http"]
        self._nodes = {node.name: node.ports["http"] for node in endpoints.by_role("node")}
        self._canaries = Canaries(self._http)
        self._looks = {name: NodeLook(address, self._http, self._canaries) for name, address in self._nodes.items()}
        self._damage: dict[str, float] | None = None

    async def observe(self) -> Observation:
        at, began = datetime.now(UTC), time.monotonic()
        self._http.begin()
        async with asyncio.TaskGroup() as group:
            clock = group.create_task(store_time(self._store, self._timeout_s))
            links = group.create_task(self._look_at_links())
            nodes = {name: group.create_task(look()) for name, look in self._looks.items()}
            members = group.create_task(self._members())
            counters = group.create_task(self._look_at_counters(clock))
            promised = group.create_task(self._http.get(self._load, "/limits"))
            load = group.create_task(self._look_at_load())
        if (seconds := time.monotonic() - began) > self._timeout_s + HELD_UP_S:
            raise TimeoutError(f"the look took {seconds:.1f} s: this machine held the monitor up")

        drift, limits = _judged(counters.result(), promised.result())
        facts = Facts(
            store=self._store_facts(clock.result()),
            links=links.result(),
            nodes={name: task.result() for name, task in nodes.items()},
            members=members.result(),
            drift=drift,
            limits=limits,
            load=load.result(),
        )
        self._canaries.learn(node["canaries"]["stored"] for node in facts["nodes"].values())
        seen_load = None
        if (stats := facts["load"]["stats"]) is not None:
            seen_load = workload(stats, self._damage)
            self._damage = damage(stats)
        return Observation(at, rows(facts), seen_load, cast(dict[str, Any], facts))

    async def aclose(self) -> None:
        await self._http.aclose()

    def _store_facts(self, clock: float | Trouble) -> StoreFacts:
        trouble = clock if isinstance(clock, Trouble) else Trouble("up", "")
        return StoreFacts(address=str(self._store), state=trouble.state, trouble=trouble.text)

    async def _look_at_links(self) -> LinksFacts:
        answer = await self._http.get(self._links, "/links")
        if isinstance(answer, Trouble):
            return LinksFacts(state=answer.state, trouble=answer.text, links=None)
        kept = ("state", "latency_ms", "connections")
        links: Any = {link["name"]: {what: link[what] for what in kept} for link in answer.body}
        return LinksFacts(state="up", trouble="", links=links)

    async def _look_at_load(self) -> LoadFacts:
        answer = await self._http.get(self._load, "/stats")
        if isinstance(answer, Trouble):
            return LoadFacts(state=answer.state, trouble=answer.text, stats=None)
        return LoadFacts(state="up", trouble="", stats=answer.body)

    async def _members(self) -> list[dict[str, Any]] | None:
        answers = await asyncio.gather(*(self._http.get(node, "/v1/nodes") for node in self._nodes.values()))
        return next((answer.body for answer in answers if isinstance(answer, Answer)), None)

    async def _look_at_counters(self, clock: asyncio.Task[float | Trouble]) -> Reports | str:
        """What every node tells of its counters at one moment, or why that cannot be had, as a sentence."""
        now = await clock
        if isinstance(now, Trouble):
            return f"The store {now.text}."
        at = now - SETTLED_S
        answers = await asyncio.gather(
            *(self._http.get(node, f"/v1/counters?at={at:.6f}") for node in self._nodes.values())
        )
        by_node = {}
        for name, answer in zip(self._nodes, answers, strict=True):
            if isinstance(answer, Trouble):
                return f"{name} {answer.text}."
            by_node[name] = answer.body
        return Reports(at, by_node)


def _judged(reports: Reports | str, promised: Answer | Trouble) -> tuple[DriftFacts, LimitFacts]:
    if isinstance(reports, str):
        return (
            DriftFacts(trouble=reports, compared=0, drifted=[]),
            LimitFacts(trouble=reports, compared=0, lost=[]),
        )
    drift = compare(reports.by_node, reports.at)
    if isinstance(promised, Trouble):
        return drift, LimitFacts(trouble=f"The load generator {promised.text}.", compared=0, lost=[])
    return drift, lost(reports.by_node, promised.body)
