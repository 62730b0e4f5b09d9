"""The monitor: its live tickets, and what it said."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from operator_core.events import TicketState
from operator_core.state import Line, RunState
from widgets.following import Following
from widgets.panel import Panel
from widgets.style import beside
from widgets.text import BAD, DIM, GOOD, LINE_STYLES, STRONG, WARN, Fitted, age, cell, clock, flat, indent, line, stack

STATES: dict[TicketState, tuple[str, str]] = {
    "open": ("✖", BAD),
    "claimed": ("▶", WARN),
    "verifying": ("◐", "$text-primary"),
    "held": ("‖", WARN),
    "escalated": ("▲", BAD),
    "resolved": ("✔", GOOD),
}
MARKS = {"info": " ", "good": "✔", "warning": "▲", "bad": "✖"}
RESOLVED_SHOWN = 2


@dataclass(frozen=True, slots=True)
class TicketRow:
    id: int
    invariant: str
    target: str
    state: TicketState
    age: str
    extra: str


@dataclass(frozen=True, slots=True)
class Watch:
    tickets: tuple[TicketRow, ...]
    lines: tuple[Line, ...]
    blind: str
    aside: str


class MonitorPanel(Panel[Watch]):
    DEFAULT_CSS = beside(__file__)
    HEADING = "Monitor"

    def compose(self) -> ComposeResult:
        yield Static(id="blind")
        yield Static(id="tickets")
        with Following(id="lines"):
            yield Static(id="said")

    def part(self, state: RunState, now: datetime | None) -> Watch:
        return watch(state, now)

    def draw(self, part: Watch) -> None:
        blind = self.query_one("#blind", Static)
        blind.display = bool(part.blind)
        blind.update(line(f" ? BLIND: {flat(part.blind)}"))
        self.query_one("#tickets", Static).update(Fitted(lambda width: tickets(part.tickets, width)))
        if self.query_one(Following).following:
            self.head(line("Monitor"), line(part.aside) if part.aside else None)
            self.query_one("#said", Static).update(Fitted(lambda width: said(part.lines, width)))
        else:
            self.head(line("Monitor"), line(("‖ paused: p or End goes on", WARN)))

    def on_following_changed(self) -> None:
        self.redraw()


def watch(state: RunState, now: datetime | None) -> Watch:
    resolved = [ticket for ticket in state.tickets.values() if ticket.state == "resolved"][-RESOLVED_SHOWN:]
    shown = [*sorted(state.live_tickets, key=lambda ticket: -ticket.id), *reversed(resolved)]
    rows = tuple(
        TicketRow(
            ticket.id,
            flat(ticket.invariant),
            flat(ticket.target),
            ticket.state,
            age(ticket.opened_at, now if ticket.state != "resolved" else ticket.changed_at),
            "flapping" if ticket.flapping else f"x{ticket.occurrences}" if ticket.occurrences > 1 else "",
        )
        for ticket in shown
    )
    looks = f"{state.observations:,} looks, the last in {state.observed_in_s:.2f} s" if state.observations else ""
    return Watch(rows, state.monitor_lines, state.blind, looks)


def tickets(rows: tuple[TicketRow, ...], width: int) -> Content:
    if not rows:
        return line(("No ticket is open.", DIM))
    age_width, state_width = 6, 11
    number = max(2, *(len(f"#{row.id}") for row in rows))
    rest = width - number - state_width - age_width - 4 - 2
    target = min(max(6, *(len(row.target) for row in rows)), rest // 2)
    invariant = rest - target
    head = line("  ").join(
        [
            cell("", number),
            cell("violated", invariant, DIM),
            cell("by", target, DIM),
            cell("state", state_width, DIM),
            cell("for", age_width, DIM),
        ]
    )
    return stack([head.truncate(width), *(_ticket(row, number, invariant, target, width) for row in rows)])


def _ticket(row: TicketRow, number: int, invariant: int, target: int, width: int) -> Content:
    symbol, style = STATES[row.state]
    gone = DIM if row.state == "resolved" else ""
    name = f"{row.invariant} {row.extra}" if row.extra else row.invariant
    cells = [
        cell(f"#{row.id}", number, gone or STRONG),
        cell(name, invariant, gone or STRONG),
        cell(row.target, target, gone),
        cell(f"{symbol} {row.state}", 11, style),
        cell(row.age, 6, gone),
    ]
    return line("  ").join(cells).truncate(width)


def said(lines: tuple[Line, ...], width: int) -> Content:
    drawn: list[Content] = []
    for entry in lines[-200:]:
        style = LINE_STYLES[entry.level]
        first = line((clock(entry.at), DIM), " ", (MARKS[entry.level], style), " ")
        drawn += indent(line((flat(entry.text), style)), width, first, line(" " * first.cell_length))
    return stack(drawn)
