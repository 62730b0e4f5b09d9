"""A ticket as it is kept, and each change of it.

open -> claimed -> verifying -> resolved
  ^        |           |
  +--------+-----------+   lease given back; handed back by the monitor
claimed, verifying -> escalated (by the agent; by the monitor after too many hand-backs)
any live state -> held (by a person) -> open;  any live state -> resolved (see `Tickets.resolve`)
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from operator_core.events import TicketChanged, TicketState

MONITOR = "monitor"
AGENT = "agent"
"""The two actors that are no persons."""

LIVE: tuple[TicketState, ...] = ("open", "claimed", "verifying", "held", "escalated")

MAX_HAND_BACKS = 3
"""A ticket that the monitor had to hand back this often goes to a person."""


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """`whole`: the monitor sees the invariant hold again, but not yet for long enough. `hand_backs` counts repairs that
    did not count, `still_broken` is what the monitor saw at the last one. `agent` is the process that works on the
    ticket, or did last; `lease_until` is set while the ticket is claimed. Times are UTC."""

    id: int
    subject: str
    invariant: str
    target: str
    summary: str
    state: TicketState
    opened_at: datetime
    changed_at: datetime
    resolved_at: datetime | None
    occurrences: int
    flapping: bool
    whole: bool
    hand_backs: int
    still_broken: str
    agent: str | None
    lease_until: datetime | None

    @property
    def attempt(self) -> int:
        """Which repair this is, from 1."""
        return self.hand_backs + 1

    def changed(self, actor: str, note: str = "") -> TicketChanged:
        """The event that tells this state of the ticket."""
        return TicketChanged(
            ticket=self.id,
            invariant=self.invariant,
            target=self.target,
            state=self.state,
            summary=self.summary,
            actor=actor,
            note=note,
            occurrences=self.occurrences,
            flapping=self.flapping,
        )


class TicketEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One change: the ticket's state after it, who made it (`MONITOR`, `AGENT` or a person's name), and a note."""

    id: int
    ticket: int
    at: datetime
    actor: str
    state: TicketState
    note: str
    summary: str
    occurrences: int
    flapping: bool
