"""The demo without a screen: its events as lines, its result as one line of JSON. The end-to-end test of everything."""

from __future__ import annotations

import asyncio
import signal
import sys
from datetime import datetime

import msgspec

from app.demo import Demo
from operator_core.audit import Audit
from operator_core.db import Database
from operator_core.events import AnyEvent, CommandStarted, Observed
from operator_core.output import Readable
from operator_core.state import Incident, RunState

OBSERVATIONS_SHOWN_EVERY = 5


class Printer:
    """Events as readable lines; uneventful observations are thinned out."""

    def __init__(self) -> None:
        self._readable = Readable()
        self._quiet = 0
        self.commands: list[int] = []
        """The audit entries of the commands that were seen to start."""

    def __call__(self, state: RunState, event: AnyEvent) -> None:
        if isinstance(event, CommandStarted):
            self.commands.append(event.entry)
        if isinstance(event, Observed) and not event.broken:
            self._quiet += 1
            if self._quiet % OBSERVATIONS_SHOWN_EVERY != 1:
                return
        sys.stdout.buffer.write(self._readable(event))
        sys.stdout.buffer.flush()


async def run(demo: Demo) -> int:
    """Play the whole show unattended. 0 if every expectation came true, 1 if one was missed, 2 if it never began."""
    printer = Printer()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, lambda: asyncio.ensure_future(demo.leave()))
    await demo.run(printer)
    if demo.failure:
        print(demo.failure, file=sys.stderr)
        return 2
    left_early = not demo.finished
    if left_early:
        print("The show was left before its end.", file=sys.stderr)
    for sentence in demo.missed:
        print(f"Missed: {sentence}", file=sys.stderr)
    summary = await summarise(demo, printer.commands)
    print(f"summary: {msgspec.json.encode(summary).decode()}", flush=True)
    return 1 if demo.missed or left_early or summary["lost_entries"] else 0


def _seconds(incident: Incident | None, moment: datetime | None) -> float | None:
    seconds = incident.seconds(moment) if incident else None
    return None if seconds is None else round(seconds, 2)


async def summarise(demo: Demo, commands: list[int]) -> dict[str, object]:
    """The figures of the run's incident, in seconds from the injection; null for what did not come."""
    state = demo.state
    incident = state.incident
    times = {
        f"{name}_s": _seconds(incident, getattr(incident, f"{name}_at", None))
        for name in ("detected", "diagnosed", "repaired", "verified")
    }
    async with await Database.open(demo.settings.database, create=False) as database:
        lost = await Audit(database).missing(commands)
    return {
        "subject": state.subject,
        "deployment": state.deployment,
        "agent": state.agent,
        "fault": incident.fault if incident else "",
        **times,
        "verified": bool(incident and incident.verified),
        "escalated": bool(incident and incident.escalated),
        "commands": len(commands),
        "lost_entries": len(lost),
    }
