"""The daemon: looks at the subject on a steady schedule, judges what it saw, and keeps the tickets."""

from __future__ import annotations

import asyncio
import math
import time
from pathlib import Path

from operator_core.errors import UserError
from operator_core.events import Blind, MonitorStarted, Observed
from operator_core.lab.wire import LabFile
from operator_core.monitor.judge import Judge
from operator_core.monitor.ledger import Ledger
from operator_core.monitor.view import CannotSee, View
from operator_core.output import Emit
from operator_protocols import Level, Subject

SHORTEST_INTERVAL_S, LONGEST_INTERVAL_S = 0.05, 3600.0
LOOK_WITHIN = 0.7
"""The share of an interval that the probes of a look may take."""
STARTING_UP_S = 15.0
"""A lab that was started less long ago than this, and was not yet seen whole, opens no tickets."""


async def watch(subject: Subject, lab_file: Path, db: Path, interval_s: float, emit: Emit) -> None:
    """Run until cancelled. `UserError` for a bad interval and for a database that cannot be used from the start."""
    if not SHORTEST_INTERVAL_S <= interval_s <= LONGEST_INTERVAL_S:
        raise UserError(
            f"The interval must be between {SHORTEST_INTERVAL_S:g} and {LONGEST_INTERVAL_S:g} seconds, "
            f"not {interval_s:g}."
        )
    monitor = _Monitor(subject, lab_file, db, interval_s, emit)
    try:
        await monitor.run()
    finally:
        await monitor.aclose()


class _Monitor:
    def __init__(self, subject: Subject, lab_file: Path, db: Path, interval_s: float, emit: Emit) -> None:
        self._started = MonitorStarted(
            subject=subject.name,
            interval_s=interval_s,
            invariants=tuple(invariant.name for invariant in subject.invariants),
            db=str(db),
        )
        self._interval_s = interval_s
        self._emit = emit
        self._judge = Judge(subject.invariants, interval_s)
        self._view = View(subject, lab_file, LOOK_WITHIN * interval_s)
        self._ledger = Ledger(db, subject.name, emit, busy_s=min(1.0, interval_s / 2))
        self._whole_once: LabFile | None = None
        """The lab that was seen with nothing broken."""

    async def run(self) -> None:
        await self._ledger.start()
        self._emit(self._started)
        await self._ledger.recall()
        begin = seen_at = time.monotonic()
        slot = 0
        while True:
            if await self._look(slot * self._interval_s, seen_at):
                seen_at = time.monotonic()
            # Slots that went by during a slow look are skipped, not made up for.
            slot = max(slot + 1, math.ceil((time.monotonic() - begin) / self._interval_s))
            await asyncio.sleep(begin + slot * self._interval_s - time.monotonic())

    async def _look(self, now: float, seen_at: float) -> bool:
        """One look, at `now` of the schedule; says whether it saw."""
        tickets = await self._ledger.live()
        began = time.monotonic()
        try:
            observation = await self._view.look()
        except CannotSee as error:
            self._judge.blind()
            self._emit(Blind(error=str(error), for_s=time.monotonic() - seen_at))
            await self._ledger.settle(())
            return False
        verdict = self._judge.look(observation, None if self._starting_up() else tickets, now)
        if not verdict.broken and all(service.level in (Level.OK, Level.WARN) for service in observation.services):
            self._whole_once = self._view.lab
        for change in verdict.changes:
            self._emit(change)
        seconds = time.monotonic() - began
        self._emit(Observed(observation=observation, seconds=seconds, broken=tuple(verdict.broken)))
        await self._ledger.settle(verdict.actions)
        return True

    def _starting_up(self) -> bool:
        lab = self._view.lab
        return lab is not None and lab != self._whole_once and time.time() - lab.started < STARTING_UP_S

    async def aclose(self) -> None:
        await self._view.aclose()
        await self._ledger.aclose()
