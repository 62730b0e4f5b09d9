"""What the playbook says next, given a conversation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from operator_core.agent.conclusion import ESCALATE, REPAIRED
from operator_core.agent.prompts import read_ticket
from operator_core.agent.replies import OBSERVE, read_reply
from operator_protocols import Conclusion, Playbook, Result, Run, TicketBrief


@dataclass(frozen=True, slots=True)
class Answer:
    """Text, and a command if the conversation goes on."""

    text: str
    run: Run | None = None


def answer(playbook: Playbook, messages: Sequence[Mapping[str, Any]]) -> Answer:
    """Replay the playbook over the conversation. `ValueError` if that is not one that it led."""
    ticket = read_ticket(_text(messages[0]["content"]) if messages else "")
    steps = playbook(ticket)
    try:
        run = next(steps)
        for asked, given in zip(messages[1::2], messages[2::2], strict=True):
            if _command(asked) != run.command:
                raise ValueError(f"the conversation has another command where the playbook says: {run.command}")
            reply = read_reply(_text(_block(given, "tool_result")["content"]))
            if reply.ended_by == OBSERVE:
                return Answer(_markdown(_only_proposed(ticket, run)))
            run = steps.send(Result(reply.output, reply.exit_status))
    except StopIteration as end:
        conclusion: Conclusion = end.value
        return Answer(_markdown(conclusion))
    return Answer(run.say or run.reasoning, run)


def _only_proposed(ticket: TicketBrief, run: Run) -> Conclusion:
    return Conclusion(
        what_happened=f"{ticket.summary}",
        cause="Not known: in observe mode no command is run, and without evidence nothing is claimed.",
        left=(f"Run `{run.command}` ({run.reasoning}) or let the agent execute commands.",),
        escalate=True,
    )


def _markdown(conclusion: Conclusion) -> str:
    def points(entries: Sequence[str]) -> str:
        return "\n".join(f"- {entry}" for entry in entries) or "Nothing."

    sections = {
        "What happened": conclusion.what_happened,
        "Why": conclusion.cause,
        "What else it might have been": points(conclusion.alternatives),
        "What was done": points(conclusion.done),
        "What is left": points(conclusion.left),
    }
    body = "\n\n".join(f"## {title}\n\n{text}" for title, text in sections.items())
    return f"{body}\n\n{ESCALATE if conclusion.escalate else REPAIRED}"


def _command(message: Mapping[str, Any]) -> object:
    return _block(message, "tool_use")["input"].get("command")


def _block(message: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    for block in message["content"]:
        if block["type"] == kind:
            found: Mapping[str, Any] = block
            return found
    raise ValueError(f"a message without {kind}")


def _text(content: str | Sequence[Mapping[str, Any]]) -> str:
    if isinstance(content, str):
        return content
    return "".join(block["text"] for block in content if block["type"] == "text")
