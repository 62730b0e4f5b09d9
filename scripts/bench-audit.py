"""How fast the audit is: entries written durably, a session listed and shown, the chain verified.

    python scripts/bench-audit.py [--entries 100000] [--folder DIR]

The folder decides which disk is measured; it is cleared afterwards.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from operator_core.audit import NOTHING, Audit, digest, verify
from operator_core.db import Database, stamp
from operator_core.events import now
from operator_core.tickets import Tickets

PER_SESSION = 200
DURABLE = 3_000


async def main(entries: int, folder: Path) -> None:
    async with await Database.open(folder / "operator.db") as db:
        audit, sessions = Audit(db), await _sessions(db, entries // PER_SESSION)
        content = {"tool": "shell", "command": "lab ps", "reasoning": "See which services run.", "effect": "reads"}

        watch = _stopwatch()
        for _ in range(DURABLE):
            await audit.append(sessions[-1], "tool_call", content)
        _say("written one after another", DURABLE / watch(), "entries/s, each on disk before the next")

        watch = _stopwatch()
        await asyncio.gather(*(audit.append(sessions[-1], "tool_call", content) for _ in range(DURABLE)))
        _say("written side by side", DURABLE / watch(), "entries/s, each on disk before it is confirmed")

        await _fill(db, entries, sessions)
        watch = _stopwatch()
        await audit.sessions(limit=50)
        _say("list of 50 sessions", watch() * 1000, "ms")
        watch = _stopwatch()
        await audit.session(sessions[0]), await audit.entries(sessions[0])
        _say(f"show of {PER_SESSION} entries", watch() * 1000, "ms")

        watch = _stopwatch()
        verdict = await verify(db)
        _say("verified", verdict.entries / watch(), f"entries/s, over {verdict.entries} entries")
        if verdict.flaw:
            sys.exit(verdict.flaw.what)


async def _sessions(db: Database, count: int) -> list[int]:
    tickets, audit = Tickets(db, "bench"), Audit(db)
    ticket = await tickets.open_or_touch("bench", "disk", "measured")
    return [
        await audit.start_session(
            "bench", ticket.id, attempt=1, agent="none", model="none", mode="observe", worker="bench"
        )
        for _ in range(max(count, 2))
    ]


async def _fill(db: Database, entries: int, sessions: list[int]) -> None:
    """The rest in one transaction: what is measured afterwards is reading."""
    head = await Audit(db).head()
    last, previous, at = head.entry, head.hash if head.entry else NOTHING, stamp(now())
    content = '{"call":1,"exit_status":0,"seconds":0.1,"stdout":"' + "x" * 300 + '"}'
    async with db.transaction() as tx:
        for entry in range(last + 1, entries + 1):
            session = sessions[(entry - last - 1) // PER_SESSION % (len(sessions) - 1)]
            own = digest(entry, session, at, "tool_result", content, previous)
            row = (entry, session, at, "tool_result", content, previous, own)
            await tx.execute("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?)", row)
            previous = own


def _stopwatch() -> Callable[[], float]:
    begun = time.perf_counter()
    return lambda: time.perf_counter() - begun


def _say(what: str, value: float, unit: str) -> None:
    sys.stdout.write(f"{what:28} {value:12,.0f} {unit}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--entries", type=int, default=100_000, help="how many there are when reading is measured")
    parser.add_argument("--folder", type=Path, help="where to put the database")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        asyncio.run(main(options.entries, Path(name)))
