"""What the monitor says: what it saw, and the tickets it keeps."""

from __future__ import annotations

from typing import Literal

from operator_core.events.base import Event
from operator_protocols import Observation

TicketState = Literal["open", "claimed", "verifying", "held", "escalated", "resolved"]


class MonitorStarted(Event, frozen=True, tag="monitor_started"):
    subject: str
    interval_s: float
    invariants: tuple[str, ...]
    db: str

    @property
    def text(self) -> str:
        return f"monitor: watching {len(self.invariants)} invariants of {self.subject} every {self.interval_s:g} s"


class InvariantState(Event, frozen=True, tag="invariant_state"):
    """An invariant's state for a target changed: broken (not yet long enough for a ticket, or with one), whole, or
    unseen. Said at the change only."""

    invariant: str
    target: str
    state: Literal["broken", "whole", "unseen"]
    summary: str = ""

    @property
    def text(self) -> str:
        return f"monitor: {self.invariant} {self.target} {self.state}{': ' + self.summary if self.summary else ''}"


class Observed(Event, frozen=True, tag="observed"):
    """One look at the subject. `seconds`: how long it took. `broken`: "invariant target" of each violation in it.
    `facts` of the observation are left out of the stream."""

    observation: Observation
    seconds: float
    broken: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        seen = self.observation
        load = "no workload seen"
        if seen.workload:
            p99 = "-" if seen.workload.p99_ms is None else f"{seen.workload.p99_ms:.0f} ms"
            load = f"{seen.workload.operations_per_s:.0f} op/s, p99 {p99}, {seen.workload.errors_per_s:.0f} errors/s"
        rows = ", ".join(f"{service.name} {service.state}" for service in seen.services)
        return f"monitor: {rows}; {load}{'; BROKEN ' + ', '.join(self.broken) if self.broken else ''}"


class Blind(Event, frozen=True, tag="blind"):
    """The observation failed. Nothing is opened and nothing is closed until the monitor can see again."""

    error: str
    for_s: float

    @property
    def text(self) -> str:
        return f"monitor: BLIND for {self.for_s:.0f} s: {self.error}"


class TicketChanged(Event, frozen=True, tag="ticket_changed"):
    """A ticket's row after a change. `actor`: "monitor", "agent", or a person's name; `note` says what they did.

    `occurrences` counts how often the violation came back while the ticket was open. `opened_at` is text in the
    audit's sense: the same in every event about this ticket."""

    ticket: int
    invariant: str
    target: str
    state: TicketState
    summary: str
    actor: str
    note: str = ""
    occurrences: int = 1
    flapping: bool = False

    @property
    def text(self) -> str:
        return (
            f"ticket {self.ticket}: {self.state} by {self.actor}: {self.invariant} {self.target}: "
            f"{self.note or self.summary}{' (flapping)' if self.flapping else ''}"
        )


MonitorEvent = MonitorStarted | InvariantState | Observed | Blind | TicketChanged
