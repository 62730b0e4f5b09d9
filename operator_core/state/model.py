"""What is known of a run: everything that a screen, a report or a chapter's condition may ask.

Immutable; made by `reduce` from events alone. Times are the events' own (UTC).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal

from operator_core.events import Effect, Outcome, ServiceState, TicketState
from operator_protocols import Level, Observation, Workload

WORKLOAD_POINTS = 600
MONITOR_LINES = 500
TRANSCRIPT_BLOCKS = 300
OUTPUT_KEPT = 6_000
"""Characters of one command's output that the state keeps: its end. The audit has all of it."""

LineLevel = Literal["info", "good", "warning", "bad"]


def empty() -> Mapping[Any, Any]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Line:
    at: datetime
    level: LineLevel
    text: str


@dataclass(frozen=True, slots=True)
class Process:
    """A service as the lab knows it: whether its process runs, which the monitor does not go by."""

    name: str
    role: str
    state: ServiceState
    pid: int | None
    detail: str


@dataclass(frozen=True, slots=True)
class WorkloadPoint:
    at: datetime
    level: Level
    operations_per_s: float
    errors_per_s: float
    p99_ms: float | None


@dataclass(frozen=True, slots=True)
class Ticket:
    id: int
    invariant: str
    target: str
    state: TicketState
    summary: str
    note: str
    actor: str
    opened_at: datetime
    changed_at: datetime
    occurrences: int = 1
    flapping: bool = False


@dataclass(frozen=True, slots=True)
class Countdown:
    fault: str
    left: int


@dataclass(frozen=True, slots=True)
class Thoughts:
    text: str
    done: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """`output` is its end; `cut` says how many characters came before. Running while `seconds` is None."""

    entry: int
    command: str
    reasoning: str
    effect: Effect
    output: str = ""
    cut: int = 0
    exit_status: int | None = None
    seconds: float | None = None
    ended_by: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The end of a session: its diagnosis, Markdown."""

    outcome: Outcome
    summary: str
    conclusion: str
    evidence: bool


@dataclass(frozen=True, slots=True)
class Notice:
    text: str
    level: LineLevel = "info"


Block = Thoughts | Command | Verdict | Notice


@dataclass(frozen=True, slots=True)
class Session:
    id: int
    ticket: int
    attempt: int
    started_at: datetime
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = 0.0
    """None as soon as one response had no known price."""


@dataclass(frozen=True, slots=True)
class Incident:
    """One story from fault to verified repair. Without an injected fault it begins at the detection.

    diagnosed: the agent began to change something, or handed over its diagnosis. repaired: the first observation
    with nothing broken. verified: the monitor resolved every ticket of the incident. `undone_by` is set when the lab
    took the fault back before the repair, which then is nobody's merit.
    """

    fault: str = ""
    target: str = ""
    injected_at: datetime | None = None
    detected_at: datetime | None = None
    diagnosed_at: datetime | None = None
    repaired_at: datetime | None = None
    verified_at: datetime | None = None
    whole_at: datetime | None = None
    """Since when nothing is broken, whoever is to thank; what breaks before that belongs to this incident."""
    escalated: bool = False
    undone_by: str = ""
    tickets: frozenset[int] = frozenset()
    commands: int = 0
    usage: Usage = field(default_factory=Usage)
    damage_before: Mapping[str, float] = field(default_factory=empty)
    damage_after: Mapping[str, float] = field(default_factory=empty)

    @property
    def began_at(self) -> datetime | None:
        return self.injected_at or self.detected_at

    def seconds(self, moment: datetime | None) -> float | None:
        """From the beginning to `moment`, None while either is unknown."""
        if moment is None or self.began_at is None:
            return None
        return (moment - self.began_at).total_seconds()

    @property
    def verified(self) -> bool:
        return self.verified_at is not None and not self.undone_by

    @property
    def damage(self) -> dict[str, float]:
        """What clients got wrong since the incident began, by the subject's labels."""
        return {label: value - self.damage_before.get(label, 0) for label, value in self.damage_after.items()}


@dataclass(frozen=True, slots=True)
class Daemon:
    """One of the demo's own processes. `status` is None while it runs."""

    pid: int
    status: int | None = None
    expected: bool = True


@dataclass(frozen=True, slots=True)
class RunState:
    now: datetime | None = None
    started_at: datetime | None = None
    # who plays
    subject: str = ""
    title: str = ""
    deployment: str = ""
    sandbox: str = ""
    agent: str = ""
    model: str = ""
    mode: str = ""
    fault: str = ""
    seed: int = 0
    daemons: Mapping[str, Daemon] = field(default_factory=empty)
    # the show
    chapters: tuple[str, ...] = ()
    chapter: int = 0
    countdown: Countdown | None = None
    # the lab
    processes: Mapping[str, Process] = field(default_factory=empty)
    ready_after_s: float | None = None
    stopped: bool = False
    active_faults: frozenset[tuple[str, str]] = frozenset()
    # the monitor
    invariants: tuple[str, ...] = ()
    observation: Observation | None = None
    observed_in_s: float = 0.0
    observations: int = 0
    broken: tuple[str, ...] = ()
    blind: str = ""
    workload: Workload | None = None
    workload_history: tuple[WorkloadPoint, ...] = ()
    tickets: Mapping[int, Ticket] = field(default_factory=empty)
    monitor_lines: tuple[Line, ...] = ()
    detected_at: Mapping[str, datetime] = field(default_factory=empty)
    """When a target was last seen to break: what a screen highlights."""
    # the agent
    session: Session | None = None
    transcript: tuple[Block, ...] = ()
    transcript_dropped: int = 0
    usage: Usage = field(default_factory=Usage)
    waiting: str = ""
    # the story
    incident: Incident | None = None
    incidents: int = 0
    logs: tuple[Line, ...] = ()

    @property
    def healthy(self) -> bool:
        """Everything was ready, the last look saw everything, and nothing is broken. Blindness is not health."""
        seen = self.observation
        return (
            self.ready_after_s is not None
            and not self.blind
            and seen is not None
            and not self.broken
            and all(service.level is Level.OK for service in seen.services)
        )

    @property
    def live_tickets(self) -> tuple[Ticket, ...]:
        return tuple(ticket for ticket in self.tickets.values() if ticket.state != "resolved")
