"""The live demo: it starts the daemons, folds their events, moves the show, and cleans up whatever way it ends."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from app.conductor import Conductor
from app.daemons import Daemon
from app.recording import Recording
from app.stage import Listener
from chapters import Chapter
from operator_core import control
from operator_core.errors import UserError
from operator_core.events import (
    AnyEvent,
    ChapterEntered,
    CountdownTick,
    DaemonName,
    DemoStarted,
    LabReady,
    LabStarting,
    Logged,
    Mode,
)
from operator_core.lab.client import LabClient
from operator_core.paths import StateDir
from operator_core.state import RunState, reduce
from operator_protocols import Fault, Subject

AUTOPLAY_TICK_S = 0.1
SECRETS = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")
"""For the agent daemon alone: neither the lab nor the monitor ever gets them."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the command line chose. `agent`: claude, scripted or none. `unattended`: the show moves on by itself;
    `reading`: it stays in each chapter long enough for people to read."""

    subject: Subject
    deployment: str
    agent: str
    mode: Mode | None
    fault: str
    chapters: Sequence[Chapter]
    state_root: Path | None
    database: Path
    seed: int
    unattended: bool = False
    reading: bool = True


class Demo:
    """A `Stage` over real daemons."""

    def __init__(self, settings: Settings, state_dir: StateDir) -> None:
        self.settings = settings
        self.state_dir = state_dir
        self.state = RunState()
        self.failure = ""
        """Why the lab could not be started, as a sentence."""
        self.finished = False
        """Whether an unattended show came to its end."""
        self._conductor = Conductor(settings.chapters)
        self._countdown: asyncio.Task[None] | None = None
        self._leave = asyncio.Event()
        self._listener: Listener = lambda state, event: None
        self._recording: Recording | None = None
        self._starting: set[asyncio.Task[None]] = set()
        self._lab = self._daemon("lab", "lab", "run", "--seed", str(settings.seed))
        database = ("--db", str(settings.database))
        self._monitor = self._daemon("monitor", "monitor", "run", *database)
        mode = ("--mode", settings.mode) if settings.mode else ()
        self._agent = self._daemon("agent", "agent", "run", "--agent", settings.agent, *mode, *database)

    @property
    def chapters(self) -> Sequence[Chapter]:
        return self.settings.chapters

    @property
    def faults(self) -> Sequence[Fault]:
        return self.settings.subject.faults

    @property
    def missed(self) -> Sequence[str]:
        return self._conductor.missed

    async def run(self, listener: Listener) -> None:
        self._listener = listener
        with Recording(self.state_dir.logs) as self._recording:
            try:
                self._begin()
                await self._lab.start()
                await self._play()
            finally:
                await asyncio.shield(self._end())

    async def leave(self) -> None:
        self._leave.set()

    # -- the show

    async def forward(self) -> str:
        if self._counting:
            return "The countdown is running; Esc stops it."
        waits = self._conductor.waits_for(self.state)
        if waits and not self._conductor.insists(time.monotonic()):
            return f"Waiting until {' and '.join(waits)}. Press again to go on regardless."
        return "" if self._turn(+1) else "That was the last chapter; q leaves."

    async def back(self) -> str:
        await self.abort()
        return "" if self._turn(-1) else "This is the first chapter."

    async def inject(self, fault: str) -> str:
        if self._counting:
            return "A countdown is running already; Esc stops it."
        if fault not in {known.name for known in self.faults}:
            return f"There is no fault {fault!r}."
        if self.state.ready_after_s is None:
            return "The lab is still starting."
        self._begin_countdown(fault, seconds=3)
        return ""

    async def abort(self) -> str:
        if not self._counting or self._countdown is None:
            return ""
        self._countdown.cancel()
        assert self.state.countdown is not None
        self._emit(CountdownTick(fault=self.state.countdown.fault, left=self.state.countdown.left, aborted=True))
        return "The countdown is stopped; nothing was injected."

    async def heal(self) -> str:
        return await self._ask_lab(lambda lab: lab.heal(), by="presenter")

    async def kill_switch(self) -> str:
        try:
            agent = msgspec.json.decode((self.state_dir.root / "agent.json").read_bytes(), type=dict[str, Any])
            await control.request(Path(agent["socket"]), "stop", by="presenter")
        except (OSError, UserError, msgspec.DecodeError, KeyError) as error:
            return f"The agent does not listen ({error})."
        return ""

    def _turn(self, by: int) -> bool:
        moved = self._conductor.move(by, time.monotonic())
        if moved:
            self._enter()
        return moved

    def _enter(self) -> None:
        conductor = self._conductor
        self._emit(ChapterEntered(index=conductor.index, title=conductor.chapter.title))
        if fault := conductor.fault_due(self.settings.fault):
            self._begin_countdown(fault, conductor.chapter.countdown, chapter=conductor.index)

    @property
    def _counting(self) -> bool:
        return self.state.countdown is not None

    def _begin_countdown(self, fault: str, seconds: int, chapter: int | None = None) -> None:
        """`chapter`: the one whose fault this is, None for a fault from the menu."""
        self._emit(CountdownTick(fault=fault, left=seconds))
        self._countdown = asyncio.create_task(self._count_down(fault, seconds, chapter), name="countdown")

    async def _count_down(self, fault: str, seconds: int, chapter: int | None) -> None:
        for left in reversed(range(seconds)):
            await asyncio.sleep(1)
            self._emit(CountdownTick(fault=fault, left=left))
        if chapter is not None:
            self._conductor.spent.add(chapter)
        incident = self.state.incident
        if self.state.active_faults and incident is not None and incident.verified:
            # Repaired and verified: the lab takes it off its list, so that the same target can be hit again.
            await self._ask_lab(lambda lab: lab.heal(), by="demo")
        if failed := await self._ask_lab(lambda lab: lab.inject(fault), by="demo"):
            self._emit(Logged(source="demo", level="error", message=failed))

    # -- the daemons

    def _daemon(self, name: DaemonName, *arguments: str) -> Daemon:
        settings = self.settings
        env: Mapping[str, str] = os.environ
        if name != "agent":
            env = {key: value for key, value in env.items() if key not in SECRETS}
        common = ["--subject", settings.subject.name, "--output", "jsonl", "--die-with-parent"]
        if settings.state_root is not None:
            common += ["--state-dir", str(settings.state_root)]
        return Daemon(name, [*arguments, *common], env, self._receive)

    def _begin(self) -> None:
        settings = self.settings
        self._emit(
            DemoStarted(
                subject=settings.subject.name,
                title=settings.subject.title,
                deployment=settings.deployment,
                agent=settings.agent,
                mode=settings.mode or "",
                fault=settings.fault,
                chapters=tuple(chapter.title for chapter in settings.chapters),
                seed=settings.seed,
            )
        )
        self._conductor.entered_at = time.monotonic()
        self._enter()

    async def _play(self) -> None:
        """Until somebody leaves, the unattended show is over, or there is no lab left to show."""
        leaving = asyncio.create_task(self._leave.wait())
        show = asyncio.create_task(self._unattended()) if self.settings.unattended else None
        lab = asyncio.create_task(self._lab_ended_early())
        tasks = {task for task in (leaving, show, lab) if task is not None}
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _lab_ended_early(self) -> None:
        await self._lab.ended()
        if self.state.ready_after_s is None:
            self.failure = self._lab.last_words or "The lab did not start; see its log."
            return
        await asyncio.Event().wait()  # it broke in mid-show: the screen says so and stays

    async def _unattended(self) -> None:
        conductor = self._conductor
        while True:
            await asyncio.sleep(AUTOPLAY_TICK_S)
            if self._counting or not conductor.may_move_on(self.state, time.monotonic(), self.settings.reading):
                continue
            if not self._turn(+1):
                break
        self.finished = True
        if self.settings.reading:
            await asyncio.Event().wait()  # the last chapter stays until somebody leaves

    async def _end(self) -> None:
        """Agent first, so that it does not mistake the end for an incident; the lab last: it heals every fault."""
        if self._countdown is not None:
            self._countdown.cancel()
        await asyncio.gather(*self._starting, return_exceptions=True)
        for daemon in (self._agent, self._monitor, self._lab):
            await daemon.stop()

    async def _ask_lab(self, ask: Callable[[LabClient], Awaitable[object]], by: str) -> str:
        """ "" or the sentence with which the lab refused."""
        try:
            await ask(LabClient.open(self.state_dir, by))
        except UserError as error:
            return str(error)
        return ""

    # -- events

    def _receive(self, event: AnyEvent) -> None:
        self._emit(event)
        if isinstance(event, LabStarting):
            self._start(self._monitor)
        elif isinstance(event, LabReady) and self.settings.agent != "none":
            self._start(self._agent)

    def _start(self, daemon: Daemon) -> None:
        if not daemon.running:
            task = asyncio.create_task(daemon.start())
            self._starting.add(task)
            task.add_done_callback(self._starting.discard)

    def _emit(self, event: AnyEvent) -> None:
        self.state = reduce(self.state, event)
        if self._recording is not None:
            self._recording.write(event)
        self._listener(self.state, event)
