"""What must not be overlooked: a part of the demo that is gone."""

from __future__ import annotations

from textual.content import Content
from textual.reactive import reactive
from textual.widgets import Static

from operator_core.state import RunState
from widgets.style import beside
from widgets.text import flat, line

LOST = {
    "lab": "the services went with it",
    "monitor": "nothing is being watched, and what stands here is old",
    "agent": "nobody works on the tickets",
}


def banner(state: RunState) -> Content | None:
    """The sentence of the gravest loss, None while nothing is lost."""
    for name in LOST:
        daemon = state.daemons.get(name)
        if daemon is not None and daemon.status is not None and not daemon.expected:
            said = (
                f"✖ The {name} ended by itself with status {daemon.status}: {LOST[name]}. Leave with q and start again."
            )
            return line(said)
    if state.stopped:
        last = next((entry.text for entry in reversed(state.logs) if entry.level == "bad"), "")
        return line(
            "✖ The lab has stopped: no service runs. Leave with q and start again.", flat(f" {last}") if last else ""
        )
    return None


class Banner(Static):
    DEFAULT_CSS = beside(__file__)

    state: reactive[RunState] = reactive(RunState(), repaint=False, init=False)

    def watch_state(self, state: RunState) -> None:
        said = banner(state)
        self.display = said is not None
        if said is not None:
            self.update(said)

    def on_mount(self) -> None:
        self.watch_state(self.state)
