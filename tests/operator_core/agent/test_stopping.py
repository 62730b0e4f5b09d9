"""Ending a session from outside: the kill switch, a lost ticket, the end of the agent."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest

from operator_core.agent import loop
from operator_core.agent.gate import Gate
from operator_core.agent.loop import Agent
from operator_core.errors import UserError
from operator_core.events import CommandFinished, CommandStarted, ModeChanged, SessionEnded, Thought, TicketChanged
from operator_core.tickets import Ticket
from tests.operator_core.agent.conftest import WORKER, House
from tests.operator_core.agent.model import ESCALATED, REPAIRED, Fail, Say
from tests.waiting import until


@asynccontextmanager
async def working(house: House, ticket: Ticket) -> AsyncIterator[tuple[Agent, asyncio.Task[None]]]:
    async with house.agent() as agent:
        task = asyncio.create_task(agent.work(ticket))
        try:
            yield agent, task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def endless(folder: Path) -> tuple[str, Callable[[], list[int]]]:
    """A command with a child that ignores SIGTERM, and a look at which of its processes are alive."""
    file = folder / "pids"
    command = f"trap '' TERM; echo $$ >> {file}; (trap '' TERM; echo $BASHPID >> {file}; sleep 600) & sleep 600"

    def alive() -> list[int]:
        pids = [int(word) for word in file.read_text().split()] if file.exists() else []
        return [pid for pid in pids if len(pids) == 2 and _runs(pid)]

    return command, alive


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def test_the_kill_switch_kills_the_running_command_and_ends_the_session(house: House) -> None:
    command, alive = endless(house.folder)
    house.model.answers = [Say("I wait.", [command])]
    ticket = await house.claimed()
    async with working(house, ticket) as (agent, task):
        await until(lambda: len(alive()) == 2, what="both processes to run")
        agent.gate.kill("a person")
        await until(lambda: not alive(), what="both processes to be gone")
        await asyncio.wait_for(task, 10)
    assert agent.gate.mode == "observe"
    assert house.of(ModeChanged)[0].by == "a person"
    (finished,) = house.of(CommandFinished)
    assert (finished.exit_status, finished.ended_by) == (None, "kill switch")
    (result,) = await house.entries("tool_result")
    assert result.content["ended_by"] == "kill switch"
    (ended,) = house.of(SessionEnded)
    assert ended.outcome == "escalated"
    assert "kill switch was used by a person" in ended.conclusion
    assert (await house.tickets.get(ticket.id)).state == "escalated"


async def test_the_kill_switch_ends_a_session_while_the_model_streams(house: House) -> None:
    house.model.answers = [Say("I think", then="hang")]
    ticket = await house.claimed()
    async with working(house, ticket) as (agent, task):
        await until(lambda: "".join(thought.delta for thought in house.of(Thought)) == "I think ", what="a thought")
        agent.gate.kill("a person")
        await asyncio.wait_for(task, 10)
    assert house.of(SessionEnded)[0].outcome == "escalated"
    assert "I think" in house.of(SessionEnded)[0].conclusion


async def test_the_kill_switch_does_not_wait_for_a_busy_database(house: House) -> None:
    command, alive = endless(house.folder)
    house.model.answers = [Say("I wait.", [command])]
    ticket = await house.claimed()
    async with working(house, ticket) as (agent, task):
        await until(lambda: len(alive()) == 2, what="both processes to run")
        async with house.db.transaction():  # held by somebody, for as long as this takes
            agent.gate.kill("a person")
            await until(lambda: not alive(), what="both processes to be gone")
            assert house.of(CommandFinished)
            assert not task.done()
        await asyncio.wait_for(task, 10)
    assert (await house.entries("tool_result"))[0].content["ended_by"] == "kill switch"


async def test_the_kill_switch_without_a_session_only_closes_the_gate(house: House) -> None:
    house.model.answers = [Say("I would.", ["true"]), Say(ESCALATED)]
    async with house.agent() as agent:
        assert not agent.gate.kill("a person")
        await agent.work(await house.claimed())
    assert house.of(CommandFinished)[0].ended_by == "observe mode"


async def test_a_change_of_mode_holds_for_the_next_command(house: House) -> None:
    house.model.answers = [Say("Two.", ["true", f"touch {house.folder}/ran"]), Say(ESCALATED)]
    async with house.agent() as agent:

        def close_the_gate(event: object) -> None:
            if isinstance(event, CommandStarted) and event.command == "true":
                agent.gate.set_mode("observe", "a person")

        house.on_event = close_the_gate
        await agent.work(await house.claimed())
    assert not (house.folder / "ran").exists()


def test_approve_is_refused_with_a_sentence() -> None:
    with pytest.raises(UserError, match="not built yet"):
        Gate("approve", lambda event: None)
    gate = Gate("execute", lambda event: None)
    with pytest.raises(UserError, match="not built yet"):
        gate.set_mode("approve", "a person")
    assert gate.mode == "execute"


async def test_an_agent_that_is_cancelled_kills_its_command_and_gives_the_ticket_back(house: House) -> None:
    command, alive = endless(house.folder)
    house.model.answers = [Say("I wait.", [command])]
    ticket = await house.claimed()
    async with working(house, ticket) as (_, task):
        await until(lambda: len(alive()) == 2, what="both processes to run")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(lambda: not alive(), what="both processes to be gone")
    (session,) = await house.audit.sessions()
    assert session.outcome == "interrupted"
    assert (await house.tickets.get(ticket.id)).state == "open"
    assert house.of(TicketChanged)[-1].state == "open"
    assert house.of(CommandFinished)[0].ended_by == "agent stopped"


async def test_a_ticket_that_a_person_holds_ends_the_session(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "LEASE_S", 0.2)
    command, alive = endless(house.folder)
    house.model.answers = [Say("I wait.", [command])]
    ticket = await house.claimed()
    async with working(house, ticket) as (_, task):
        await until(lambda: len(alive()) == 2, what="both processes to run")
        await house.tickets.hold(ticket.id, "a person")
        await asyncio.wait_for(task, 10)
    assert not alive()
    assert (await house.tickets.get(ticket.id)).state == "held"
    assert house.of(SessionEnded)[0].outcome == "interrupted"


async def test_the_lease_is_renewed_while_a_session_lasts(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "LEASE_S", 0.3)
    house.model.answers = [Say("I think", then="hang")]
    ticket = await house.claimed()
    async with working(house, ticket):
        await house.model.hanging.wait()
        began = time.monotonic()
        await until(lambda: time.monotonic() - began > 1.0, what="several leases")
        assert await house.tickets.claim("another", 60) is None


async def test_one_ticket_at_a_time_and_the_next_only_after_the_monitor_had_its_say(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "SETTLE_S", 0.0)
    first = await house.tickets.open_or_touch("answers", "node-1", "node-1 does not answer.")
    second = await house.tickets.open_or_touch("answers", "node-2", "node-2 does not answer.")
    answers: list[Say | Fail] = [Say("I act.", ["true"]), Say(REPAIRED), Say(ESCALATED)]
    house.model.answers = answers
    async with house.agent() as agent:
        running = asyncio.create_task(agent.run())
        await until(lambda: len(house.of(SessionEnded)) == 1, what="the first session to end")
        assert (await house.tickets.get(first.id)).state == "verifying"
        assert (await house.tickets.get(second.id)).state == "open"
        await house.tickets.resolve(first.id, "monitor", "it answers")
        await until(lambda: len(house.of(SessionEnded)) == 2, what="the second session to end")
        assert (await house.tickets.get(second.id)).state == "escalated"
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_session_that_a_dead_agent_left_is_marked_and_its_ticket_taken_over(house: House) -> None:
    await house.tickets.open_or_touch("answers", "node-1", "node-1 does not answer.")
    dead = await house.tickets.claim("dead", 0.0)
    assert dead is not None
    session = await house.audit.start_session(
        "toy", dead.id, attempt=1, agent="claude", model="m", mode="execute", worker="dead"
    )
    house.model.answers = [Say(ESCALATED)]
    async with house.agent() as agent:
        running = asyncio.create_task(agent.run())
        await until(lambda: len(house.of(SessionEnded)) == 1, what="a session to end")
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert (await house.audit.session(session)).outcome == "interrupted"
    assert (await house.tickets.get(dead.id)).agent == WORKER
