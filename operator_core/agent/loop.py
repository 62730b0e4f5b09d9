"""The agent's loop: claim a ticket, let the model work on it with a shell, record, conclude."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import anthropic
from anthropic import AsyncAnthropic, omit
from anthropic.lib.tools import BetaAsyncStreamingToolRunner
from anthropic.types.beta import BetaMessageParam

from operator_core.agent.budgets import Budget, BudgetReached, Spent
from operator_core.agent.client import Refused, Waits, explain
from operator_core.agent.conclusion import Becomes, Verdict, concluded, unfinished
from operator_core.agent.gate import Gate, Halted, Killed
from operator_core.agent.models import shows_thoughts
from operator_core.agent.programs import EffectOf
from operator_core.agent.prompts import SYSTEM, first_message
from operator_core.agent.readonly import effect_of
from operator_core.agent.session import Session
from operator_core.agent.shell import Execute, Shell
from operator_core.agent.summary import summed_up
from operator_core.agent.terminal import clean
from operator_core.agent.turn import Broken, hear
from operator_core.audit import Audit, SessionOver
from operator_core.db import DatabaseError
from operator_core.events import AgentWaiting, Outcome
from operator_core.output import Emit
from operator_core.tickets import AGENT, Ticket, TicketLost, Tickets

LEASE_S = 15.0
POLL_S = 0.25
SETTLE_S = 3.0
"""After a repair, other tickets of the same cause are about to be closed by the monitor."""
MAX_TOKENS = 16_000
BROKEN_ANSWERS = 3
"""So many answers in a row that break off or make no sense, and the session gives up."""


class ModelFailed(Exception):
    """This session cannot get a usable answer from the model; the text says why."""


@dataclass(frozen=True, slots=True)
class Agent:
    """`name` is "claude" or "scripted", `worker` this process. `briefing` tells of the lab as it is now."""

    name: str
    worker: str
    model: str
    subject: str
    client: AsyncAnthropic
    tickets: Tickets
    audit: Audit
    gate: Gate
    budget: Budget
    execute: Execute
    briefing: Callable[[], Awaitable[str]]
    outputs: Path
    emit: Emit
    effect_of: EffectOf = effect_of

    async def run(self) -> None:
        """Work on tickets, one at a time, until cancelled. `Refused` if a person has to change something first."""
        while True:
            try:
                await self.audit.interrupt_lost()
                if ticket := await self.tickets.claim(self.worker, LEASE_S):
                    self.emit(ticket.changed(AGENT, "claimed"))
                    await self.work(ticket)
                    await self._until_verified(ticket)
            except DatabaseError as error:
                self.emit(AgentWaiting(why=str(error), retry_s=LEASE_S))
                await asyncio.sleep(LEASE_S)
            await asyncio.sleep(POLL_S)

    async def work(self, ticket: Ticket) -> None:
        """One session on a ticket that this worker holds."""
        number = await self.audit.start_session(
            self.subject,
            ticket.id,
            attempt=ticket.attempt,
            agent=self.name,
            model=self.model,
            mode=self.gate.mode,
            worker=self.worker,
        )
        session = Session(number, ticket, self.worker, self.tickets, self.audit, self.emit)
        shell = Shell(number, self.execute, self.effect_of, self.gate, self.audit, self.emit, self.outputs)
        lease = asyncio.create_task(self._keep_lease(ticket))
        refused: Refused | None = None

        def unfinished_by(why: object, outcome: Outcome = "escalated", ticket: Becomes = "escalated") -> Verdict:
            return unfinished(str(why), shell.ran, session.last_words, outcome, ticket)

        try:
            async with self.gate.session(self.budget.wall_s):
                verdict = await self._investigate(session, shell)
        except (BudgetReached, Killed) as reason:
            verdict = unfinished_by(reason)
        except TimeoutError:
            verdict = unfinished_by(f"The session has used its {self.budget.wall_s:.0f} s.")
        except ModelFailed as reason:
            verdict = unfinished_by(reason, "failed")
        except Refused as reason:
            refused, verdict = reason, unfinished_by(reason, "failed", "open")
        except (DatabaseError, OSError) as reason:  # nothing may be done that cannot be recorded
            verdict = unfinished_by(reason, "failed", "open")
        except (Halted, SessionOver) as reason:
            verdict = unfinished_by(reason, "interrupted", "open")
        except asyncio.CancelledError:
            await session.close(unfinished_by("The agent was stopped.", "interrupted", "open"), len(shell.ran))
            raise
        finally:
            lease.cancel()
        closing = asyncio.ensure_future(session.close(verdict, len(shell.ran)))
        try:
            await asyncio.shield(closing)
        except asyncio.CancelledError:
            await closing  # a session that is over is also closed
            raise
        if refused:
            raise refused

    async def _investigate(self, session: Session, shell: Shell) -> Verdict:
        """Let the model work until it concludes. Its tools run between its answers, recorded by the shell."""
        others = [other for other in await self.tickets.find() if other.id != session.ticket.id]
        first = first_message(session.ticket, others, self.gate.mode, await self.briefing())
        history: list[BetaMessageParam] = [{"role": "user", "content": first}]
        spent, waits, broken = Spent(self.budget), Waits(1.0), 0
        spent.turn()
        while True:
            runner = self._runner(history, shell)
            try:
                async for stream in runner:
                    message, usage = await hear(stream, session.thinks)
                    broken = 0
                    history.append(message.to_param())
                    spent.cost(await session.answered(self.model, usage))
                    calls = [block for block in message.content if block.type == "tool_use"]
                    if message.stop_reason != "tool_use" or not calls:
                        answer = "".join(block.text for block in message.content if block.type == "text")
                        cut_by = "" if message.stop_reason == "end_turn" else str(message.stop_reason)
                        verdict = concluded(clean(answer), ran=len(shell.ran), cut_by=cut_by)
                        return await summed_up(verdict, self.client, session) if self.name == "claude" else verdict
                    for call in calls:
                        spent.command(str(call.input.get("command", call.input)))
                    results = await runner.generate_tool_call_response()
                    if shell.failure:
                        raise shell.failure
                    assert results is not None
                    history.append(results)
                    spent.turn()
            except Broken as reason:
                await session.broke_off(str(reason))
                broken += 1
                if broken == BROKEN_ANSWERS:
                    raise ModelFailed(f"The model gave no usable answer {broken} times: {reason}.") from reason
                await waits.wait(self.emit, str(reason))
            except anthropic.APIStatusError as error:
                refused = explain(error, self.model)
                raise refused or ModelFailed(f"The model's endpoint refused the request: {error}.") from error
            finally:
                await runner.close()

    def _runner(self, history: list[BetaMessageParam], shell: Shell) -> BetaAsyncStreamingToolRunner[None]:
        return self.client.beta.messages.tool_runner(
            model=self.model,
            max_tokens=MAX_TOKENS,
            system=SYSTEM,
            messages=list(history),
            tools=[shell.tool],
            stream=True,
            thread=False,  # the whole history with each request, which every compatible endpoint understands
            thinking={"type": "adaptive", "display": "summarized"} if shows_thoughts(self.model) else omit,
            cache_control={"type": "ephemeral"} if self.name == "claude" else omit,
        )

    async def _keep_lease(self, ticket: Ticket) -> None:
        while True:
            await asyncio.sleep(LEASE_S / 3)
            try:
                await self.tickets.renew(ticket.id, self.worker, LEASE_S)
            except TicketLost as lost:
                self.gate.halt(Halted(f"The session ends: {lost}."))
            except DatabaseError:
                continue  # the next entry of the audit will fail too, and end the session

    async def _until_verified(self, ticket: Ticket) -> None:
        state = "verifying"
        while state == "verifying":
            await asyncio.sleep(POLL_S)
            state = (await self.tickets.get(ticket.id)).state
        await asyncio.sleep(SETTLE_S)
