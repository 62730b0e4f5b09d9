"""The incident from its injection to its verified repair, each moment with its seconds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from textual.content import Content

from operator_core.state import Incident, RunState
from widgets.panel import SheetPanel
from widgets.text import BAD, DIM, GOOD, STRONG, WARN, cell, clock, flat, line, stack

STAGES = ("injected", "detected", "diagnosed", "repaired", "verified")


@dataclass(frozen=True, slots=True)
class Stage:
    name: str
    text: str
    """When: a time of day for the first, seconds after it for the others, "" while it has not come."""
    reached: bool
    current: bool = False


@dataclass(frozen=True, slots=True)
class Story:
    title: str
    stages: tuple[Stage, ...]
    aside: str
    bad: bool


class Timeline(SheetPanel[Story]):
    def part(self, state: RunState, now: datetime | None) -> Story:
        return story(state, now)

    def draw(self, part: Story) -> None:
        self.head(line(part.title), line((part.aside, BAD if part.bad else GOOD)) if part.aside else None)
        super().draw(part)

    def sheet(self, part: Story, width: int) -> Content:
        return drawing(part.stages, width)


def story(state: RunState, now: datetime | None) -> Story:
    incident = state.incident
    if incident is None:
        return Story("Incident: none yet", tuple(Stage(name, "", False) for name in STAGES), "", False)
    moments = (
        incident.injected_at,
        incident.detected_at,
        incident.diagnosed_at,
        incident.repaired_at,
        incident.verified_at,
    )
    over = incident.verified_at is not None or incident.escalated or bool(incident.undone_by)
    first = next((number for number, at in enumerate(moments) if at is None and any(moments[:number])), None)
    stages = tuple(
        _stage(number, at, incident, now if number == first and not over else None) for number, at in enumerate(moments)
    )
    what = " on ".join(part for part in (flat(incident.fault), flat(incident.target)) if part)
    title = f"Incident {state.incidents}: {what or 'not injected by the demo'}"
    return Story(title, stages, *_aside(incident))


def _stage(number: int, at: datetime | None, incident: Incident, running: datetime | None) -> Stage:
    seconds = incident.seconds(at or running)
    name = STAGES[number]
    if at is None:
        if number == 0:
            return Stage("not injected", "", False)
        return Stage(
            name,
            "" if running is None or seconds is None else f"{max(0, int(seconds))} s …",
            False,
            running is not None,
        )
    return Stage(name, clock(at) if at == incident.began_at else f"+{seconds:.1f} s", True)


def _aside(incident: Incident) -> tuple[str, bool]:
    if incident.undone_by:
        return f"▲ the fault was undone by {flat(incident.undone_by)}: nobody's repair", True
    if incident.verified:
        return "✔ verified", False
    if incident.escalated:
        return "▲ escalated: a person is needed", True
    return "", False


def drawing(stages: tuple[Stage, ...], width: int) -> Content:
    """Two lines: the marks joined by a line of progress, and under each its time."""
    each = (width - len(stages[-1].name) - 2) // (len(stages) - 1)
    marks, times = [], []
    for number, stage in enumerate(stages):
        mark, style = ("●", GOOD) if stage.reached else ("◐", WARN) if stage.current else ("○", DIM)
        name = line((mark, style), " ", (stage.name, STRONG if stage.reached else style))
        if number < len(stages) - 1:
            ahead = stages[number + 1]
            bar, colour = ("━", GOOD) if ahead.reached else ("╍", WARN) if ahead.current else ("┄", DIM)
            room = max(0, each - name.cell_length - 2)
            marks.append(line(name, " ", (bar * room, colour), " ").truncate(each, pad=True))
        else:
            marks.append(name)
        times.append(
            cell(f"  {stage.text}" if not stage.text else stage.text, each - 2, STRONG if stage.reached else WARN)
        )
    return stack([line(*marks), line(*(line("  ", time) for time in times)).truncate(width)])
