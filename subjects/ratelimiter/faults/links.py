"""The network between nodes and store."""

from __future__ import annotations

import random
from dataclasses import dataclass

from operator_protocols import Address, LabControl, LabError, Plan
from subjects.ratelimiter.faults.targets import LIMIT_S, ask, choose
from subjects.ratelimiter.services import LINKS

SLOW_MS = 200


@dataclass(frozen=True, slots=True)
class PartitionNode:
    name: str = "partition-node"
    says: str = "The link from one node to the store is cut."
    looks_like: str = "The node is up, but decides alone: it lets through, slowly, what the others refuse."
    undone_by: str = "opening the link again"
    breaks: tuple[str, ...] = ("redis_disconnected", "ghost_allowing", "high_latency")
    limit_s: float = LIMIT_S

    async def plan(self, lab: LabControl, rng: random.Random) -> Plan:
        node = choose(lab, "node", rng).name
        before = await ask("GET", _admin(lab), f"/links/{node}")
        return Plan(
            target=node,
            says=f"The link from {node} to the store is cut: what is sent over it vanishes.",
            record={"state": before["state"]},
        )

    async def inject(self, lab: LabControl, plan: Plan) -> None:
        await ask("PUT", _admin(lab), f"/links/{plan.target}", {"state": "cut"})

    async def undo(self, lab: LabControl, plan: Plan) -> None:
        await lab.start(LINKS)
        await ask("PUT", _admin(lab), f"/links/{plan.target}", plan.record)


@dataclass(frozen=True, slots=True)
class SlowStore:
    name: str = "slow-store"
    says: str = f"The network to the store becomes slow: {SLOW_MS} ms a round trip."
    looks_like: str = "Nothing is down and nothing is refused wrongly, but every check takes far too long."
    undone_by: str = "making the links as fast as they were"
    breaks: tuple[str, ...] = ("high_latency",)
    limit_s: float = LIMIT_S

    async def plan(self, lab: LabControl, rng: random.Random) -> Plan:
        if not lab.running(LINKS):
            raise LabError("The links are not running, so they cannot be slowed down.")
        before = await ask("GET", _admin(lab), "/links")
        return Plan(
            target=LINKS,
            says=f"{SLOW_MS} ms are added to each round trip between the nodes and the store.",
            record={link["name"]: link["latency_ms"] for link in before},
        )

    async def inject(self, lab: LabControl, plan: Plan) -> None:
        for link in plan.record:
            await ask("PUT", _admin(lab), f"/links/{link}", {"latency_ms": SLOW_MS})

    async def undo(self, lab: LabControl, plan: Plan) -> None:
        await lab.start(LINKS)
        for link, latency_ms in plan.record.items():
            await ask("PUT", _admin(lab), f"/links/{link}", {"latency_ms": latency_ms})


def _admin(lab: LabControl) -> Address:
    return lab.endpoints[LINKS].ports["admin"]
