"""The stage: everything that the audience sees, and the keys of the one who presents."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from time import monotonic
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.reactive import reactive
from textual.screen import Screen
from textual.widgets import Footer

from app.screens.faults import HEAL, FaultMenu
from app.stage import Stage
from chapters import CONDITIONS, Chapter, holds
from operator_core.state import RunState
from widgets.agent import AgentPanel
from widgets.banner import Banner
from widgets.chapter import ChapterPanel, Page
from widgets.cluster import ClusterPanel
from widgets.following import Following
from widgets.header import HeaderBar
from widgets.monitor import MonitorPanel
from widgets.panel import Panel
from widgets.text import plain
from widgets.timeline import Timeline
from widgets.workload import WorkloadPanel


class StageScreen(Screen[None]):
    ALLOW_IN_MAXIMIZED_VIEW = "#top, Footer"
    ESCAPE_TO_MINIMIZE = False  # escape first stops a countdown
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "space,enter,right",
            "forward",
            "Next",
            id="next",
            tooltip="The next chapter",
            priority=True,
            key_display="space",
        ),
        Binding("left", "back", "Back", id="back", tooltip="The chapter before", show=False, priority=True),
        Binding("f", "faults", "Faults", id="faults", tooltip="The menu of faults to inject, and healing all of them"),
        Binding(
            "k", "kill", "Kill switch", id="kill", tooltip="The agent's running command dies, and it may only observe"
        ),
        Binding("z", "zoom", "Zoom", id="zoom", tooltip="The focused panel fills the screen; again to go back"),
        Binding(
            "p", "pause", "Pause", id="pause", tooltip="Hold the texts still to read them; again to go on", show=False
        ),
        Binding(
            "tab",
            "app.focus_next",
            "Next panel",
            id="focus",
            tooltip="Focus the next panel: to scroll, or to zoom it",
            show=False,
        ),
        Binding(
            "escape", "escape", "Stop or close", id="escape", tooltip="Stop a countdown, or leave the zoom", show=False
        ),
    ]

    state: reactive[RunState] = reactive(RunState(), repaint=False, init=False)
    now: reactive[datetime | None] = reactive[datetime | None](None, repaint=False, init=False)

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self.stage = stage
        self._heard_at = monotonic()

    def compose(self) -> ComposeResult:
        with Vertical(id="top"):
            yield HeaderBar(id="header").data_bind(StageScreen.state, StageScreen.now)
            yield Banner(id="banner").data_bind(StageScreen.state)
        with Horizontal(id="panels"):
            with Vertical(id="system"):
                yield ClusterPanel(id="cluster").data_bind(StageScreen.state, StageScreen.now)
                yield WorkloadPanel(id="workload").data_bind(StageScreen.state, StageScreen.now)
                yield MonitorPanel(id="monitor").data_bind(StageScreen.state, StageScreen.now)
            with Vertical(id="story"):
                yield ChapterPanel(id="chapter").data_bind(StageScreen.state, StageScreen.now)
                yield AgentPanel(id="agent").data_bind(StageScreen.state, StageScreen.now)
        yield Timeline(id="timeline").data_bind(StageScreen.state, StageScreen.now)
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        self.show(self.stage.state)
        self.set_interval(1, self._tick)

    def show(self, state: RunState) -> None:
        """Draw this state from now on."""
        self._heard_at = monotonic()
        self.now = state.now
        self.state = state
        self.query_one(ChapterPanel).page = page(self.stage.chapters, state)

    def _tick(self) -> None:
        """Let ages and the clock go on while nothing is heard. The time is the events', carried on."""
        if self.state.now is not None:
            self.now = self.state.now + timedelta(seconds=monotonic() - self._heard_at)

    # what the keys do

    def _ask(self, ask: Callable[[], Awaitable[str]]) -> None:
        async def answered() -> None:
            answer = await ask()
            if answer:
                self.notify(plain(answer), markup=False)

        self.run_worker(answered(), group="asked")

    def action_forward(self) -> None:
        self._ask(self.stage.forward)

    def action_back(self) -> None:
        self._ask(self.stage.back)

    def action_kill(self) -> None:
        self._ask(self.stage.kill_switch)

    def action_faults(self) -> None:
        def chosen(fault: str | None) -> None:
            if fault == HEAL:
                self._ask(self.stage.heal)
            elif fault:
                self._ask(lambda: self.stage.inject(fault))

        self.app.push_screen(FaultMenu(self.stage.faults, self.state.active_faults), chosen)

    def action_pause(self) -> None:
        scrolls = list(self.query(Following))
        hold = any(scroll.following for scroll in scrolls)
        for scroll in scrolls:
            scroll.following = not hold

    def action_zoom(self) -> None:
        if self.maximized is not None:
            self.minimize()
            return
        focused = self.focused
        panel = (
            next((node for node in focused.ancestors_with_self if isinstance(node, Panel)), None) if focused else None
        )
        self.maximize(panel or self.query_one(AgentPanel), container=False)

    def action_escape(self) -> None:
        if self.state.countdown is not None:
            self._ask(self.stage.abort)
        elif self.maximized is not None:
            self.minimize()
        else:
            self.set_focus(None)

    def watch_maximized(self) -> None:
        self._set_fold()

    def on_resize(self) -> None:
        self._set_fold()

    def _set_fold(self) -> None:
        agent = self.query_one(AgentPanel)
        agent.fold = 60 if self.maximized is agent else 8 if self.app.size.height >= 34 else 4


def page(chapters: Sequence[Chapter], state: RunState) -> Page:
    """The chapter that the state is in, with what it waits for."""
    if not chapters:
        return Page()
    index = min(state.chapter, len(chapters) - 1)
    chapter = chapters[index]
    checks = tuple((CONDITIONS[name][0], holds(name, state)) for name in chapter.until)
    return Page(index + 1, len(chapters), chapter.title, chapter.body, checks)
