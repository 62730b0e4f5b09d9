"""The cluster: one row a service, as the monitor sees it; before its first look, as the lab starts it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from textual.content import Content

from operator_core.events import ServiceState
from operator_core.state import Process, RunState
from operator_protocols import Level, Reading, ServiceHealth
from widgets.panel import SheetPanel
from widgets.text import BAD, DIM, GOOD, STRONG, STYLES, SYMBOLS, WARN, age, cell, flat, line, stack

HIGHLIGHT = timedelta(seconds=5)
"""How long a row stays lit after the moment at which it was seen to break."""

PROCESS: dict[ServiceState, tuple[str, str]] = {
    "starting": ("◌", DIM),
    "up": ("◌", GOOD),
    "paused": ("‖", WARN),
    "stopped": ("■", DIM),
    "died": ("✖", BAD),
    "failed": ("✖", BAD),
}


@dataclass(frozen=True, slots=True)
class Row:
    symbol: str
    style: str
    name: str
    role: str
    state: str
    readings: tuple[Reading, ...] = ()
    lit: bool = False


@dataclass(frozen=True, slots=True)
class Cluster:
    rows: tuple[Row, ...]
    title: str
    aside: str


class ClusterPanel(SheetPanel[Cluster]):
    def part(self, state: RunState, now: datetime | None) -> Cluster:
        return cluster(state, now)

    def draw(self, part: Cluster) -> None:
        self.head(line(part.title), line(part.aside) if part.aside else None)
        super().draw(part)

    def sheet(self, part: Cluster, width: int) -> Content:
        if not part.rows:
            return line(("The lab has not said yet which services it starts.", DIM))
        return stack(rows(part.rows, width))


def cluster(state: RunState, now: datetime | None) -> Cluster:
    seen = state.observation
    if seen is None:
        ready = "" if state.ready_after_s is None else "waiting for the monitor's first look"
        return Cluster(tuple(_started(process) for process in state.processes.values()), "Cluster", ready)
    known = {service.name for service in seen.services}
    unseen = tuple(_started(process) for name, process in state.processes.items() if name not in known)
    shown = tuple(_seen(service, state, now) for service in seen.services)
    if state.blind:
        return Cluster((*shown, *unseen), "Cluster", f"? as it was {age(seen.at, now)} ago")
    good = sum(service.level is Level.OK for service in seen.services)
    return Cluster((*shown, *unseen), "Cluster", f"{good} of {len(seen.services)} well")


def _started(process: Process) -> Row:
    symbol, style = PROCESS[process.state]
    detail = (Reading("", process.detail),) if process.detail else ()
    return Row(symbol, style, process.name, process.role, process.state, detail)


def _seen(service: ServiceHealth, state: RunState, now: datetime | None) -> Row:
    symbol, style = SYMBOLS[service.level], STYLES[service.level]
    readings = service.readings
    process = state.processes.get(service.name)
    if process is not None and process.state not in ("up", "starting"):
        readings = (Reading("process", process.state, Level.BAD), *readings)
        if process.state == "paused":
            symbol = "‖"
    if state.blind:
        symbol, style = "?", DIM
    at = state.detected_at.get(service.name)
    lit = at is not None and now is not None and now - at < HIGHLIGHT
    return Row(symbol, style, service.name, service.role, service.state, readings, lit)


def rows(shown: tuple[Row, ...], width: int) -> list[Content]:
    """Columns as wide as their longest text; the role gives way first, then the readings."""
    name = min(max(len(flat(row.name)) for row in shown), 20)
    role = min(max(len(flat(row.role)) for row in shown), 10) if width >= 56 else 0
    how = min(max(len(flat(row.state)) for row in shown), 12)
    return [_row(row, name, role, how, width) for row in shown]


def _row(row: Row, name: int, role: int, how: int, width: int) -> Content:
    parts = [
        line((row.symbol, row.style), " ", cell(row.name, name, STRONG)),
        *([cell(row.role, role, DIM)] if role else []),
        cell(row.state, how, row.style),
    ]
    drawn = line("  ").join(parts)
    for reading in fitting(row.readings, width - drawn.cell_length):
        drawn = line(drawn, "  ", _reading(reading))
    drawn = drawn.truncate(width, ellipsis=True, pad=True)
    return Content(drawn.plain).stylize("bold reverse $text-error") if row.lit else drawn


def fitting(readings: tuple[Reading, ...], width: int) -> list[Reading]:
    """Those that have room. Where not all have, what is not well goes first."""
    needs = {reading: _reading(reading).cell_length + 2 for reading in readings}
    if sum(needs.values()) > width:
        readings = tuple(sorted(readings, key=lambda reading: reading.level is Level.OK))
    chosen = []
    for reading in readings:
        if needs[reading] > width:
            break
        chosen.append(reading)
        width -= needs[reading]
    return chosen


def _reading(reading: Reading) -> Content:
    style = "" if reading.level is Level.OK else STYLES[reading.level]
    label = f"{flat(reading.label)} " if reading.label else ""
    return line((label, DIM), (flat(reading.text), style))
