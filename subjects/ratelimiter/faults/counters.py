"""Counters that are changed behind the nodes' back."""

from __future__ import annotations

import asyncio
import random
import sys
from dataclasses import dataclass
from urllib.parse import quote

from operator_protocols import LabControl, Plan
from subjects.ratelimiter.counters import SETTLED_S, compare
from subjects.ratelimiter.faults.targets import LIMIT_S, ask, choose
from subjects.ratelimiter.services import STORE

JANITOR = "counter-janitor"


@dataclass(frozen=True, slots=True)
class DriftCounters:
    name: str = "drift-counters"
    says: str = "A stray process begins to delete and to add entries in the store's counters."
    looks_like: str = "Everything is up and fast, but the store no longer counts what the nodes admitted."
    undone_by: str = "ending the process and starting the counters afresh that are wrong"
    breaks: tuple[str, ...] = ("counter_drift",)
    limit_s: float = LIMIT_S

    async def plan(self, lab: LabControl, rng: random.Random) -> Plan:
        store = choose(lab, "store", rng)
        return Plan(
            target=store.name,
            says="A process that is no part of the limiter connects to the store and keeps changing counters.",
        )

    async def inject(self, lab: LabControl, plan: Plan) -> None:
        address = lab.endpoints[STORE].ports["redis"]
        await lab.spawn(JANITOR, [sys.executable, "-m", "subjects.ratelimiter.faults.janitor", str(address)])

    async def undo(self, lab: LabControl, plan: Plan) -> None:
        """Counters that agree with what the nodes admitted are left alone. Where that cannot be told, because a node
        is down or young, what is wrong goes out with the counters' windows."""
        await lab.end(JANITOR)
        await asyncio.sleep(SETTLED_S)
        nodes = {node.name: node.ports["http"] for node in lab.endpoints.by_role("node") if lab.running(node.name)}
        if len(nodes) < len(lab.endpoints.by_role("node")):
            return
        at = (await ask("GET", next(iter(nodes.values())), "/v1/counters"))["now"] - SETTLED_S
        reports = {name: await ask("GET", node, f"/v1/counters?at={at:.6f}") for name, node in nodes.items()}
        for counter in compare(reports, at)["drifted"]:
            await ask("DELETE", next(iter(nodes.values())), f"/v1/counters/{quote(counter['key'], safe='')}")
