"""Writing and reading the audit. When `append` returns, the entry is on disk; only then may what it tells be done."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import aiosqlite
import msgspec

from operator_core.audit.chain import NOTHING, digest
from operator_core.audit.records import Entry, Head, Kind, Session, SessionOutcome
from operator_core.db import Database, stamp
from operator_core.errors import UserError
from operator_core.events import now


class SessionOver(Exception):
    """The session has ended, perhaps because another agent took this one for dead: nothing more may be done in it."""


class Audit:
    def __init__(self, db: Database, clock: Callable[[], datetime] = now) -> None:
        self._db = db
        self._clock = clock

    async def start_session(
        self, subject: str, ticket: int, *, attempt: int, agent: str, model: str, mode: str, worker: str
    ) -> int:
        """Gives its number. `agent`: the kind ("claude", "scripted"), `worker` the process that claimed the ticket."""
        at = stamp(self._clock())
        async with self._db.transaction() as tx:
            cursor = await tx.execute(
                "INSERT INTO sessions (subject, ticket, attempt, agent, model, mode, worker, started_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (subject, ticket, attempt, agent, model, mode, worker, at),
            )
            session = cursor.lastrowid
            assert session is not None
            content = {
                "ticket": ticket,
                "attempt": attempt,
                "agent": agent,
                "model": model,
                "mode": mode,
                "worker": worker,
            }
            await _add(tx, session, at, "session_started", content)
        return session

    async def append(self, session: int | None, kind: Kind, content: Mapping[str, Any]) -> int:
        """Add an entry and give its number. `session` is None for what happens between sessions.

        After the session's end only the result of a command that was already running is taken; all else raises
        `SessionOver`. `DatabaseError` if it could not be written: then nothing may be done.
        """
        at = stamp(self._clock())
        async with self._db.transaction() as tx:
            if session is not None and kind != "tool_result":
                await _running(tx, session)
            return await _add(tx, session, at, kind, content)

    async def end_session(self, session: int, outcome: SessionOutcome, summary: str = "") -> Head:
        """End it and give the head of the chain at its end. `SessionOver`."""
        async with self._db.transaction() as tx:
            await _running(tx, session)
            return await self._end(tx, session, outcome, summary)

    async def interrupt_lost(self) -> list[int]:
        """End, as interrupted, each session whose agent does not hold its ticket any more: it died, or was relieved."""
        async with self._db.transaction() as tx:
            rows = await tx.execute_fetchall(
                "SELECT s.id FROM sessions s JOIN tickets t ON t.id = s.ticket WHERE s.ended_at IS NULL"
                " AND (t.state <> 'claimed' OR t.agent <> s.worker OR t.lease_until < ?)",
                (stamp(self._clock()),),
            )
            lost = [int(row[0]) for row in rows]
            for session in lost:
                await self._end(tx, session, "interrupted", "the agent is gone")
            return lost

    async def missing(self, numbers: Sequence[int]) -> list[int]:
        """Those of the entries that are not on record."""
        rows = await self._db.rows(
            "SELECT value FROM json_each(?) WHERE value NOT IN (SELECT id FROM entries)", (json.dumps(list(numbers)),)
        )
        return [int(row[0]) for row in rows]

    async def head(self) -> Head:
        rows = await self._db.rows("SELECT id, hash FROM entries ORDER BY id DESC LIMIT 1")
        return Head(*rows[0]) if rows else Head(0, NOTHING)

    async def sessions(
        self,
        *,
        subject: str | None = None,
        ticket: int | None = None,
        outcome: SessionOutcome | None = None,
        since: datetime | None = None,
        limit: int = 50,
        offset: int = 0,
    ) -> list[Session]:
        """Sessions that match all that is given, the newest first."""
        wanted = {
            "subject = ?": subject,
            "ticket = ?": ticket,
            "outcome = ?": outcome,
            "started_at >= ?": None if since is None else stamp(since),
        }
        terms = {term: value for term, value in wanted.items() if value is not None}
        rows = await self._db.rows(
            f"{_WITH_FIGURES} WHERE {' AND '.join(terms) or 'true'} ORDER BY id DESC LIMIT ? OFFSET ?",
            (*terms.values(), limit, offset),
        )
        return [msgspec.convert(dict(row), Session) for row in rows]

    async def session(self, session: int) -> Session:
        """`UserError` if there is none of this number."""
        rows = await self._db.rows(f"{_WITH_FIGURES} WHERE id = ?", (session,))
        if not rows:
            raise UserError(f"There is no session {session}.")
        return msgspec.convert(dict(rows[0]), Session)

    async def entries(self, session: int, *, after: int = 0, limit: int = 100_000) -> list[Entry]:
        """The session's entries with numbers above `after`, in order."""
        rows = await self._db.rows(
            "SELECT * FROM entries WHERE session = ? AND id > ? ORDER BY id LIMIT ?", (session, after, limit)
        )
        return [msgspec.convert({**row, "content": json.loads(row["content"])}, Entry) for row in map(dict, rows)]

    async def _end(self, tx: aiosqlite.Connection, session: int, outcome: SessionOutcome, summary: str) -> Head:
        at = stamp(self._clock())
        entry = await _add(tx, session, at, "session_ended", {"outcome": outcome, "summary": summary})
        await tx.execute(
            "UPDATE sessions SET ended_at = ?, outcome = ?, summary = ? WHERE id = ?", (at, outcome, summary, session)
        )
        rows = await tx.execute_fetchall("SELECT id, hash FROM entries WHERE id = ?", (entry,))
        (row,) = rows
        return Head(*row)


_WITH_FIGURES = """
SELECT s.*,
    (SELECT count(*) FROM entries e WHERE e.session = s.id) AS entries,
    (SELECT count(*) FROM entries e WHERE e.session = s.id AND e.kind = 'tool_call') AS commands,
    (SELECT ifnull(sum(json_extract(e.content, '$.input_tokens')), 0) FROM entries e
        WHERE e.session = s.id AND e.kind = 'usage') AS input_tokens,
    (SELECT ifnull(sum(json_extract(e.content, '$.output_tokens')), 0) FROM entries e
        WHERE e.session = s.id AND e.kind = 'usage') AS output_tokens,
    (SELECT sum(json_extract(e.content, '$.cost_usd')) FROM entries e
        WHERE e.session = s.id AND e.kind = 'usage') AS cost_usd
FROM sessions s"""


async def _running(tx: aiosqlite.Connection, session: int) -> None:
    rows = list(await tx.execute_fetchall("SELECT outcome FROM sessions WHERE id = ?", (session,)))
    if not rows or rows[0][0] is not None:
        raise SessionOver(f"session {session} " + (f"has ended: {rows[0][0]}" if rows else "does not exist"))


async def _add(tx: aiosqlite.Connection, session: int | None, at: str, kind: Kind, content: Mapping[str, Any]) -> int:
    rows = list(await tx.execute_fetchall("SELECT id, hash FROM entries ORDER BY id DESC LIMIT 1"))
    last, previous = rows[0] if rows else (0, NOTHING)
    # A half of a surrogate pair, which no file can hold, must not keep an entry from being written.
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode(errors="replace").decode()
    own = digest(last + 1, session, at, kind, text, previous)
    await tx.execute(
        "INSERT INTO entries (id, session, at, kind, content, previous, hash) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (last + 1, session, at, kind, text, previous, own),
    )
    return int(last) + 1
