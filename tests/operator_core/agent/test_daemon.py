"""The daemon as it is started: `operator agent run` and the commands that reach it, in processes of their own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from operator_core.agent.scripted.server import served
from operator_core.audit import Audit
from operator_core.db import Database
from operator_core.events import AgentStarted, AnyEvent, CommandFinished, CommandStarted, SessionEnded, decode
from operator_core.paths import StateDir
from operator_core.tickets import Tickets
from tests.operator_core.agent.conftest import House
from tests.operator_core.agent.model import ESCALATED, Model, Say
from tests.waiting import until

SUBJECT = "tests.operator_core.agent.toy:SUBJECT"
ENV = {name: value for name, value in os.environ.items() if not name.startswith(("ANTHROPIC", "OPERATOR"))}


async def operator(*arguments: str, **env: str) -> tuple[int, str]:
    """Run a command to its end; gives its status and what it wrote, on either stream."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "operator_core.cli", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=ENV | env,
    )
    output, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode()


class Running:
    """An agent daemon, its events and its standard error as they come."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.events: list[AnyEvent] = []
        self.errors = ""

    def of(self, kind: type[AnyEvent]) -> list[AnyEvent]:
        return [event for event in self.events if isinstance(event, kind)]

    async def read(self) -> None:
        assert self.process.stdout is not None and self.process.stderr is not None

        async def errors(stream: asyncio.StreamReader) -> None:
            async for line in stream:
                self.errors += line.decode()

        reading = asyncio.create_task(errors(self.process.stderr))
        async for line in self.process.stdout:
            self.events.append(decode(line))
        await reading


@contextlib.asynccontextmanager
async def agent(root: Path, *arguments: str, **env: str) -> AsyncIterator[Running]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "operator_core.cli", "agent", "run", "--output", "jsonl", "--die-with-parent"),
        *("--subject", SUBJECT, "--state-dir", str(root), *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=ENV | {"OPERATOR_PACE": "0"} | env,
    )
    running = Running(process)
    reading = asyncio.create_task(running.read())
    try:
        yield running
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await reading


@contextlib.asynccontextmanager
async def with_lab(house: House, root: Path) -> AsyncIterator[tuple[Tickets, Audit]]:
    """The state folder of a daemon whose lab is the test's."""
    state = StateDir.of("toy", root)
    state.lab_file.write_bytes((house.folder / "lab.json").read_bytes())
    async with await Database.open(state.database) as db:
        yield Tickets(db, "toy"), Audit(db)


async def test_the_scripted_agent_works_on_a_ticket_in_its_own_process(house: House, tmp_path: Path) -> None:
    root = tmp_path / "state"
    async with with_lab(house, root) as (tickets, audit), agent(root) as daemon:
        await tickets.open_or_touch("answers", "node-2", "say: hello")
        await until(lambda: bool(daemon.of(SessionEnded)), 30, "a session to end")
        (ticket,) = await tickets.find()
        assert ticket.state == "verifying"
        (session,) = await audit.sessions()
        assert (session.agent, session.model, session.mode, session.commands) == ("scripted", "scripted", "execute", 1)
        assert session.cost_usd == 0 and session.input_tokens > 100
        (started,) = daemon.of(AgentStarted)
        assert isinstance(started, AgentStarted) and started.agent == "scripted"
        (ended,) = daemon.of(SessionEnded)
        assert isinstance(ended, SessionEnded) and "hello" in ended.conclusion


async def test_sigterm_kills_the_command_gives_the_ticket_back_and_ends_with_status_0(
    house: House, tmp_path: Path
) -> None:
    root = tmp_path / "state"
    async with with_lab(house, root) as (tickets, audit), agent(root) as daemon:
        await tickets.open_or_touch("answers", "node-2", f"run: echo $$ > {tmp_path}/pid; exec sleep 600")
        await until((tmp_path / "pid").exists, 30, "the command to run")
        await until(lambda: bool((tmp_path / "pid").read_text()), 5, "its pid")
        daemon.process.send_signal(signal.SIGTERM)
        assert await daemon.process.wait() == 0
        pid = int((tmp_path / "pid").read_text())
        await until(lambda: not psutil.pid_exists(pid), 5, "the command to be gone")
        (session,) = await audit.sessions()
        assert session.outcome == "interrupted"
        (ticket,) = await tickets.find()
        assert ticket.state == "open"
        assert not StateDir.of("toy", root).agent_file.exists()


