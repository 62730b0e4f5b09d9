"""The application: takes a stage, draws its state, and hands the keys on."""

from __future__ import annotations

import asyncio
import signal
import traceback
from datetime import datetime, timedelta
from pathlib import PurePath
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.app import App
from textual.binding import Binding, BindingType
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.worker import Worker, WorkerState

from app.screens.help import HelpScreen
from app.screens.leaving import LeavingScreen
from app.screens.small import TooSmallScreen, fits
from app.screens.stage import StageScreen
from app.stage import Stage
from app.terminal import TerminalDriver, let_go
from app.themes import NIGHT, THEMES
from operator_core.errors import UserError
from operator_core.events import AnyEvent, FaultFailed, Logged
from operator_core.state import RunState
from widgets.text import flat

REPAINT_S = 0.1
"""However many events come, this often at most is a new state drawn."""

QUIET = timedelta(seconds=3)
"""How long one source of trouble is not heard again."""

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
"""Each means to leave, with the clean-up."""


class OperatorApp(App[None]):
    """Plays `stage`: `OperatorApp(stage).run()`, then `return_code`: 0, 1 when the stage broke down, 2 for a
    `UserError`, whose sentence is printed after the screen is given back."""

    TITLE = "Operator"
    CSS_PATH: ClassVar[list[str | PurePath]] = [
        "application.tcss",
        "screens/stage.tcss",
    ]  # a default screen's own is not loaded
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (116, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-low"), (34, "-mid"), (44, "-high")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "question_mark", "help", "Help", id="help", tooltip="All keys, and what the marks say", key_display="?"
        ),
        Binding("q", "quit", "Quit", id="quit", tooltip="Heal every fault, stop every process, and leave"),
        Binding("ctrl+c,ctrl+q", "quit", "Quit", show=False, priority=True, system=True),
    ]

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = NIGHT.name  # before anything is styled: changing it later styles everything twice
        self.stage = stage
        self._latest: RunState | None = None
        self._announced: dict[str, datetime] = {}
        self._stage_screen = StageScreen(stage)
        self._leaving: LeavingScreen | None = None

    def get_driver_class(self) -> type[Driver]:
        chosen = super().get_driver_class()
        return TerminalDriver if chosen is LinuxDriver else chosen

    def get_default_screen(self) -> StageScreen:
        return self._stage_screen

    def on_mount(self) -> None:
        self.set_interval(REPAINT_S, self._repaint)
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.add_signal_handler(number, self._signalled, number)
        self._stage_screen.call_after_refresh(self._play)  # the first frame does not wait for the stage

    def _signalled(self, number: signal.Signals) -> None:
        if number is signal.SIGHUP:
            let_go()
        self.call_later(self.action_quit)

    def on_unmount(self) -> None:
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.remove_signal_handler(number)

    # from the stage to the screen

    def _play(self) -> None:
        self.run_worker(self.stage.run(self._heard), name="stage", group="stage", exit_on_error=False)

    def _heard(self, state: RunState, event: AnyEvent) -> None:
        self._latest = state
        if isinstance(event, Logged | FaultFailed):
            self._announce(event)

    def _announce(self, event: Logged | FaultFailed) -> None:
        """Trouble pops up. Of a flood from one source only the first line does; the event file has them all."""
        source = event.source if isinstance(event, Logged) else event.fault
        if event.at - self._announced.get(source, event.at - QUIET) < QUIET or (
            isinstance(event, Logged) and event.level == "info"
        ):
            return
        self._announced[source] = event.at
        error = isinstance(event, FaultFailed) or event.level == "error"
        self.notify(flat(event.text), severity="error" if error else "warning", markup=False)

    def _repaint(self) -> None:
        state, self._latest = self._latest, None
        if state is None:
            return
        self._stage_screen.show(state)
        if self._leaving is not None:
            self._leaving.state = state

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        if event.worker.name != "stage":
            return
        if event.state is WorkerState.SUCCESS:
            self.exit()
        elif event.state is WorkerState.ERROR:
            error = event.worker.error
            if isinstance(error, UserError):
                self.exit(return_code=2, message=Text(str(error)))
            elif error is not None:
                self.exit(return_code=1, message=Text("".join(traceback.format_exception(error))))

    # keys

    async def action_quit(self) -> None:
        """Leave, once: the stage cleans up, its end ends the application."""
        if self._leaving is not None:
            return
        self._leaving = LeavingScreen(self._stage_screen.state)
        self.push_screen(self._leaving)
        self.run_worker(self.stage.leave(), group="stage")

    def action_help(self) -> None:
        self.push_screen(HelpScreen(self.screen.active_bindings.values()))

    def on_resize(self, event: events.Resize) -> None:
        small = isinstance(self.screen, TooSmallScreen)
        if not fits(event.size) and not small:
            self.push_screen(TooSmallScreen())
        elif fits(event.size) and small:
            self.pop_screen()
