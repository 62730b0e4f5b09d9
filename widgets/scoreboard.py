"""What an incident took and cost."""

from __future__ import annotations

from textual.content import Content

from operator_core.state import Incident
from widgets.agent import cost
from widgets.text import BAD, DIM, GOOD, STRONG, WARN, cell, figure, flat, line, stack


def scoreboard(incident: Incident, width: int) -> Content:
    usage = incident.usage
    moments = [
        ("detected", incident.seconds(incident.detected_at)),
        ("diagnosed", incident.seconds(incident.diagnosed_at)),
        ("repaired", incident.seconds(incident.repaired_at)),
        ("verified", incident.seconds(incident.verified_at)),
    ]
    rows = [(label, "-" if seconds is None else f"{seconds:+.1f} s", STRONG) for label, seconds in moments]
    rows.append(("commands", str(incident.commands), STRONG))
    rows.append(("tokens", f"{usage.input_tokens:,} / {usage.output_tokens:,}", STRONG))
    rows.append(("cost", cost(usage), STRONG))
    rows += [(label, figure(value), BAD if value > 0 else STRONG) for label, value in incident.damage.items()]
    columns = 2 if width >= 40 else 1
    each = (width - 2 * (columns - 1)) // columns
    cells = [_row(label, value, style, each) for label, value, style in rows]
    lines = [line("  ").join(cells[start : start + columns]) for start in range(0, len(cells), columns)]
    return stack([verdict(incident), *lines])


def verdict(incident: Incident) -> Content:
    if incident.undone_by:
        return line((f"▲ undone by {flat(incident.undone_by)}: nobody's repair", WARN))
    if incident.verified:
        return line(("✔ repaired and verified", f"{GOOD} bold"))
    if incident.escalated:
        return line(("▲ escalated: a person is needed", BAD))
    return line(("○ not over yet", WARN))


def _row(label: str, value: str, style: str, width: int) -> Content:
    room = max(1, width - len(value) - 1)
    return line(cell(label, room, DIM), " ", (value, style)).truncate(width)
