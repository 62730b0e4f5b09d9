"""The hash chain, and its proof.

An entry's hash is the SHA-256, in hexadecimal, of this JSON array in UTF-8, without white space, with no more escaped
than JSON demands: `[id, session, at, kind, content, previous]`, where `at`, `kind` and `content` are the texts of the
row as they are, and `previous` is the hash of the entry before (64 zeros for the first).
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator

import msgspec

from operator_core.audit.records import Head
from operator_core.db import Database

NOTHING = "0" * 64
"""What the first entry has before it."""

_PAGE = 10_000
_encode = msgspec.json.Encoder().encode


def digest(entry_id: int, session: int | None, at: str, kind: str, content: str, previous: str) -> str:
    return hashlib.sha256(_encode((entry_id, session, at, kind, content, previous))).hexdigest()


class Flaw(msgspec.Struct, frozen=True):
    """The first thing that is wrong, at the entry of this number."""

    entry: int
    what: str


class Verdict(msgspec.Struct, frozen=True):
    """`entries` were read, the last of them being `head`; `flaw` is None if the record is whole."""

    entries: int
    head: Head
    flaw: Flaw | None


async def verify(db: Database, anchor: str | None = None) -> Verdict:
    """Compute the chain anew. `anchor` is a head that was noted earlier: its entry must still be there.

    Without an anchor, a tail that was cut off together with the rows of its sessions, or a chain that was computed
    anew from some entry on, cannot be told from a true one.
    """
    entries, head, anchored = 0, Head(0, NOTHING), anchor in (None, NOTHING)
    async for row in _rows(db):
        flaw = _flaw(row, head)
        if flaw:
            return Verdict(entries, head, flaw)
        entries, head = entries + 1, Head(row[0], row[6])
        anchored = anchored or head.hash == anchor
    if not anchored:
        what = f"no entry has the hash {anchor}: entries were cut off after the last one, or all were written anew"
        return Verdict(entries, head, Flaw(head.entry, what))
    return Verdict(entries, head, await _sessions_flaw(db, head))


_Row = tuple[int, int | None, str, str, str, str, str]


async def _rows(db: Database) -> AsyncIterator[_Row]:
    last = 0
    while page := await db.rows(
        "SELECT id, session, at, kind, content, previous, hash FROM entries WHERE id > ? ORDER BY id LIMIT ?",
        (last, _PAGE),
    ):
        for row in page:
            yield tuple(row)
        last = page[-1][0]


def _flaw(row: _Row, before: Head) -> Flaw | None:
    entry_id, session, at, kind, content, previous, own = row
    expected = before.entry + 1
    if entry_id != expected:
        gap = f"{expected} is missing" if entry_id == expected + 1 else f"{expected} to {entry_id - 1} are missing"
        return Flaw(expected, f"entry {gap}: removed")
    if digest(entry_id, session, at, kind, content, previous) != own:
        return Flaw(entry_id, f"entry {entry_id} is not as it was written: edited, or moved from another place")
    if previous != before.hash:
        return Flaw(
            entry_id,
            f"entry {entry_id} does not follow the entry before it: one of the two was replaced, inserted or removed",
        )
    return None


async def _sessions_flaw(db: Database, head: Head) -> Flaw | None:
    """Rows of sessions only repeat what entries say; where they differ, one of them was tampered with."""
    rows = await db.rows(
        "SELECT s.id, s.ended_at FROM sessions s WHERE"
        " NOT EXISTS (SELECT 1 FROM entries e WHERE e.session = s.id AND e.kind = 'session_started'"
        " AND e.at = s.started_at AND json_extract(e.content, '$.ticket') = s.ticket"
        " AND json_extract(e.content, '$.agent') = s.agent AND json_extract(e.content, '$.model') = s.model)"
        " OR (s.ended_at IS NOT NULL AND"
        " NOT EXISTS (SELECT 1 FROM entries e WHERE e.session = s.id AND e.kind = 'session_ended'"
        " AND e.at = s.ended_at AND json_extract(e.content, '$.outcome') = s.outcome))"
        " ORDER BY s.id LIMIT 1"
    )
    if not rows:
        return None
    return Flaw(head.entry, f"session {rows[0]['id']} is not what its entries say: edited, or its entries were cut off")
