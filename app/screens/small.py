"""Where the terminal is too small to show the truth, only that is said. The demo goes on."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.geometry import Size
from textual.screen import ModalScreen
from textual.widgets import Static

from widgets.text import BAD, DIM, GOOD, line, stack

NEEDED = Size(80, 24)


def fits(size: Size) -> bool:
    return size.width >= NEEDED.width and size.height >= NEEDED.height


class TooSmallScreen(ModalScreen[None]):
    CSS_PATH = "small.tcss"

    def compose(self) -> ComposeResult:
        yield Static(id="too-small")

    def on_mount(self) -> None:
        self._say(self.app.size)

    def on_resize(self, event: events.Resize) -> None:
        self._say(event.size)

    def _say(self, size: Size) -> None:
        self.query_one("#too-small", Static).update(
            stack(
                [
                    line(("The terminal is too small.", "bold")),
                    line(
                        "it has ",
                        (str(size.width), GOOD if size.width >= NEEDED.width else BAD),
                        " x ",
                        (str(size.height), GOOD if size.height >= NEEDED.height else BAD),
                        f", it needs {NEEDED.width} x {NEEDED.height}",
                    ),
                    line(("The demo goes on. q leaves.", DIM)),
                ]
            )
        )
