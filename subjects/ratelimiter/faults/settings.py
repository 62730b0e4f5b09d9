"""Settings that one node alone has."""

from __future__ import annotations

import random
from dataclasses import dataclass

from operator_protocols import Address, LabControl, Plan
from subjects.ratelimiter.faults.targets import LIMIT_S, ask, choose

RAISED = 100
"""The default limit becomes so many times as high."""


@dataclass(frozen=True, slots=True)
class MisconfiguredNode:
    name: str = "misconfigured-node"
    says: str = "One node is given another failure mode and a far higher default limit, through its own API."
    looks_like: str = "Everything is up and fast, but one node lets through what the others refuse."
    undone_by: str = "giving the node the settings back that it had"
    breaks: tuple[str, ...] = ("ghost_allowing",)
    limit_s: float = LIMIT_S

    async def plan(self, lab: LabControl, rng: random.Random) -> Plan:
        node = choose(lab, "node", rng).name
        before = await ask("GET", _node(lab, node), "/v1/config")
        default = before["default_limit"]
        wrong = {
            "failure_mode": "closed" if before["failure_mode"] != "closed" else "open",
            "default_limit": default | {"limit": default["limit"] * RAISED},
        }
        return Plan(
            target=node,
            says=(
                f"{node} is told to allow {wrong['default_limit']['limit']} checks where the others allow "
                f"{default['limit']}, and to fail {wrong['failure_mode']}."
            ),
            record={"before": {setting: before[setting] for setting in wrong}, "wrong": wrong},
        )

    async def inject(self, lab: LabControl, plan: Plan) -> None:
        await ask("PUT", _node(lab, plan.target), "/v1/config", plan.record["wrong"])

    async def undo(self, lab: LabControl, plan: Plan) -> None:
        """Only the settings that are still wrong are given back: a node that was restarted has others."""
        await lab.start(plan.target)
        now = await ask("GET", _node(lab, plan.target), "/v1/config")
        wrong, before = plan.record["wrong"], plan.record["before"]
        if give_back := {setting: before[setting] for setting in wrong if now[setting] == wrong[setting]}:
            await ask("PUT", _node(lab, plan.target), "/v1/config", give_back)


def _node(lab: LabControl, name: str) -> Address:
    return lab.endpoints[name].ports["http"]
