"""The agent: what it thinks, what it runs, what comes back, and what it concludes, as it comes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from textual.app import ComposeResult
from textual.content import Content
from textual.reactive import reactive
from textual.widgets import Static

from operator_core.state import Block, RunState, Usage, Verdict
from widgets.blocks import BlockView
from widgets.following import Following
from widgets.header import AGENTS
from widgets.panel import Panel
from widgets.style import beside
from widgets.text import ACCENT, DIM, WARN, flat, line, stack


@dataclass(frozen=True, slots=True)
class Work:
    blocks: tuple[Block, ...]
    first: int
    """The number of the first block, counted from the beginning of the run."""
    agent: str
    model: str
    mode: str
    session: str
    ticket: int | None
    usage: Usage
    waiting: str


class AgentPanel(Panel[Work]):
    DEFAULT_CSS = beside(__file__)
    HEADING = "Agent"

    fold: reactive[int] = reactive(8, init=False, repaint=False)
    """How many lines of an output are shown."""

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._views: dict[int, BlockView] = {}

    def compose(self) -> ComposeResult:
        yield Static(id="idle")
        yield Following(id="transcript")

    def part(self, state: RunState, now: datetime | None) -> Work:
        session = state.session
        if session is not None and session.outcome is not None:
            session = None
        said = f"session {session.id} on ticket #{session.ticket}" if session else ""
        return Work(
            state.transcript,
            state.transcript_dropped,
            state.agent,
            flat(state.model),
            state.mode,
            said,
            session.ticket if session else None,
            state.usage,
            state.waiting,
        )

    def watch_fold(self) -> None:
        self.redraw()

    def draw(self, part: Work) -> None:
        self.set_class(not part.blocks, "-idle")
        scroll = self.query_one(Following)
        self.head(title(part), *aside(part, scroll.following))
        if not part.blocks:
            self.query_one("#idle", Static).update(idle(part))
        if scroll.following:
            self._show(scroll, part)

    def on_following_changed(self) -> None:
        self.redraw()

    def _show(self, scroll: Following, part: Work) -> None:
        last = part.first + len(part.blocks)
        for number in [number for number in self._views if not part.first <= number < last]:
            self._views.pop(number).remove()
        fresh: list[BlockView] = []
        for number, block in enumerate(part.blocks, start=part.first):
            view = self._views.get(number)
            if view is not None and type(view.block) is type(block):
                view.show(block, self.fold)
                continue
            if view is not None:
                view.remove()
            self._views[number] = BlockView(block, self.fold)
            fresh.append(self._views[number])
        if fresh:
            scroll.mount_all(fresh)
            scroll.pin(fresh[-1] if isinstance(fresh[-1].block, Verdict) else None)  # a verdict is read from its top


def title(part: Work) -> Content:
    agent = AGENTS.get(part.agent, flat(part.agent))
    return line(f"Agent · {agent}")


def aside(part: Work, following: bool) -> tuple[Content | None, Content | None]:
    """In full, and for a small screen."""
    if not following:
        return line(("‖ paused: End goes on", WARN)), None
    if part.waiting:
        return line((flat(part.waiting), WARN)), line(("waiting", WARN))
    said = [part.model, part.session, tokens(part.usage)]
    short = line((f"ticket #{part.ticket}" if part.ticket else "", DIM))
    return line(" · ".join(text for text in said if text)) if any(said) else None, short


def tokens(usage: Usage) -> str:
    if not usage.input_tokens and not usage.output_tokens:
        return ""
    return f"{usage.input_tokens:,} tokens in, {usage.output_tokens:,} out, {cost(usage)}"


def cost(usage: Usage) -> str:
    """An estimate by list price."""
    if usage.cost_usd is None:
        return "price not known"
    return "$0" if usage.cost_usd == 0 else f"about ${usage.cost_usd:.{2 if usage.cost_usd >= 1 else 4}f}"


def idle(part: Work) -> Content:
    if part.agent == "none":
        return line(("No agent plays in this run: tickets wait for a person.", DIM))
    rule = {
        "observe": "It proposes commands and runs none of them.",
        "approve": "It runs commands that only read; the others wait for a person.",
        "execute": "It runs what it needs; every command is on record before it starts.",
    }.get(part.mode, "")
    return stack(
        [
            line(("No ticket, no work.", "bold")),
            line(("The agent claims a ticket as soon as the monitor opens one.", DIM)),
            line(),
            line(
                ("agent ", DIM),
                (AGENTS.get(part.agent, flat(part.agent)), ACCENT),
                ("   mode ", DIM),
                (part.mode or "-", "bold"),
            ),
            line((rule, DIM)),
        ]
    )
