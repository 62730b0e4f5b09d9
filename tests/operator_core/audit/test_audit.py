import asyncio
import contextlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from operator_core.audit import NOTHING, Audit, SessionOver, digest, verify
from operator_core.db import Database
from operator_core.tickets import Tickets


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    async with await Database.open(tmp_path / "operator.db") as database:
        yield database


async def _session(db: Database, worker: str = "agent-1", lease_s: float = 60) -> tuple[Audit, int]:
    tickets, audit = Tickets(db, "toy"), Audit(db)
    await tickets.open_or_touch("node_down", "a", "a does not answer")
    ticket = await tickets.claim(worker, lease_s)
    assert ticket
    session = await audit.start_session(
        "toy", ticket.id, attempt=ticket.attempt, agent="scripted", model="m", mode="execute", worker=worker
    )
    return audit, session


async def _story(db: Database) -> tuple[Audit, int]:
    audit, session = await _session(db)
    await audit.append(session, "reasoning", {"text": "See which services run. Größe: 3 ✓"})
    call = await audit.append(session, "tool_call", {"tool": "shell", "command": "lab ps", "reasoning": "Look."})
    await audit.append(session, "tool_result", {"call": call, "exit_status": 0, "seconds": 0.1, "stdout": "a  down\n"})
    for _ in range(2):
        await audit.append(session, "usage", {"model": "m", "input_tokens": 10, "output_tokens": 5, "cost_usd": 0.25})
    await audit.append(session, "conclusion", {"text": "a was down.", "summary": "started a"})
    await audit.end_session(session, "verifying", "started a")
    return audit, session


async def test_a_session_is_kept_as_it_went(db: Database) -> None:
    audit, number = await _story(db)
    session = await audit.session(number)
    assert (session.outcome, session.commands, session.entries) == ("verifying", 1, 8)
    assert (session.input_tokens, session.output_tokens, session.cost_usd) == (20, 10, 0.5)
    entries = await audit.entries(number)
    assert [entry.kind for entry in entries][:4] == ["session_started", "reasoning", "tool_call", "tool_result"]
    assert entries[1].content["text"] == "See which services run. Größe: 3 ✓"
    assert entries[3].content["call"] == entries[2].id
    assert [each.id for each in await audit.sessions(subject="toy", ticket=session.ticket, outcome="verifying")] == [1]
    assert await audit.sessions(outcome="escalated") == []
    assert await audit.sessions(since=session.ended_at) == []


async def test_the_chain_is_what_the_documentation_says(db: Database) -> None:
    audit, _ = await _story(db)
    assert (await verify(db)).flaw is None
    previous = NOTHING
    for row in await db.rows("SELECT * FROM entries ORDER BY id"):
        assert row["previous"] == previous
        previous = digest(*tuple(row)[:6])
        assert row["hash"] == previous
    assert (await audit.head()).hash == previous


async def test_text_that_no_file_can_hold_is_still_written(db: Database) -> None:
    audit, session = await _session(db)
    await audit.append(session, "reasoning", {"text": "half a pair: \ud83d, zero: \0"})
    assert (await audit.entries(session))[-1].content == {"text": "half a pair: ?, zero: \0"}
    assert (await verify(db)).flaw is None


async def test_nothing_is_added_to_a_session_that_is_over_but_the_result_of_what_ran(db: Database) -> None:
    audit, session = await _session(db)
    call = await audit.append(session, "tool_call", {"command": "sleep 9"})
    await audit.end_session(session, "interrupted")
    with pytest.raises(SessionOver, match="has ended: interrupted"):
        await audit.append(session, "tool_call", {"command": "lab start a"})
    with pytest.raises(SessionOver):
        await audit.end_session(session, "verifying")
    with pytest.raises(SessionOver, match="does not exist"):
        await audit.append(99, "tool_call", {"command": "lab start a"})
    await audit.append(session, "tool_result", {"call": call, "exit_status": None})
    assert await audit.append(None, "mode", {"mode": "observe", "by": "ada"})
    assert (await verify(db)).flaw is None


