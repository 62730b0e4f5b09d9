"""A subject of two kettles and a stove, real processes all: what the operator's own tests run, as it names no subject.

`python toy.py PORT` is a kettle. The subject is found as "tests.operator_core.toy:SUBJECT".
"""

from __future__ import annotations

import argparse
import asyncio
import random
import signal
import sys
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from operator_protocols import (
    Conclusion,
    Endpoints,
    Fault,
    Invariant,
    LabControl,
    LabError,
    Observation,
    Observer,
    Plan,
    Playbook,
    Ready,
    Result,
    Run,
    Service,
    TicketBrief,
    Wiring,
)


@dataclass(frozen=True)
class ToyFault:
    """Undone by starting and resuming its target, and by ending what it spawned."""

    name: str
    act: str
    limit_s: float = 60.0
    says: str = "A kettle goes wrong."
    looks_like: str = "No tea."
    undone_by: str = "starting it"
    breaks: tuple[str, ...] = ()

    async def plan(self, lab: LabControl, rng: random.Random) -> Plan:
        target = rng.choice(lab.endpoints.by_role("kettle")).name
        return Plan(target, f"{target} suffers {self.name}.", {"why": "tea"})

    async def inject(self, lab: LabControl, plan: Plan) -> None:
        if self.act == "kill":
            await lab.kill(plan.target)
        elif self.act == "pause":
            await lab.pause(plan.target)
        elif self.act == "spawn":
            await lab.spawn("stray", [sys.executable, "-c", "import time; time.sleep(600)"])
        elif self.act == "hang":
            await lab.kill(plan.target)
            await asyncio.sleep(600)
        elif self.act == "fail":
            await lab.kill(plan.target)
            raise LabError("the tap is dry")

    async def undo(self, lab: LabControl, plan: Plan) -> None:
        if self.act == "stuck":
            raise LabError("the lid is stuck")
        await lab.end("stray")
        await lab.resume(plan.target)
        await lab.start(plan.target)


def give_up(ticket: TicketBrief) -> Generator[Run, Result, Conclusion]:
    yield Run("lab ps", "See which kettles there are.")
    return Conclusion("No tea.", "Unknown.", escalate=True)


@dataclass(frozen=True)
class Toy:
    name: str = "toy"
    title: str = "Kettles"
    playbook: Playbook = give_up
    invariants: tuple[Invariant, ...] = ()
    faults: Sequence[Fault] = (
        ToyFault("kill", "kill"),
        ToyFault("pause", "pause"),
        ToyFault("stray", "spawn"),
        ToyFault("brief", "kill", limit_s=0.3),
        ToyFault("fails", "fail"),
        ToyFault("hangs", "hang"),
        ToyFault("stuck", "stuck"),
    )

    def services(self, options: Mapping[str, str]) -> Sequence[Service]:
        """Options: `broken=NAME` does not start, `slow=NAME` never becomes ready, `stubborn=NAME` ignores SIGTERM."""
        if unknown := options.keys() - {"broken", "slow", "stubborn"}:
            raise ValueError(f"A toy has no option {', '.join(unknown)}.")
        kettles = ("kettle-1", "kettle-2")
        return (*(kettle(name, options, ("stove",)) for name in kettles), kettle("stove", options, ()))

    def reads(self, words: Sequence[str]) -> bool:
        return False

    def briefing(self, endpoints: Endpoints) -> str:
        return "Kettles on a stove."

    async def observer(self, endpoints: Endpoints, timeout_s: float) -> Observer:
        return ToyObserver()


class ToyObserver:
    async def observe(self) -> Observation:
        return Observation(datetime.now(UTC), (), None)

    async def aclose(self) -> None:
        return None


def kettle(name: str, options: Mapping[str, str], after: tuple[str, ...]) -> Service:
    def command(wiring: Wiring) -> Sequence[str]:
        port = str(wiring.endpoints[name].ports["http"].port)
        flags = [f"--{trait}" for trait in ("broken", "slow", "stubborn") if options.get(trait) == name]
        return [sys.executable, __file__, port, *flags]

    ready = Ready("http", http_path="/", within_s=1.5 if options.get("slow") == name else 20)
    role = "stove" if name == "stove" else "kettle"
    return Service(name, role, "boils water", command, ("http",), ready, after, stop_grace_s=0.5)


SUBJECT = Toy()


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("port", type=int)
    for trait in ("broken", "slow", "stubborn"):
        arguments.add_argument(f"--{trait}", action="store_true")
    given = arguments.parse_args()
    if given.broken:
        sys.exit("the element is burnt out")
    if given.stubborn:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("cold water", flush=True)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(503 if given.slow else 200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            return None

    server = ThreadingHTTPServer(("127.0.0.1", given.port), Handler)
    print("boiling", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
