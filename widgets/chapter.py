"""The chapter: what is told, what the show waits for, the countdown, and at the end what the incident cost."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.reactive import reactive
from textual.widgets import Digits, Markdown, Static

from operator_core.state import Countdown, Incident, RunState
from widgets.panel import Panel
from widgets.scoreboard import scoreboard
from widgets.style import beside
from widgets.text import DIM, GOOD, STRONG, Fitted, flat, line, plain, stack


@dataclass(frozen=True, slots=True)
class Page:
    """A chapter as it stands now. `checks`: what must come true before the show moves on, and whether it has."""

    number: int = 0
    of: int = 0
    title: str = ""
    body: str = ""
    checks: tuple[tuple[str, bool], ...] = ()

    @property
    def last(self) -> bool:
        return self.number == self.of


@dataclass(frozen=True, slots=True)
class Telling:
    page: Page
    countdown: Countdown | None
    incident: Incident | None


class ChapterPanel(Panel[Telling]):
    DEFAULT_CSS = beside(__file__)
    HEADING = "Chapter"

    page: reactive[Page] = reactive(Page(), repaint=False, init=False)

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._told = ""

    def compose(self) -> ComposeResult:
        with Horizontal():
            with Vertical(id="countdown"):
                yield Digits(id="left")
                yield Static(id="fault")
            with VerticalScroll(id="narration"):
                yield Static(id="brief")
                yield Markdown(id="body", open_links=False)
            with VerticalScroll(id="aside"):
                yield Static(id="checks")
                yield Static(id="score")

    def watch_page(self) -> None:
        self.take()

    def part(self, state: RunState, now: datetime | None) -> Telling:
        return Telling(self.page, state.countdown, told(state.incident, self.page))

    def draw(self, part: Telling) -> None:
        page = part.page
        self.head(line(f"{page.number}/{page.of}  {flat(page.title)}" if page.of else "Chapter"))
        if page.body != self._told:
            self._told = page.body
            self.query_one("#body", Markdown).update(plain(page.body))
            self.query_one("#narration").scroll_home(animate=False)
        self.set_class(part.countdown is not None, "-counting")
        if part.countdown is not None:
            self.query_one("#left", Digits).update(str(part.countdown.left))
            self.query_one("#fault", Static).update(line((flat(part.countdown.fault), "bold"), "\nesc stops it"))
        self.query_one("#checks", Static).update(checklist(page))
        self.query_one("#brief", Static).update(brief(page))
        score = self.query_one("#score", Static)
        self.set_class(part.incident is not None, "-scored")
        if part.incident is not None:
            incident = part.incident
            score.update(Fitted(lambda width: scoreboard(incident, width)))


def told(incident: Incident | None, page: Page) -> Incident | None:
    """The incident whose score is shown: one that is over, or whatever there is when the show ends."""
    if incident is None:
        return None
    over = incident.verified_at is not None or incident.escalated or bool(incident.undone_by)
    return incident if over or page.last else None


def checklist(page: Page) -> Content:
    onward = "The end of the show: q leaves" if page.last else "Space goes on"
    head = onward if all(done for _, done in page.checks) else "The show waits until"
    rows = [
        line(("✔ " if done else "○ ", GOOD if done else DIM), (flat(text), "" if done else STRONG))
        for text, done in page.checks
    ]
    return stack([line((head, DIM)), *rows])


def brief(page: Page) -> Content:
    """The checklist alone, for a small screen."""
    return stack(
        [
            line(("✔ " if done else "○ ", GOOD if done else DIM), (flat(text), DIM if done else STRONG))
            for text, done in page.checks
        ]
    )
