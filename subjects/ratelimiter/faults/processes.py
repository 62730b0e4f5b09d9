"""Processes that die and processes that stop answering."""

from __future__ import annotations

import random
from dataclasses import dataclass

from operator_protocols import LabControl, Plan
from subjects.ratelimiter.faults.targets import LIMIT_S, choose


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """SIGKILL to one service of a role."""

    name: str
    role: str
    says: str
    looks_like: str
    undone_by: str = "starting it again"
    breaks: tuple[str, ...]
    limit_s: float = LIMIT_S

    async def plan(self, lab: LabControl, rng: random.Random) -> Plan:
        target = choose(lab, self.role, rng).name
        return Plan(target, f"{target} gets SIGKILL.")

    async def inject(self, lab: LabControl, plan: Plan) -> None:
        await lab.kill(plan.target)

    async def undo(self, lab: LabControl, plan: Plan) -> None:
        await lab.start(plan.target)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hang:
    """SIGSTOP to one service of a role."""

    name: str
    role: str
    says: str
    looks_like: str
    undone_by: str = "letting it run on (SIGCONT)"
    breaks: tuple[str, ...]
    limit_s: float = LIMIT_S

    async def plan(self, lab: LabControl, rng: random.Random) -> Plan:
        target = choose(lab, self.role, rng).name
        return Plan(target, f"{target} gets SIGSTOP: it keeps its ports and answers nothing.")

    async def inject(self, lab: LabControl, plan: Plan) -> None:
        await lab.pause(plan.target)

    async def undo(self, lab: LabControl, plan: Plan) -> None:
        await lab.resume(plan.target)
        await lab.start(plan.target)  # it may have been killed since


PROCESS_FAULTS = (
    Kill(
        name="kill-node",
        role="node",
        says="One node is killed.",
        looks_like="Its row turns red, its share of the checks gets no answer, and the other nodes list it as down.",
        breaks=("node_down",),
    ),
    Hang(
        name="hang-node",
        role="node",
        says="One node is stopped in its tracks: it accepts connections and never answers.",
        looks_like="Its row turns red and its share of the checks times out, while its port still looks open.",
        breaks=("node_down",),
    ),
    Kill(
        name="kill-store",
        role="store",
        says="The store is killed.",
        looks_like="No node reaches the store, and nodes that fail open let everything through.",
        breaks=("redis_disconnected", "ghost_allowing"),
    ),
    Hang(
        name="hang-store",
        role="store",
        says="The store is stopped in its tracks: it accepts connections and never answers.",
        looks_like="Each check waits for its time-out and is then let through: slow, and wrong.",
        breaks=("redis_disconnected", "high_latency", "ghost_allowing"),
    ),
)
