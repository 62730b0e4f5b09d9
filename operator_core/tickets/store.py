"""Tickets in the database. Every change is one transaction that also writes the ticket's history."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Any, Literal

import aiosqlite
import msgspec

from operator_core.db import Database, stamp
from operator_core.errors import UserError
from operator_core.events import TicketChanged, TicketState, now
from operator_core.tickets.records import AGENT, LIVE, MAX_HAND_BACKS, MONITOR, Ticket, TicketEvent


class TicketLost(Exception):
    """The ticket is not this agent's any more: its lease ran out and another took it, or a person held or resolved it.
    The text says which."""


class Tickets:
    """The tickets of one subject. Numbers are unique over all subjects of a database."""

    def __init__(self, db: Database, subject: str, clock: Callable[[], datetime] = now) -> None:
        self._db = db
        self._subject = subject
        self._clock = clock

    # What the monitor does

    async def open_or_touch(self, invariant: str, target: str, summary: str, *, flapping: bool = False) -> Ticket:
        """A ticket for a violation that lasts: a new one, or the one that is live, with one more occurrence if the
        invariant had been whole in between (`mark_whole`)."""
        async with self._db.transaction() as tx:
            found = await _fetch(
                tx,
                "subject = ? AND invariant = ? AND target = ? AND state <> 'resolved'",
                (self._subject, invariant, target),
            )
            if found and not found.whole:
                return found
            if found:
                seen = found.occurrences + 1
                changes: dict[str, Any] = {"occurrences": seen, "summary": summary, "whole": 0, "flapping": flapping}
                return await self._change(tx, found, MONITOR, f"broken again, the {_ordinal(seen)} time", **changes)
            at = stamp(self._clock())
            cursor = await tx.execute(
                "INSERT INTO tickets (subject, invariant, target, summary, state, opened_at, changed_at, flapping)"
                " VALUES (?, ?, ?, ?, 'open', ?, ?, ?)",
                (self._subject, invariant, target, summary, at, at, flapping),
            )
            assert cursor.lastrowid is not None
            return await self._record(tx, cursor.lastrowid, MONITOR, "opened", at)

    async def mark_whole(self, ticket_id: int) -> None:
        """Note that the invariant holds for now: no agent begins on what seems to heal. Leaves no history."""
        async with self._db.transaction() as tx:
            await tx.execute("UPDATE tickets SET whole = 1 WHERE id = ?", (ticket_id,))

    async def set_flapping(self, ticket_id: int, flapping: bool) -> Ticket | None:
        async with self._db.transaction() as tx:
            ticket = await _fetch(tx, "id = ? AND state <> 'resolved'", (ticket_id,))
            if ticket is None or ticket.flapping == flapping:
                return None
            note = "flapping: it breaks and heals by turns" if flapping else "calm: no longer flapping"
            return await self._change(tx, ticket, MONITOR, note, flapping=flapping)

    async def hand_back(self, ticket_id: int, still_broken: str) -> Ticket | None:
        """What was concluded did not heal it: open again, or escalated after `MAX_HAND_BACKS`. None if the ticket is
        not being verified any more."""
        async with self._db.transaction() as tx:
            ticket = await _fetch(tx, "id = ? AND state = 'verifying'", (ticket_id,))
            if ticket is None:
                return None
            count = ticket.hand_backs + 1
            changes: dict[str, Any] = {"hand_backs": count, "still_broken": still_broken, "summary": still_broken}
            if count >= MAX_HAND_BACKS:
                note = f"escalated: handed back {count} times, still broken: {still_broken}"
                return await self._change(tx, ticket, MONITOR, note, state="escalated", **changes)
            note = f"handed back, still broken: {still_broken}"
            return await self._change(tx, ticket, MONITOR, note, state="open", whole=0, **changes)

    async def resolve(self, ticket_id: int, actor: str, note: str) -> Ticket | None:
        """The monitor resolves what is not being worked on (None if an agent is); a person resolves any live ticket
        (`UserError` if it is not live)."""
        async with self._db.transaction() as tx:
            if actor == MONITOR:
                ticket = await _fetch(
                    tx,
                    "id = ? AND state <> 'resolved' AND (state <> 'claimed' OR lease_until < ?)",
                    (ticket_id, stamp(self._clock())),
                )
                if ticket is None:
                    return None
            else:
                ticket = await _live(tx, ticket_id)
            return await self._change(tx, ticket, actor, note, state="resolved")

    # What an agent does. `agent` names the process, not the kind: another start is another agent.

    async def claim(self, agent: str, lease_s: float) -> Ticket | None:
        """Take the oldest ticket that is broken and open, or whose agent let its lease run out. None if there is none.
        No two agents are ever given the same ticket while a lease lasts."""
        async with self._db.transaction() as tx:
            at = self._clock()
            ticket = await _fetch(
                tx,
                "subject = ? AND whole = 0 AND (state = 'open' OR (state = 'claimed' AND lease_until < ?)) ORDER BY id",
                (self._subject, stamp(at)),
            )
            if ticket is None:
                return None
            note = "claimed" if ticket.state == "open" else f"taken over from {ticket.agent}, whose lease ran out"
            until = stamp(at + timedelta(seconds=lease_s))
            return await self._change(tx, ticket, AGENT, note, state="claimed", agent=agent, lease_until=until)

    async def renew(self, ticket_id: int, agent: str, lease_s: float) -> None:
        """Keep the ticket for another `lease_s` from now. `TicketLost`."""
        async with self._db.transaction() as tx:
            await _claimed(tx, ticket_id, agent)
            until = stamp(self._clock() + timedelta(seconds=lease_s))
            await tx.execute("UPDATE tickets SET lease_until = ? WHERE id = ?", (until, ticket_id))

    async def conclude(
        self, ticket_id: int, agent: str, outcome: Literal["verifying", "escalated"], note: str
    ) -> Ticket:
        """The agent is done: the monitor verifies, or a person has to go on. `note`: one line of the diagnosis.
        End the session first: a session that is open while its ticket is not claimed counts as lost. `TicketLost`."""
        async with self._db.transaction() as tx:
            return await self._change(tx, await _claimed(tx, ticket_id, agent), AGENT, note, state=outcome)

    async def release(self, ticket_id: int, agent: str, note: str) -> Ticket:
        """Give the ticket back unfinished (the agent is stopping); another may claim it at once. `TicketLost`."""
        async with self._db.transaction() as tx:
            return await self._change(tx, await _claimed(tx, ticket_id, agent), AGENT, note, state="open")

    # What a person does; `actor` is the person's name

    async def hold(self, ticket_id: int, actor: str, note: str = "") -> Ticket:
        """Keep agents off the ticket; one that works on it loses it. The monitor still resolves it when it heals."""
        async with self._db.transaction() as tx:
            ticket = await _live(tx, ticket_id)
            if ticket.state == "held":
                raise UserError(f"Ticket {ticket_id} is held already.")
            return await self._change(tx, ticket, actor, note or "held", state="held")

    async def unhold(self, ticket_id: int, actor: str, note: str = "") -> Ticket:
        """Give a held ticket to agents again, with its attempts counted anew."""
        async with self._db.transaction() as tx:
            ticket = await _live(tx, ticket_id)
            if ticket.state != "held":
                raise UserError(f"Ticket {ticket_id} is {ticket.state}, not held.")
            changes = {"hand_backs": 0, "still_broken": ""}
            return await self._change(tx, ticket, actor, note or "open for agents again", state="open", **changes)

    # Reading

    async def get(self, ticket_id: int) -> Ticket:
        """`UserError` if there is none of this number."""
        found = await self._db.rows("SELECT * FROM tickets WHERE id = ?", (ticket_id,))
        if not found:
            raise UserError(f"There is no ticket {ticket_id}.")
        return _ticket(found[0])

    async def find(self, states: Collection[TicketState] = LIVE, limit: int = 1000) -> list[Ticket]:
        """Tickets in these states, the newest first."""
        marks = ", ".join("?" * len(states))
        rows = await self._db.rows(
            f"SELECT * FROM tickets WHERE subject = ? AND state IN ({marks}) ORDER BY id DESC LIMIT ?",
            (self._subject, *states, limit),
        )
        return [_ticket(row) for row in rows]

    async def history(self, ticket_id: int) -> list[TicketEvent]:
        """Every change of the ticket, the oldest first."""
        rows = await self._db.rows("SELECT * FROM ticket_events WHERE ticket = ? ORDER BY id", (ticket_id,))
        return [msgspec.convert(dict(row), TicketEvent, strict=False) for row in rows]

    async def last_event(self) -> int:
        """The number of the newest change of any ticket, 0 if there is none."""
        (row,) = await self._db.rows("SELECT ifnull(max(id), 0) FROM ticket_events")
        return int(row[0])

    async def changes_since(self, event_id: int) -> list[tuple[int, TicketChanged]]:
        """What happened to this subject's tickets after the change with this number, each with its own number."""
        rows = await self._db.rows(
            "SELECT e.*, t.invariant, t.target FROM ticket_events e JOIN tickets t ON t.id = e.ticket"
            " WHERE e.id > ? AND t.subject = ? ORDER BY e.id",
            (event_id, self._subject),
        )
        return [(row["id"], msgspec.convert(dict(row), TicketChanged, strict=False)) for row in rows]

    # Inside a transaction

    async def _change(self, tx: aiosqlite.Connection, ticket: Ticket, actor: str, note: str, **columns: Any) -> Ticket:
        at = stamp(self._clock())
        columns["changed_at"] = at
        state = columns.get("state", ticket.state)
        if state != "claimed":
            columns["lease_until"] = None
        if state == "resolved":
            columns["resolved_at"] = at
        assignments = ", ".join(f"{name} = ?" for name in columns)
        await tx.execute(f"UPDATE tickets SET {assignments} WHERE id = ?", (*columns.values(), ticket.id))
        return await self._record(tx, ticket.id, actor, note, at)

    async def _record(self, tx: aiosqlite.Connection, ticket_id: int, actor: str, note: str, at: str) -> Ticket:
        await tx.execute(
            "INSERT INTO ticket_events (ticket, at, actor, state, note, summary, occurrences, flapping)"
            " SELECT id, ?, ?, state, ?, summary, occurrences, flapping FROM tickets WHERE id = ?",
            (at, actor, note, ticket_id),
        )
        ticket = await _fetch(tx, "id = ?", (ticket_id,))
        assert ticket is not None
        return ticket