async def test_sessions_of_agents_that_are_gone_are_marked(db: Database) -> None:
    audit, lost = await _session(db, "gone", lease_s=-1)
    assert await audit.interrupt_lost() == [lost]
    assert (await audit.session(lost)).outcome == "interrupted"
    assert await audit.interrupt_lost() == []
    ticket = await Tickets(db, "toy").claim("alive", 60)
    assert ticket
    running = await audit.start_session(
        "toy", ticket.id, attempt=1, agent="scripted", model="m", mode="execute", worker="alive"
    )
    assert await audit.interrupt_lost() == []
    await Tickets(db, "toy").hold(ticket.id, "ada")
    assert await audit.interrupt_lost() == [running]
    assert (await verify(db)).flaw is None


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entries SET content = '{}' WHERE id = 2",
        "DELETE FROM entries WHERE id = 8",
        "INSERT OR REPLACE INTO entries SELECT id, session, at, kind, '{}', previous, hash FROM entries WHERE id = 2",
        "INSERT INTO entries SELECT 8 + id, session, at, kind, content, previous, hash FROM entries WHERE id = 2",
        "UPDATE sessions SET outcome = 'escalated'",
        "UPDATE sessions SET ended_at = NULL, outcome = NULL",
        "DELETE FROM sessions",
        "UPDATE ticket_events SET actor = 'nobody'",
        "DELETE FROM ticket_events",
        "DELETE FROM tickets",
    ],
)
async def test_the_schema_refuses_to_rewrite_history(db: Database, statement: str) -> None:
    await _story(db)
    with pytest.raises(sqlite3.IntegrityError):
        async with db.transaction() as tx:
            await tx.execute(statement)
    assert (await verify(db)).flaw is None


def _rehash(connection: sqlite3.Connection, first: int) -> None:
    """What someone does who knows how the chain is made."""
    (previous,) = connection.execute("SELECT hash FROM entries WHERE id = ?", (first - 1,)).fetchone()
    for row in connection.execute("SELECT * FROM entries WHERE id >= ? ORDER BY id", (first,)).fetchall():
        own = digest(*row[:5], previous)
        connection.execute("UPDATE entries SET previous = ?, hash = ? WHERE id = ?", (previous, own, row[0]))
        previous = own


def _replace(connection: sqlite3.Connection) -> None:
    row = list(connection.execute("SELECT * FROM entries WHERE id = 3").fetchone())
    row[4] = '{"command":"ls"}'
    connection.execute("UPDATE entries SET content = ?, hash = ? WHERE id = 3", (row[4], digest(*row[:6])))


