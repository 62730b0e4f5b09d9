"""What the agent's tests share: a real database, a real shell behind the lab's socket, and a local Messages API that
says what a test wants it to say. The agent, the SDK and everything between them are the real ones."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest

from operator_core import control
from operator_core.agent.budgets import Budget
from operator_core.agent.client import connect
from operator_core.agent.gate import Gate
from operator_core.agent.lab import Lab
from operator_core.agent.loop import Agent
from operator_core.agent.scripted.server import served
from operator_core.audit import Audit, Entry
from operator_core.daemon import socket_folder
from operator_core.db import Database
from operator_core.errors import UserError
from operator_core.events import Event, Mode
from operator_core.lab import shell
from operator_core.lab.wire import LabFile
from operator_core.tickets import Ticket, Tickets
from tests.operator_core.agent.model import Model

WORKER = "agent-under-test"


@dataclass
class House:
    """Everything that an agent needs, and what came of it."""

    folder: Path
    db: Database
    tickets: Tickets
    audit: Audit
    lab: Lab
    model: Model
    url: str
    events: list[Any] = field(default_factory=list)
    on_event: Callable[[Event], None] = lambda event: None

    def emit(self, event: Event) -> None:
        self.events.append(event)
        self.on_event(event)

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    @contextlib.asynccontextmanager
    async def agent(
        self, mode: Mode = "execute", budget: Budget | None = None, url: str | None = None, name: str = "scripted"
    ) -> AsyncIterator[Agent]:
        async def briefing() -> str:
            return "Nothing to know."

        async with connect(self.emit, base_url=url or self.url, api_key="test", first_wait_s=0.01) as client:
            yield Agent(
                name=name,
                worker=WORKER,
                model="claude-opus-5-5",
                subject="toy",
                client=client,
                tickets=self.tickets,
                audit=self.audit,
                gate=Gate(mode, self.emit),
                budget=budget or Budget(),
                execute=self.lab.execute,
                briefing=briefing,
                outputs=self.folder,
                emit=self.emit,
            )

    async def claimed(self) -> Ticket:
        await self.tickets.open_or_touch("answers", "node-2", "node-2 does not answer.")
        ticket = await self.tickets.claim(WORKER, 60)
        assert ticket is not None
        return ticket

    async def work(self, mode: Mode = "execute", budget: Budget | None = None, name: str = "scripted") -> Ticket:
        """One session on a new ticket; gives the ticket after it."""
        ticket = await self.claimed()
        async with self.agent(mode, budget, name=name) as agent:
            await agent.work(ticket)
        return await self.tickets.get(ticket.id)

    async def entries(self, *kinds: str) -> list[Entry]:
        (session, *_) = await self.audit.sessions()
        return [entry for entry in await self.audit.entries(session.id) if not kinds or entry.kind in kinds]


async def _exec(verb: str, arguments: dict[str, Any], send: control.SendChunk) -> Any:
    if verb != "exec":
        raise UserError("only exec")
    folder = Path(os.environ["TEST_PROCESSES"])
    end = await shell.execute(
        arguments["command"],
        cwd=folder,
        env={"PATH": os.environ["PATH"]},
        limit_s=arguments["limit_s"],
        processes=folder,
        run="test",
        send=send,
    )
    return msgspec.to_builtins(end)


@pytest.fixture
async def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    processes = tmp_path / "processes"
    processes.mkdir()
    monkeypatch.setenv("TEST_PROCESSES", str(processes))
    model = Model()
    with socket_folder() as sockets:
        socket = sockets / "lab"
        lab_file = tmp_path / "lab.json"
        lab_file.write_bytes(msgspec.json.encode(LabFile(0, 0.0, str(socket), "toy", "processes", "none", [])))
        async with (
            control.serve(socket, _exec),
            await Database.open(tmp_path / "operator.db") as db,
            served(model.app) as url,
        ):
            lab = Lab(_NoSubject(), lab_file)  # type: ignore[arg-type]
            yield House(tmp_path, db, Tickets(db, "toy"), Audit(db), lab, model, url)


class _NoSubject:
    """Only its briefing would be asked for, and the tests give another."""
