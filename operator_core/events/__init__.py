"""The one stream: every line that a daemon writes with `--output jsonl`, and everything a screen draws, is one of
these records."""

from __future__ import annotations

import msgspec

from operator_core.events.agent import (
    AgentEvent,
    AgentStarted,
    AgentWaiting,
    CommandFinished,
    CommandOutput,
    CommandStarted,
    Effect,
    Mode,
    ModeChanged,
    ModelUsed,
    Outcome,
    SessionEnded,
    SessionStarted,
    Thought,
)
from operator_core.events.base import Event, now
from operator_core.events.demo import (
    ChapterEntered,
    CountdownTick,
    DaemonExited,
    DaemonName,
    DaemonStarted,
    DemoEvent,
    DemoStarted,
    Logged,
)
from operator_core.events.lab import (
    FaultFailed,
    FaultInjected,
    FaultUndone,
    LabEvent,
    LabReady,
    LabStarting,
    LabStopped,
    ServiceChanged,
    ServiceState,
)
from operator_core.events.monitor import (
    Blind,
    InvariantState,
    MonitorEvent,
    MonitorStarted,
    Observed,
    TicketChanged,
    TicketState,
)

AnyEvent = LabEvent | MonitorEvent | AgentEvent | DemoEvent

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)


def encode(event: Event) -> bytes:
    """The event as one line of JSON, with its newline."""
    return _encoder.encode(event) + b"\n"


def decode(line: bytes | str) -> AnyEvent:
    """The event on this line. `ValueError` (msgspec's `DecodeError`) if it is none."""
    return _decoder.decode(line)


__all__ = [
    "AgentEvent",
    "AgentStarted",
    "AgentWaiting",
    "AnyEvent",
    "Blind",
    "ChapterEntered",
    "CommandFinished",
    "CommandOutput",
    "CommandStarted",
    "CountdownTick",
    "DaemonExited",
    "DaemonName",
    "DaemonStarted",
    "DemoEvent",
    "DemoStarted",
    "Effect",
    "Event",
    "FaultFailed",
    "FaultInjected",
    "FaultUndone",
    "InvariantState",
    "LabEvent",
    "LabReady",
    "LabStarting",
    "LabStopped",
    "Logged",
    "Mode",
    "ModeChanged",
    "ModelUsed",
    "MonitorEvent",
    "MonitorStarted",
    "Observed",
    "Outcome",
    "ServiceChanged",
    "ServiceState",
    "SessionEnded",
    "SessionStarted",
    "Thought",
    "TicketChanged",
    "TicketState",
    "decode",
    "encode",
    "now",
]
