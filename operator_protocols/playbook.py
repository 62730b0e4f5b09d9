"""How a subject tells the scripted agent, which stands in where there is no model, to find and repair failures.

A playbook is a generator: it yields the next command to run and is sent what the command gave; it returns its
conclusion. It is started afresh and replayed for every turn, so it must depend on nothing but what it is sent.

    def playbook(ticket):
        ps = yield Run("lab ps", "See which services run.")
        if "node-2  down" in ps.output:
            yield Run("lab start node-2", "node-2 is not running.")
            ...
            return Conclusion(...)
        return Conclusion(escalate=True, ...)
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TicketBrief:
    """What the agent is told at the start: the words of the ticket, never what was injected."""

    id: int
    invariant: str
    target: str
    summary: str
    handed_back: str = ""
    """Why an earlier repair did not count: what the monitor still saw broken. Empty at the first try."""


@dataclass(frozen=True, slots=True)
class Run:
    command: str
    reasoning: str
    say: str = ""
    """What the agent thinks aloud before the command; a paragraph, Markdown."""


@dataclass(frozen=True, slots=True)
class Result:
    output: str
    """Standard output and standard error as the agent saw them (perhaps cut)."""
    exit_status: int | None
    """None if the command did not run to its end (time limit, kill switch, observe mode)."""


@dataclass(frozen=True, slots=True)
class Conclusion:
    """The diagnosis that a person reads. `escalate`: the cause was not found, or the repair is not the agent's to make.

    what_happened, cause: one or two sentences each. alternatives: what else it might have been, and the evidence
    against each. done: what was changed, in order. left: what remains to be done by a person, if anything.
    """

    what_happened: str
    cause: str
    alternatives: tuple[str, ...] = ()
    done: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    escalate: bool = False


Playbook = Callable[[TicketBrief], Generator[Run, Result, Conclusion]]
