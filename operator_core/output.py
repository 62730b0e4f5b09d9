"""A daemon's way out: one event a line, as JSON or as text."""

from __future__ import annotations

import sys
from typing import Literal, Protocol

import msgspec

from operator_core.events import Event, Thought, encode

Output = Literal["text", "jsonl"]


class Emit(Protocol):
    def __call__(self, event: Event) -> None: ...


def emitter(output: Output) -> Emit:
    """Write each event to standard output at once. A closed pipe raises `BrokenPipeError`: nobody listens any more."""
    out = sys.stdout.buffer
    line = encode if output == "jsonl" else Readable()

    def emit(event: Event) -> None:
        out.write(line(event))
        out.flush()

    return emit


class Readable:
    """Events as lines for a person, in local time. Text that streams in pieces is joined to paragraphs."""

    def __init__(self) -> None:
        self._thought: Thought | None = None

    def __call__(self, event: Event) -> bytes:
        """The event's line, after that of a paragraph which it cuts off; nothing while a paragraph is still coming."""
        if not isinstance(event, Thought):
            return self._paragraph() + _line(event)
        said = self._thought.delta if self._thought else ""
        self._thought = msgspec.structs.replace(event, delta=said + event.delta)
        return self._paragraph() if event.done else b""

    def _paragraph(self) -> bytes:
        thought, self._thought = self._thought, None
        if thought is None or not thought.delta.strip():
            return b""
        return _line(msgspec.structs.replace(thought, delta=thought.delta.strip()))


def _line(event: Event) -> bytes:
    return f"{event.at.astimezone():%H:%M:%S} {event.text}\n".encode()
