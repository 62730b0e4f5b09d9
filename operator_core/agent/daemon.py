"""`operator agent run`: the agent as a daemon, with a socket on which it can be stopped."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import msgspec
from anthropic import AsyncAnthropic

from operator_core import control
from operator_core.agent.budgets import Budget
from operator_core.agent.choice import AgentName, chosen_agent
from operator_core.agent.client import check_key, connect
from operator_core.agent.gate import Gate
from operator_core.agent.lab import Lab
from operator_core.agent.loop import Agent
from operator_core.agent.models import DEFAULT_MODEL, SCRIPTED_MODEL
from operator_core.agent.readonly import effect_of
from operator_core.audit import Audit
from operator_core.daemon import Daemon, socket_folder
from operator_core.db import Database
from operator_core.errors import UserError
from operator_core.events import AgentStarted, Mode
from operator_core.lock import only_one
from operator_core.output import Emit
from operator_core.paths import StateDir
from operator_core.processes import write_atomically
from operator_core.tickets import Tickets
from operator_protocols import Playbook, Subject


@dataclass(frozen=True, slots=True)
class Settings:
    """What the command line chose. `pace_s`: how long an answer of the scripted model may take to stream."""

    name: AgentName
    model: str
    mode: Mode
    db: Path
    budget: Budget
    pace_s: float

    @classmethod
    def chosen(
        cls,
        agent: Literal["auto", "claude", "scripted"],
        model: str | None,
        mode: Mode | None,
        db: Path,
        budget: Budget,
        pace_s: float,
    ) -> Settings:
        """`agent` auto is claude where there is a key. Without a mode, claude only proposes: there is no sandbox to
        hold it; the scripted agent's commands are known, so they run."""
        name = chosen_agent(agent)
        if name == "scripted" and model is not None:
            raise UserError("The scripted agent has no model to choose; leave out --model, or choose --agent claude.")
        if mode == "approve":
            raise UserError("The mode approve is not built yet; choose observe or execute.")
        return cls(
            name,
            model or (DEFAULT_MODEL if name == "claude" else SCRIPTED_MODEL),
            mode or ("observe" if name == "claude" else "execute"),
            db,
            budget,
            pace_s,
        )


async def serve(daemon: Daemon, subject: Subject, state: StateDir, settings: Settings) -> int:
    """Run until the daemon is told to end. `UserError` where the database, the key or the state folder is no good."""
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(
            only_one(state.root / "agent.lock", "An agent already runs here (pid {pid}); stop it first.")
        )
        db = await stack.enter_async_context(await Database.open(settings.db))
        client = await stack.enter_async_context(_model(settings, subject.playbook, daemon.emit))
        gate, audit, lab = Gate(settings.mode, daemon.emit), Audit(db), Lab(subject, state.lab_file)
        await stack.enter_async_context(_listening(state, gate, audit))
        daemon.emit(AgentStarted(agent=settings.name, model=settings.model, mode=settings.mode))
        if settings.name == "claude":
            await check_key(client, settings.model)
        await Agent(
            name=settings.name,
            worker=f"{settings.name}-{os.getpid()}",
            model=settings.model,
            subject=subject.name,
            client=client,
            tickets=Tickets(db, subject.name),
            audit=audit,
            gate=gate,
            budget=settings.budget,
            execute=lab.execute,
            briefing=lab.briefing,
            outputs=state.outputs,
            emit=daemon.emit,
            effect_of=lambda command: effect_of(command, subject.reads),
        ).run()
    return 0


@contextlib.asynccontextmanager
async def _model(settings: Settings, playbook: Playbook, emit: Emit) -> AsyncIterator[AsyncAnthropic]:
    if settings.name == "claude":
        async with connect(emit) as client:
            yield client
        return
    from operator_core.agent.scripted.server import messages_api, served  # a web server that claude does not need

    async with (
        served(messages_api(playbook, settings.pace_s)) as url,
        connect(emit, base_url=url, api_key="none") as client,
    ):
        yield client


@contextlib.asynccontextmanager
async def _listening(state: StateDir, gate: Gate, audit: Audit) -> AsyncIterator[None]:
    """Answer on a socket, named in StateDir.agent_file: `stop` is the kill switch, `mode` sets the mode."""

    async def handle(verb: str, arguments: dict[str, Any], send: control.SendChunk) -> Any:
        by = str(arguments.get("by") or "somebody")
        if verb == "stop":
            running = gate.kill(by)
        elif verb == "mode" and arguments.get("mode") in ("observe", "approve", "execute"):
            running = False
            gate.set_mode(arguments["mode"], by)
        else:
            raise UserError("The agent knows stop, and mode with observe or execute.")
        await audit.append(None, "mode", {"mode": gate.mode, "by": by, "path": verb})
        return {"mode": gate.mode, "session_ended": running}

    with socket_folder() as folder:
        socket = folder / "agent"
        async with control.serve(socket, handle):
            write_atomically(state.agent_file, msgspec.json.encode({"pid": os.getpid(), "socket": str(socket)}))
            try:
                yield
            finally:
                state.agent_file.unlink(missing_ok=True)
