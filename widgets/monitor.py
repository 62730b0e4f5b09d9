"""The monitor: its live tickets, and what it said."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from operator_core.events import TicketState
from operator_core.state import Line, RunState
from operator_protocols import Level
from widgets.following import Following
from widgets.panel import Panel
from widgets.style import beside
from widgets.text import (
    BAD,
    DIM,
    GOOD,
    LINE_STYLES,
    STRONG,
    STYLES,
    SYMBOLS,
    WARN,
    Fitted,
    age,
    cell,
    clock,
    flat,
    indent,
    line,
    right,
    stack,
)

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
    invariants: tuple[tuple[str, Level], ...]
    tickets: tuple[TicketRow, ...]
    lines: tuple[Line, ...]
    blind: str
    aside: str


class MonitorPanel(Panel[Watch]):
    DEFAULT_CSS = beside(__file__)
    HEADING = "Monitor"

    def compose(self) -> ComposeResult:
        yield Static(id="blind")
        yield Static(id="invariants")
        yield Static(id="tickets")
        with Following(id="lines"):
            yield Static(id="said")

    def part(self, state: RunState, now: datetime | None) -> Watch:
        return watch(state, now)

    def draw(self, part: Watch) -> None:
        blind = self.query_one("#blind", Static)
        blind.display = bool(part.blind)
        blind.update(line(f" ? BLIND: {flat(part.blind)}"))
        self.set_class(bool(part.tickets), "-ticketed")
        self.query_one("#invariants", Static).update(Fitted(lambda width: invariants(part.invariants, width)))
        self.query_one("#tickets", Static).update(Fitted(lambda width: tickets(part.tickets, width)))
        if self.query_one(Following).following:
            short = line((part.aside.split(",")[0], DIM))
            self.head(line("Monitor"), line(part.aside) if part.aside else None, short)
            self.query_one("#said", Static).update(Fitted(lambda width: said(part.lines, width)))
        else:
            self.head(line("Monitor"), line(("‖ paused: End goes on", WARN)))

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
    looks = (
        f"{state.observations:,} look{'s' if state.observations > 1 else ''}, the last in {state.observed_in_s:.2f} s"
        if state.observations
        else ""
    )
    return Watch(judged(state), rows, state.monitor_lines, state.blind, looks)


def judged(state: RunState) -> tuple[tuple[str, Level], ...]:
    """Each invariant and what the last look said of it. What could not be looked at does not hold."""
    broken = {text.split(" ")[0] for text in state.broken}
    unseen = state.blind or state.observation is None
    return tuple(
        (name, Level.UNKNOWN if unseen else Level.BAD if name in broken else Level.OK) for name in state.invariants
    )


def invariants(shown: tuple[tuple[str, Level], ...], width: int) -> Content:
    """Each with its mark, as many in a line as fit."""
    if not shown:
        return line(("The monitor has not started yet.", DIM))
    lines: list[Content] = []
    for name, level in shown:
        mark = line((SYMBOLS[level], STYLES[level]), " ", (flat(name), STYLES[level] if level is not Level.OK else ""))
        if lines and lines[-1].cell_length + 3 + mark.cell_length <= width:
            lines[-1] = line(lines[-1], "   ", mark)
        else:
            lines.append(mark)
    return stack(lines)


def tickets(rows: tuple[TicketRow, ...], width: int) -> Content:
    """A row a ticket. The state is said in words where there is room, and by its symbol everywhere."""
    if not rows:
        return line(("No ticket is open.", DIM))
    roomy = width >= 50
    number = max(len(f"#{row.id}") for row in rows)
    state = 11 if roomy else 1
    since = max(3, *(len(row.age) for row in rows))
    target = max(len(row.target) for row in rows)
    gap = 2 if roomy else 1
    rest = width - number - state - since - 4 * gap
    invariant = max(rest - target, rest * 2 // 3)
    widths = Widths(number, invariant, rest - invariant, state, since, gap)
    drawn = [_ticket(row, widths) for row in rows]
    if roomy:
        drawn.insert(0, widths.lay_out(("", ""), ("violated", DIM), ("at", DIM), ("state", DIM), ("for", DIM)))
    return stack(drawn)


@dataclass(frozen=True, slots=True)
class Widths:
    number: int
    invariant: int
    target: int
    state: int
    since: int
    gap: int

    def lay_out(
        self,
        number: tuple[str, str],
        invariant: tuple[str, str],
        target: tuple[str, str],
        state: tuple[str, str],
        since: tuple[str, str],
    ) -> Content:
        cells = (
            cell(number[0], self.number, number[1]),
            cell(invariant[0], self.invariant, invariant[1]),
            cell(target[0], self.target, target[1]),
            cell(state[0], self.state, state[1]),
            right(since[0], self.since, since[1]),
        )
        return line(" " * self.gap).join(cells)


def _ticket(row: TicketRow, widths: Widths) -> Content:
    symbol, style = STATES[row.state]
    done = row.state == "resolved"
    return widths.lay_out(
        (f"#{row.id}", DIM if done else STRONG),
        (f"{row.invariant} {row.extra}" if row.extra else row.invariant, DIM if done else STRONG),
        (row.target, DIM if done else ""),
        (f"{symbol} {row.state}" if widths.state > 1 else symbol, style),
        (row.age, DIM if done else ""),
    )


def said(lines: tuple[Line, ...], width: int) -> Content:
    drawn: list[Content] = []
    for entry in lines[-200:]:
        style = LINE_STYLES[entry.level].removeprefix("bold ")
        time = clock(entry.at) if width >= 50 else clock(entry.at)[3:]
        first = line((time, DIM), " ", (MARKS[entry.level], style), " ")
        drawn += indent(line((flat(entry.text), style)), width, first, line(" " * first.cell_length))
    return stack(drawn)
