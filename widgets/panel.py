"""What all panels share: they take a part of the state and draw only when that part changed."""

from __future__ import annotations

from datetime import datetime
from typing import Generic, TypeVar

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.reactive import reactive
from textual.widgets import Static

from operator_core.state import RunState
from widgets.style import beside
from widgets.text import Fitted

P = TypeVar("P")


class Panel(Vertical, Generic[P]):
    """A framed slice of the run.

    `state` and `now` (UTC) come down from the screen. `part` picks from them what the panel shows, as something that
    can be compared; `draw` puts it on the screen. A panel keeps nothing else of the run.
    """

    DEFAULT_CSS = beside(__file__)
    ALLOW_MAXIMIZE = True
    HEADING = ""

    state: reactive[RunState] = reactive(RunState(), repaint=False, init=False)
    now: reactive[datetime | None] = reactive[datetime | None](None, repaint=False, init=False)

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._drawn: P | None = None
        self._head: tuple[Content, Content | None, Content | None] = (Content(self.HEADING), None, None)

    def part(self, state: RunState, now: datetime | None) -> P:
        raise NotImplementedError

    def draw(self, part: P) -> None:
        raise NotImplementedError

    def on_mount(self) -> None:
        self.head(*self._head)
        self.take()

    def watch_state(self) -> None:
        self.take()

    def watch_now(self) -> None:
        self.take()

    def take(self) -> None:
        if not self.is_mounted:
            return
        part = self.part(self.state, self.now)
        if part != self._drawn:
            self._drawn = part
            self.draw(part)

    def redraw(self) -> None:
        self._drawn = None
        self.take()

    def head(self, title: Content, aside: Content | None = None, short: Content | None = None) -> None:
        """What stands in the frame: the aside in its lower edge; or, `short` if given, behind the title where there
        is no lower edge."""
        self._head = (title, aside, short)
        low = self.screen.has_class("-narrow") or self.screen.has_class("-low")
        behind = aside if short is None else short
        self.border_title = Content.assemble(title, "  ", behind) if behind and low else title
        self.border_subtitle = aside

    def on_resize(self) -> None:
        self.head(*self._head)


class SheetPanel(Panel[P]):
    """A panel of one sheet of text, laid out for the width it has, scrolled where it is higher than its place."""

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="sheet"):
            yield Static(id="sheet")

    def draw(self, part: P) -> None:
        self.query_one("#sheet", Static).update(Fitted(lambda width: self.sheet(part, width)))

    def sheet(self, part: P, width: int) -> Content:
        raise NotImplementedError
