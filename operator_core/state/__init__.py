"""The state of a run as a pure fold of its events."""

from operator_core.state.model import (
    Block,
    Command,
    Countdown,
    Daemon,
    Incident,
    Line,
    LineLevel,
    Notice,
    Process,
    RunState,
    Session,
    Thoughts,
    Ticket,
    Usage,
    Verdict,
    WorkloadPoint,
)
from operator_core.state.reduce import reduce

__all__ = [
    "Block",
    "Command",
    "Countdown",
    "Daemon",
    "Incident",
    "Line",
    "LineLevel",
    "Notice",
    "Process",
    "RunState",
    "Session",
    "Thoughts",
    "Ticket",
    "Usage",
    "Verdict",
    "WorkloadPoint",
    "reduce",
]
