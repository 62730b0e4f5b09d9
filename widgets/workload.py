"""The workload: what the subject's clients get, in figures that can be read from afar, and as it has been."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Digits, Static

from operator_core.state import RunState
from operator_protocols import Level, Reading, Workload
from widgets.graph import Curve, Graphs, Point, sparkline
from widgets.panel import Panel
from widgets.style import beside
from widgets.text import DIM, STRONG, STYLES, Fitted, cell, figure, flat, line, milliseconds, stack

FIGURES = ("operations", "p50", "p99", "errors")
LABELS = {"operations": "ops/s", "p50": "p50 ms", "p99": "p99 ms", "errors": "errors/s"}


@dataclass(frozen=True, slots=True)
class Load:
    workload: Workload | None
    operations: Curve
    p99: Curve
    blind: bool


class WorkloadPanel(Panel[Load]):
    DEFAULT_CSS = beside(__file__)
    HEADING = "Workload"

    def compose(self) -> ComposeResult:
        with Horizontal(id="figures"):
            for name in FIGURES:
                with Vertical(classes="figure"):
                    yield Digits(id=name)
                    yield Static(LABELS[name], classes="label", markup=False)
        yield Static(id="strip")
        yield Graphs(id="graphs")
        with VerticalScroll(id="readings-scroll"):
            yield Static(id="readings")

    def part(self, state: RunState, now: datetime | None) -> Load:
        history = state.workload_history
        return Load(
            state.workload,
            Curve("operations/s", tuple(Point(p.at, p.operations_per_s, p.level) for p in history[-90:])),
            Curve("p99 ms", tuple(Point(p.at, p.p99_ms or 0.0, p.level) for p in history[-90:])),
            bool(state.blind),
        )

    def draw(self, part: Load) -> None:
        load = part.workload
        self.head(line("Workload"), aside(part))
        self.set_class(load is not None and load.level is not Level.OK, "-degraded")
        values = figures(load)
        for name, text in values.items():
            self.query_one(f"#{name}", Digits).update(text)
        self.query_one("#errors").set_class(load is not None and load.errors_per_s > 0, "-bad")
        self.query_one("#strip", Static).update(Fitted(lambda width: strip(values, part, width)))
        self.query_one(Graphs).show((part.operations, part.p99))
        readings = load.readings if load else ()
        self.query_one("#readings", Static).update(Fitted(lambda width: grid(readings, width)))


def figures(load: Workload | None) -> dict[str, str]:
    if load is None:
        return dict.fromkeys(FIGURES, "-")
    return {
        "operations": figure(load.operations_per_s),
        "p50": milliseconds(load.p50_ms),
        "p99": milliseconds(load.p99_ms),
        "errors": figure(load.errors_per_s),
    }


def aside(part: Load) -> Content:
    if part.workload is None:
        return line(("no workload seen", DIM))
    if part.blind:
        return line(("? old figures", STYLES[Level.UNKNOWN]))
    word = {Level.OK: "● served", Level.WARN: "▲ degraded", Level.BAD: "✖ degraded", Level.UNKNOWN: "? unknown"}
    return line((word[part.workload.level], STYLES[part.workload.level]))


def strip(values: dict[str, str], part: Load, width: int) -> Content:
    """Figures and a line of blocks, for a small screen."""
    style = STRONG if part.workload is None or part.workload.level is Level.OK else STYLES[part.workload.level]
    said = [
        line((values["operations"], style), (" op/s", DIM)),
        line(("p50 ", DIM), (values["p50"], style)),
        line(("p99 ", DIM), (values["p99"], style), (" ms", DIM)),
        line((values["errors"], style), (" err/s", DIM)),
    ]
    if sum(text.cell_length + 2 for text in said) - 2 > width:
        del said[1]
    return stack([line("  ").join(said).truncate(width, ellipsis=True), sparkline(part.operations, width)])


def grid(readings: tuple[Reading, ...], width: int) -> Content:
    """As many columns as fit, row by row, so that the subject's order stays the reading order."""
    if not readings:
        return line("")
    widest = max(len(flat(reading.label)) + len(flat(reading.text)) + 1 for reading in readings)
    columns = max(1, min(3, (width + 3) // (max(widest, 16) + 3)))
    each = (width - 3 * (columns - 1)) // columns
    rows = [readings[start : start + columns] for start in range(0, len(readings), columns)]
    return stack([line("   ").join(_reading(reading, each) for reading in row) for row in rows])


def _reading(reading: Reading, width: int) -> Content:
    text = flat(reading.text)
    style = STRONG if reading.level is Level.OK else STYLES[reading.level]
    mark = "" if reading.level is Level.OK else {Level.BAD: "✖ ", Level.WARN: "▲ ", Level.UNKNOWN: "? "}[reading.level]
    room = max(4, width - len(text) - len(mark) - 1)
    return line(cell(reading.label, room, DIM), " ", (mark, style), (text, style)).truncate(width, ellipsis=True)
