"""A session's record: what is said on the stream of events, and what is kept in the audit."""

from __future__ import annotations

import time
from typing import Any

from operator_core.agent.conclusion import Verdict
from operator_core.agent.models import Usage, cost_usd
from operator_core.audit import Audit, SessionOver
from operator_core.events import ModelUsed, SessionEnded, SessionStarted, Thought
from operator_core.output import Emit
from operator_core.tickets import AGENT, Ticket, TicketLost, Tickets


class Session:
    """One run on a ticket that the worker holds. `number` is its number in the audit."""

    def __init__(self, number: int, ticket: Ticket, worker: str, tickets: Tickets, audit: Audit, emit: Emit) -> None:
        self.number = number
        self.ticket = ticket
        self._worker = worker
        self._tickets = tickets
        self._audit = audit
        self._emit = emit
        self._began = time.monotonic()
        self._thought = ""
        self._last_words = ""
        emit(SessionStarted(session=number, ticket=ticket.id, attempt=ticket.attempt))

    @property
    def last_words(self) -> str:
        return self._thought.strip() or self._last_words

    def thinks(self, delta: str, done: bool) -> None:
        self._thought += delta + ("\n\n" if done else "")
        self._emit(Thought(session=self.number, delta=delta, done=done))

    async def answered(self, model: str, usage: Usage) -> float | None:
        """Record what was thought since the last answer, and what this one cost; gives the estimate."""
        await self._record_thought()
        return await self.used(model, usage)

    async def broke_off(self, why: str) -> None:
        """Record an answer that is not whole, and is asked for anew."""
        await self._record_thought()
        await self.error(why)

    async def _record_thought(self) -> None:
        text, self._thought = self._thought.strip(), ""
        if text:
            self._last_words = text
            await self._audit.append(self.number, "reasoning", {"text": text})

    async def used(self, model: str, usage: Usage) -> float | None:
        cost = cost_usd(model, usage)
        content: dict[str, Any] = {
            "model": model,
            "input_tokens": usage.input,
            "output_tokens": usage.output,
            "cache_read_tokens": usage.cache_read,
            "cache_write_tokens": usage.cache_write,
            "cost_usd": cost,
        }
        await self._audit.append(self.number, "usage", content)
        self._emit(ModelUsed(session=self.number, **content))
        return cost

    async def error(self, message: str) -> None:
        await self._audit.append(self.number, "error", {"message": message})

    async def close(self, verdict: Verdict, commands: int) -> None:
        """The record first, then the ticket, then the word of it."""
        outcome = verdict.outcome
        try:
            await self._record_thought()
            await self._audit.append(self.number, "conclusion", {"text": verdict.text, "summary": verdict.summary})
            await self._audit.end_session(self.number, outcome, verdict.summary)
            if verdict.ticket == "open":
                changed = await self._tickets.release(self.ticket.id, self._worker, verdict.summary)
            else:
                changed = await self._tickets.conclude(self.ticket.id, self._worker, verdict.ticket, verdict.summary)
            self._emit(changed.changed(AGENT, verdict.summary))
        except (SessionOver, TicketLost):
            outcome = "interrupted"  # somebody else has the ticket, and has said so
        finally:
            self._emit(
                SessionEnded(
                    session=self.number,
                    ticket=self.ticket.id,
                    outcome=outcome,
                    conclusion=verdict.text,
                    summary=verdict.summary,
                    seconds=time.monotonic() - self._began,
                    commands=commands,
                    evidence=commands > 0,
                )
            )
