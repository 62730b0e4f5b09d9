"""A daemon's way out: one event a line, as JSON or as text."""

from __future__ import annotations

import sys
from typing import Literal, Protocol

from operator_core.events import Event, encode

Output = Literal["text", "jsonl"]


class Emit(Protocol):
    def __call__(self, event: Event) -> None: ...


def emitter(output: Output) -> Emit:
    """Write each event to standard output at once. A closed pipe raises `BrokenPipeError`: nobody listens any more."""
    out = sys.stdout.buffer

    def emit(event: Event) -> None:
        out.write(encode(event) if output == "jsonl" else readable(event))
        out.flush()

    return emit


def readable(event: Event) -> bytes:
    """The event as a line for a person, in local time."""
    return f"{event.at.astimezone():%H:%M:%S} {event.text}\n".encode()