async def test_the_end_of_its_parent_ends_it(house: House, tmp_path: Path) -> None:
    async with agent(tmp_path / "state") as daemon:
        await until(lambda: bool(daemon.of(AgentStarted)), 30, "the agent to start")
        assert daemon.process.stdin is not None
        daemon.process.stdin.close()
        assert await daemon.process.wait() == 0


async def test_operator_stop_is_the_kill_switch_and_is_audited(house: House, tmp_path: Path) -> None:
    root = tmp_path / "state"
    where = ("--subject", SUBJECT, "--state-dir", str(root))
    async with with_lab(house, root) as (tickets, _), agent(root) as daemon:
        await tickets.open_or_touch("answers", "node-2", "run: sleep 600")
        await until(lambda: bool(daemon.of(CommandStarted)), 30, "the command to run")
        status, said = await operator("stop", *where)
        assert (status, said) == (0, "The agent is stopped: its session is ended, and its mode is observe.\n")
        await until(lambda: bool(daemon.of(SessionEnded)), 10, "the session to end")
        (finished,) = daemon.of(CommandFinished)
        assert isinstance(finished, CommandFinished) and finished.ended_by == "kill switch"
        status, said = await operator("mode", "execute", *where)
        assert (status, said) == (0, "The agent's mode is execute.\n")
        status, said = await operator("mode", "approve", *where)
        assert status == 2 and "not built yet" in said
    async with await Database.open(StateDir.of("toy", root).database) as db:
        rows = await db.rows("SELECT content FROM entries WHERE kind = 'mode' ORDER BY id")
    assert [row[0].count('"mode":"observe"') for row in rows] == [1, 0]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--mode", "approve"), "approve is not built yet"),
        (("--agent", "claude"), "set ANTHROPIC_API_KEY"),
        (("--agent", "scripted", "--model", "x"), "no model to choose"),
        (("--turns", "0"), "--turns"),
        (("--agent", "someone"), "--agent"),
    ],
)
async def test_bad_input_is_one_sentence_and_status_2(tmp_path: Path, arguments: tuple[str, ...], says: str) -> None:
    where = ("--subject", SUBJECT, "--state-dir", str(tmp_path))
    status, said = await operator("agent", "run", *where, *arguments)
    assert status == 2
    assert says in said and len(said.splitlines()) == 1


async def test_nobody_to_stop_is_a_sentence(tmp_path: Path) -> None:
    status, said = await operator("stop", "--subject", SUBJECT, "--state-dir", str(tmp_path))
    assert (status, said) == (2, "No agent is running here; start one with operator agent run.\n")


async def test_a_second_agent_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    async with agent(tmp_path) as daemon:
        await until(lambda: bool(daemon.of(AgentStarted)), 30, "the agent to start")
        status, said = await operator("agent", "run", "--subject", SUBJECT, "--state-dir", str(tmp_path))
        assert status == 2 and f"pid {daemon.process.pid}" in said


async def test_claude_observes_unless_told_otherwise_and_a_refused_key_ends_it(tmp_path: Path) -> None:
    model = Model()
    async with served(model.app) as url:
        where = ("--subject", SUBJECT, "--state-dir", str(tmp_path))
        status, said = await operator("agent", "run", *where, ANTHROPIC_API_KEY="bad", ANTHROPIC_BASE_URL=url)
        assert status == 2
        assert said.splitlines()[-1].startswith("The model's endpoint refused the API key")
        assert "claude (claude-opus-5-5), mode observe" in said


async def test_claude_talks_to_the_endpoint_of_the_environment(house: House, tmp_path: Path) -> None:
    house.model.answers = [Say("I look.", ["echo hello"]), Say(ESCALATED)]
    root = tmp_path / "state"
    env = {"ANTHROPIC_API_KEY": "good", "ANTHROPIC_BASE_URL": house.url}
    async with with_lab(house, root) as (tickets, _), agent(root, "--mode", "execute", **env) as daemon:
        await tickets.open_or_touch("answers", "node-2", "node-2 does not answer.")
        await until(lambda: bool(daemon.of(SessionEnded)), 30, "a session to end")
    asked = house.model.asked[0]
    assert asked["model"] == "claude-opus-5-5"
    assert asked["thinking"] == {"type": "adaptive", "display": "summarized"}
    assert "The toy." in str(asked["messages"][0]["content"])
    assert [tool["name"] for tool in asked["tools"]] == ["shell"]
