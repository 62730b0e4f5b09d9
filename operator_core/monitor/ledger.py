"""The monitor's hold on the database: it may be locked, full or gone for a while, and the monitor goes on looking."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from operator_core.db import Database, DatabaseError
from operator_core.events import Logged
from operator_core.monitor.judge import Action, HandBack, MarkFlapping, MarkWhole, Open, Resolve
from operator_core.output import Emit
from operator_core.tickets import AGENT, MONITOR, Ticket, Tickets


class Ledger:
    """Reads and changes tickets, and emits each change once: the monitor's own and those of persons. The agent says
    itself what it does."""

    def __init__(self, path: Path, subject: str, emit: Emit, busy_s: float) -> None:
        self._path = path
        self._subject = subject
        self._emit = emit
        self._busy_s = busy_s
        self._db: Database | None = None
        self._said = 0
        """The newest change that was emitted."""
        self._trouble = ""

    async def start(self) -> None:
        """Open the database, made if need be. `DatabaseError`."""
        self._db = await Database.open(self._path, busy_s=self._busy_s)

    async def recall(self) -> None:
        """Tell which tickets are live, the oldest first. `DatabaseError`."""
        tickets = await self._tickets()
        self._said = await tickets.last_event()
        for ticket in reversed(await tickets.find()):
            self._emit(ticket.changed(MONITOR, "still on record"))

    async def aclose(self) -> None:
        db, self._db = self._db, None
        if db is not None:
            await db.aclose()

    async def live(self) -> list[Ticket] | None:
        """The live tickets; None while they cannot be read."""
        try:
            return await (await self._tickets()).find()
        except DatabaseError as error:
            await self._lost(error)
            return None

    async def settle(self, actions: Iterable[Action]) -> None:
        """Do what was decided, and tell of every change since the last time."""
        try:
            tickets = await self._tickets()
            for action in actions:
                await _apply(tickets, action)
            for number, change in await tickets.changes_since(self._said):
                self._said = number
                if change.actor != AGENT:
                    self._emit(change)
            if self._trouble:
                self._trouble = ""
                self._emit(
                    Logged(source="monitor", level="info", message=f"The database {self._path} is usable again.")
                )
        except DatabaseError as error:
            await self._lost(error)

    async def _tickets(self) -> Tickets:
        """The tickets, on a connection that is opened again if it was lost; a file that vanished is not made anew."""
        if self._db is None:
            self._db = await Database.open(self._path, create=False, busy_s=self._busy_s)
            tickets = Tickets(self._db, self._subject)
            self._said = min(self._said, await tickets.last_event())
        return Tickets(self._db, self._subject)

    async def _lost(self, error: DatabaseError) -> None:
        await self.aclose()
        if str(error) != self._trouble:
            self._trouble = str(error)
            self._emit(Logged(source="monitor", level="error", message=f"{error} No ticket changes meanwhile."))


async def _apply(tickets: Tickets, action: Action) -> None:
    match action:
        case Open(invariant=invariant, target=target, summary=summary, flapping=flapping):
            await tickets.open_or_touch(invariant, target, summary, flapping=flapping)
        case MarkWhole(ticket=ticket):
            await tickets.mark_whole(ticket)
        case MarkFlapping(ticket=ticket, flapping=flapping):
            await tickets.set_flapping(ticket, flapping)
        case Resolve(ticket=ticket, held_s=held_s):
            await tickets.resolve(ticket, MONITOR, f"held for {held_s:.0f} s")
        case HandBack(ticket=ticket, still_broken=still_broken):
            await tickets.hand_back(ticket, still_broken)
