"""The clean-up, shown while it happens."""

from __future__ import annotations

from datetime import datetime

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.reactive import reactive
from textual.screen import ModalScreen
from textual.widgets import Static

from operator_core.state import RunState
from widgets.text import DIM, GOOD, LINE_STYLES, STRONG, WARN, Fitted, cell, clock, flat, line, stack


class LeavingScreen(ModalScreen[None]):
    CSS_PATH = "leaving.tcss"

    state: reactive[RunState] = reactive(RunState(), repaint=False, init=False)

    def __init__(self, state: RunState) -> None:
        super().__init__()
        self.set_reactive(LeavingScreen.state, state)
        self.since: datetime | None = state.now

    def compose(self) -> ComposeResult:
        with Vertical(id="leaving") as box:
            box.border_title = Content("Leaving")
            yield Static(id="progress")

    def on_mount(self) -> None:
        self._draw(self.state)

    def watch_state(self, state: RunState) -> None:
        if self.is_mounted:  # what comes while it is being made, it draws when it is
            self._draw(state)

    def _draw(self, state: RunState) -> None:
        since = self.since
        self.query_one("#progress", Static).update(Fitted(lambda width: progress(state, since, width)))


def progress(state: RunState, since: datetime | None, width: int) -> Content:
    healing = not state.stopped and bool(state.active_faults)
    rows = [
        _step(
            "healing faults", not healing, ", ".join(f"{fault} on {target}" for fault, target in state.active_faults)
        ),
        _step("stopping services", state.stopped, f"{_running(state)} still run" if not state.stopped else ""),
    ]
    rows += [
        _step(f"ending the {name}", daemon.status is not None, f"process {daemon.pid}")
        for name, daemon in state.daemons.items()
    ]
    rows.append(line())
    heard = [entry for entry in state.logs if since is None or entry.at >= since][-6:]
    rows += [
        line((clock(entry.at), DIM), "  ", cell(entry.text, max(4, width - 10), LINE_STYLES[entry.level]))
        for entry in heard
    ]
    rows.append(line())
    rows.append(line(("The terminal is yours again when nothing of the demo is left.", DIM)))
    return stack(rows)


def _running(state: RunState) -> int:
    return sum(process.state in ("starting", "up", "paused") for process in state.processes.values())


def _step(name: str, done: bool, detail: str) -> Content:
    mark = ("✔ ", GOOD) if done else ("◐ ", WARN)
    return line(
        mark,
        (name, DIM if done else STRONG),
        (f"  {flat(detail)}" if detail and not done else "", WARN if not done else DIM),
    )
