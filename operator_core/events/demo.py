"""What the demo itself says: where the show is, and how its daemons do."""

from __future__ import annotations

from typing import Literal

from operator_core.events.base import Event

DaemonName = Literal["lab", "monitor", "agent"]


class DemoStarted(Event, frozen=True, tag="demo_started"):
    subject: str
    title: str
    deployment: str
    agent: str
    mode: str
    fault: str
    chapters: tuple[str, ...]
    seed: int

    @property
    def text(self) -> str:
        return f"demo: {self.title} ({self.deployment}), agent {self.agent}, fault {self.fault}, seed {self.seed}"


class ChapterEntered(Event, frozen=True, tag="chapter_entered"):
    index: int
    title: str

    @property
    def text(self) -> str:
        return f"demo: chapter {self.index + 1}: {self.title}"


class CountdownTick(Event, frozen=True, tag="countdown_tick"):
    """`left` seconds until `fault` is injected; `aborted` when somebody stopped it."""

    fault: str
    left: int
    aborted: bool = False

    @property
    def text(self) -> str:
        return f"demo: {self.fault} " + ("aborted" if self.aborted else f"in {self.left}" if self.left else "now")


class DaemonStarted(Event, frozen=True, tag="daemon_started"):
    daemon: DaemonName
    pid: int

    @property
    def text(self) -> str:
        return f"demo: {self.daemon} runs as {self.pid}"


class DaemonExited(Event, frozen=True, tag="daemon_exited"):
    daemon: DaemonName
    status: int
    expected: bool

    @property
    def text(self) -> str:
        return f"demo: {self.daemon} ended with status {self.status}{'' if self.expected else ', unasked'}"


class Logged(Event, frozen=True, tag="logged"):
    """A line that is no event of its own: a daemon's standard error, or a notice."""

    source: str
    level: Literal["info", "warning", "error"]
    message: str

    @property
    def text(self) -> str:
        return f"{self.source}: {self.message}"


DemoEvent = DemoStarted | ChapterEntered | CountdownTick | DaemonStarted | DaemonExited | Logged
