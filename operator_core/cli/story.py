"""A session as text for a person: everything that was recorded, in order, with the time since its start."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from typing import Any

from operator_core.audit import Entry, Session


def told(session: Session, entries: Iterable[Entry]) -> Iterator[str]:
    """Lines. Commands and outputs are whole, as far as the audit has them."""
    ended = f"{session.outcome} after {_seconds(session)} s" if session.outcome else "running"
    yield f"Session {session.id} on ticket {session.ticket}, attempt {session.attempt}: {ended}"
    began = f"{session.started_at.astimezone():%Y-%m-%d %H:%M:%S %z}"
    yield f"{session.agent} ({session.model}), mode {session.mode}, began {began}"
    cost = "" if session.cost_usd is None else f", about ${session.cost_usd:.4f}"
    tokens = f"{session.input_tokens} tokens in, {session.output_tokens} out"
    yield f"commands: {session.commands}; {tokens}{cost}; {session.entries} entries"
    for entry in entries:
        yield ""
        title, *body = _entry(entry)
        yield f"+{(entry.at - session.started_at).total_seconds():7.1f} s  #{entry.id}  {title}"
        for text in body:
            yield from textwrap.indent(text.rstrip("\n"), "    ", lambda _: True).splitlines()


def _seconds(session: Session) -> str:
    return f"{(session.ended_at - session.started_at).total_seconds():.1f}" if session.ended_at else "-"


def _entry(entry: Entry) -> Iterator[str]:
    """A title, and texts below it. What an entry holds beyond what is known of its kind is shown as it is."""
    rest: dict[str, Any] = dict(entry.content)

    def take(name: str) -> Any:
        return rest.pop(name, None)

    match entry.kind:
        case "tool_call":
            effect = take("effect")
            yield f"{take('tool') or 'command'}{f', {effect}' if effect else ''}: {take('reasoning') or ''}".rstrip(
                ": "
            )
            yield f"$ {take('command') or ''}"
        case "tool_result":
            status, ended_by, seconds, call = take("exit_status"), take("ended_by"), take("seconds"), take("call")
            end = ended_by or f"exit {status}"
            took = "" if seconds is None else f" after {seconds:.1f} s"
            yield f"result of #{call}: {end}{took}"
            for stream in ("stdout", "stderr"):
                if text := take(stream):
                    yield f"[{stream}]\n{text}"
            if kept := take("kept"):
                yield f"cut here; whole in {kept}"
        case "reasoning" | "conclusion":
            summary = take("summary")
            yield f"{entry.kind}{f': {summary}' if summary else ''}"
            yield str(take("text") or "")
        case "usage":
            cost = take("cost_usd")
            counts = ", ".join(f"{rest.pop(name)} {name.replace('_', ' ')}" for name in list(rest) if "tokens" in name)
            yield f"{take('model')}: {counts}{'' if cost is None else f', about ${cost:.4f}'}"
        case "session_started":
            rest.clear()  # said in the lines above
            yield "session started"
        case "session_ended":
            yield f"session ended, {take('outcome')}: {take('summary')}".rstrip(": ")
        case _:
            yield entry.kind
    for name, value in rest.items():
        if value not in (None, ""):
            yield f"{name}: {value}"