def _insert(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE entries SET id = -id WHERE id >= 4")
    connection.execute("UPDATE entries SET id = 1 - id WHERE id < 0")
    connection.execute(
        "INSERT INTO entries SELECT 4, session, at, kind, content, previous, hash FROM entries WHERE id = 3"
    )


def _swap(connection: sqlite3.Connection) -> None:
    for before, after in ((3, 99), (4, 3), (99, 4)):
        connection.execute("UPDATE entries SET id = ? WHERE id = ?", (after, before))


TAMPERING: dict[str, tuple[Callable[[sqlite3.Connection], object], int]] = {
    "edited": (lambda c: c.execute("UPDATE entries SET content = '{}' WHERE id = 3"), 3),
    "its time edited": (lambda c: c.execute("UPDATE entries SET at = '2020' WHERE id = 3"), 3),
    "moved to another session": (lambda c: c.execute("UPDATE entries SET session = NULL WHERE id = 3"), 3),
    "replaced, with its own hash made right": (_replace, 4),
    "removed": (lambda c: c.execute("DELETE FROM entries WHERE id = 3"), 3),
    "first removed": (lambda c: c.execute("DELETE FROM entries WHERE id = 1"), 1),
    "inserted": (_insert, 4),
    "reordered": (_swap, 3),
    "tail cut": (lambda c: c.execute("DELETE FROM entries WHERE id >= 7"), 6),
    "outcome of a session edited": (lambda c: c.execute("UPDATE sessions SET outcome = 'escalated'"), 8),
}


async def _tamper(db: Database, change: Callable[[sqlite3.Connection], object]) -> None:
    """Change the file as its owner can: without our triggers."""
    with contextlib.closing(sqlite3.connect(db.path)) as connection, connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        change(connection)


@pytest.mark.parametrize("how", TAMPERING)
async def test_tampering_is_found_and_placed(db: Database, how: str) -> None:
    await _story(db)
    change, entry = TAMPERING[how]
    await _tamper(db, change)
    flaw = (await verify(db)).flaw
    assert flaw and flaw.entry == entry, flaw


async def test_a_noted_head_shows_what_the_chain_alone_cannot(db: Database) -> None:
    audit, _ = await _story(db)
    anchor = (await audit.head()).hash
    await audit.append(None, "mode", {"mode": "observe", "by": "ada"})
    assert (await verify(db, anchor)).flaw is None, "what was added later does no harm"

    def rewrite(connection: sqlite3.Connection) -> None:
        connection.execute('UPDATE entries SET content = \'{"command":"ls"}\' WHERE id = 3')
        _rehash(connection, 3)

    await _tamper(db, rewrite)
    assert (await verify(db)).flaw is None
    flaw = (await verify(db, anchor)).flaw
    assert flaw and anchor in flaw.what


async def test_the_command_says_where(db: Database) -> None:
    def operator(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "operator_core.cli", "audit", *arguments, "--db", str(db.path)],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    audit, _ = await _story(db)
    head = (await audit.head()).hash
    assert operator("head").stdout.split()[0] == head
    shown = operator("show", "1").stdout
    for part in ("$ lab ps", "a  down", "See which services run. Größe: 3 ✓", "started a", "about $0.5000"):
        assert part in shown
    assert "started a" in operator("list").stdout
    whole = operator("verify", "--head", head)
    assert whole.returncode == 0 and "8 entries" in whole.stdout
    await _tamper(db, TAMPERING["edited"][0])
    found = operator("verify")
    assert found.returncode == 1 and "entry 3" in found.stdout
    for bad in (("show", "7"), ("verify", "--head", "xyz")):
        refused = operator(*bad)
        assert refused.returncode == 2 and refused.stderr.count("\n") == 1


WRITER = """
import asyncio, sys
from pathlib import Path
from operator_core.audit import Audit
from operator_core.db import Database

async def main():
    async with await Database.open(Path(sys.argv[1])) as db:
        audit = Audit(db)
        while True:
            print(await audit.append(None, "mode", {"mode": "observe", "by": "x" * 200}), flush=True)

asyncio.run(main())
"""


def _writer(path: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True)


async def test_kill_9_loses_no_entry_that_was_confirmed(tmp_path: Path) -> None:
    path = tmp_path / "operator.db"
    random_source = random.Random(1)
    confirmed = 0
    for _ in range(5):
        writers = [_writer(path) for _ in range(2)]
        try:
            for writer in writers:
                assert writer.stdout
                for _ in range(random_source.randrange(1, 80)):
                    confirmed = max(confirmed, int(await asyncio.to_thread(writer.stdout.readline)))
        finally:
            for writer in writers:
                os.kill(writer.pid, signal.SIGKILL)
        for writer in writers:
            rest = writer.communicate()[0].splitlines(keepends=True)
            confirmed = max([confirmed, *(int(line) for line in rest if line.endswith("\n"))])
        async with await Database.open(path) as db:
            verdict = await verify(db)
            assert verdict.flaw is None
            assert verdict.entries >= confirmed