def _ticket(row: sqlite3.Row) -> Ticket:
    return msgspec.convert(dict(row), Ticket, strict=False)


async def _fetch(tx: aiosqlite.Connection, where: str, parameters: tuple[object, ...]) -> Ticket | None:
    rows = list(await tx.execute_fetchall(f"SELECT * FROM tickets WHERE {where} LIMIT 1", parameters))
    return _ticket(rows[0]) if rows else None


async def _live(tx: aiosqlite.Connection, ticket_id: int) -> Ticket:
    ticket = await _fetch(tx, "id = ?", (ticket_id,))
    if ticket is None:
        raise UserError(f"There is no ticket {ticket_id}.")
    if ticket.state == "resolved":
        raise UserError(f"Ticket {ticket_id} is resolved already.")
    return ticket


async def _claimed(tx: aiosqlite.Connection, ticket_id: int, agent: str) -> Ticket:
    """The ticket, if this agent has it; also after its lease ran out, as long as nobody else took it."""
    ticket = await _fetch(tx, "id = ?", (ticket_id,))
    if ticket is None or ticket.state != "claimed":
        raise TicketLost(f"ticket {ticket_id} is {ticket.state if ticket else 'gone'}")
    if ticket.agent != agent:
        raise TicketLost(f"ticket {ticket_id} was taken over by {ticket.agent}")
    return ticket


def _ordinal(number: int) -> str:
    suffix = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{suffix}"
