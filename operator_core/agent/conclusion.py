"""How a session ends: what the model concluded, or what is known where it could not conclude."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from operator_core.agent.replies import Reply
from operator_core.events import Outcome

REPAIRED, ESCALATE = "OUTCOME: repaired", "OUTCOME: escalate"
"""The last line of a conclusion is one of these, exactly."""


Becomes = Literal["verifying", "escalated", "open"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """`text`: the diagnosis, Markdown; `summary`: a line of it. `ticket`: what becomes of the ticket."""

    outcome: Outcome
    text: str
    summary: str
    ticket: Becomes

    def summed_up(self, summary: str) -> Verdict:
        return replace(self, summary=summary)


def concluded(answer: str, *, ran: int, cut_by: str = "") -> Verdict:
    """What the model's last message says. Anything but a clear `OUTCOME: repaired`, backed by a command that was run,
    is an escalation. `cut_by`: the reason for which the message may not be whole."""
    lines = answer.rstrip().splitlines()
    last = lines[-1].strip() if lines else ""
    text = "\n".join(lines[:-1] if last in (REPAIRED, ESCALATE) else lines).strip()
    if cut_by:
        why = f"the model's last message is not whole ({cut_by})"
    elif last == ESCALATE:
        return Verdict("escalated", text, first_sentence(text), "escalated")
    elif last != REPAIRED:
        why = "the model ended without saying how"
    elif not ran:
        why = "the model says that it is repaired, but no command was run"
    else:
        return Verdict("verifying", text, first_sentence(text), "verifying")
    return Verdict("escalated", f"{text}\n\nEscalated: {why}.".strip(), f"Escalated: {why}.", "escalated")


def unfinished(
    why: str, ran: Sequence[tuple[str, Reply]], last_words: str, outcome: Outcome, ticket: Becomes
) -> Verdict:
    """What is known when a session ends before its conclusion."""
    parts = [f"Ended before a conclusion: {why}"]
    if last_words.strip():
        parts.append(f"**The last thought**\n\n{last_words.strip()}")
    if ran:
        rows = [f"- `{command}`: {reply.ended_by or f'exit status {reply.exit_status}'}" for command, reply in ran]
        parts.append("**What was run**\n\n" + "\n".join(rows))
    return Verdict(outcome, "\n\n".join(parts), why, ticket)


def first_sentence(text: str, limit: int = 200) -> str:
    """The first sentence that is no heading, on one line, without Markdown's marks."""
    for line in text.splitlines():
        plain = re.sub(r"[*`]+", "", line).strip()
        if plain and not plain.startswith("#"):
            sentence = re.split(r"(?<=[.!?]) ", plain, maxsplit=1)[0]
            return sentence if len(sentence) <= limit else sentence[: limit - 1].rstrip() + "…"
    return ""
