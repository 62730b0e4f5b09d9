"""The line at the top: how it is, what this is, who plays, and for how long."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from textual.content import Content
from textual.reactive import reactive
from textual.widgets import Static

from operator_core.state import RunState
from widgets.style import beside
from widgets.text import ACCENT, DIM, STRONG, Fitted, elapsed, flat, line, spread, stack

AGENTS = {"scripted": "scripted stand-in", "claude": "Claude", "none": "no agent", "": "no agent yet"}
GAP = ("  ·  ", DIM)


@dataclass(frozen=True, slots=True)
class Badge:
    symbol: str
    text: str
    style: str


def badge(state: RunState) -> Badge:
    """How the system is, in a word: what the back row must be able to see."""
    if state.stopped:
        return Badge("■", "lab stopped", "bold $background on $text-error")
    if state.blind:
        return Badge("?", "blind", "bold $background on $text-warning")
    if state.broken:
        return Badge("✖", f"{len(state.broken)} broken", "bold $background on $text-error")
    if state.ready_after_s is None:
        return Badge("◌", "starting", "bold $background on $text-primary")
    if state.observation is None:
        return Badge("?", "not seen yet", "bold $background on $text-warning")
    if state.healthy:
        return Badge("●", "healthy", "bold $background on $text-success")
    return Badge("▲", "unsettled", "bold $background on $text-warning")


class HeaderBar(Static):
    DEFAULT_CSS = beside(__file__)

    state: reactive[RunState] = reactive(RunState(), repaint=False, init=False)
    now: reactive[datetime | None] = reactive[datetime | None](None, repaint=False, init=False)

    def watch_state(self) -> None:
        self._draw()

    def watch_now(self) -> None:
        self._draw()

    def on_mount(self) -> None:
        self._draw()

    def _draw(self) -> None:
        state, now = self.state, self.now
        self.update(Fitted(lambda width: header(state, now, width)), layout=False)


def header(state: RunState, now: datetime | None, width: int) -> Content:
    """One line where there is room, two where there is not."""
    how = badge(state)
    mark = line((f" {how.symbol} {how.text} ", how.style))
    title = line(" ", (flat(state.title or state.subject or "Operator"), STRONG))
    time = line((elapsed(state.started_at, now), STRONG), " ")
    sandbox = flat(state.sandbox).split(":")[0] or "sandbox not known yet"
    agent = AGENTS.get(state.agent, flat(state.agent))
    who = [
        line((flat(state.deployment) or "no deployment yet", "")),
        line((sandbox, "bold $text-warning" if sandbox.startswith("no ") else "")),
        line(("agent ", DIM), (agent, ACCENT)),
        line(("mode ", DIM), (flat(state.mode) or "-", "bold $text-warning" if state.mode == "observe" else "bold")),
    ]
    players = line(GAP).join(who)
    one = Content.assemble(mark, title, line(GAP), players)
    if one.cell_length + time.cell_length + 2 <= width:
        return spread(one, time, width)
    players = line((" · ", DIM)).join(who)
    return stack(
        [spread(Content.assemble(mark, title), time, width), line(" ", players).truncate(width, ellipsis=True)]
    )
