"""A stage without a demo behind it: plays the events it is given and notes what it is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.stage import Listener
from chapters import Chapter
from operator_core.events import AnyEvent
from operator_core.state import RunState, reduce
from operator_protocols import Fault, LabControl, Plan


@dataclass(frozen=True)
class FakeFault:
    name: str
    says: str = "one node loses the store"
    looks_like: str = "its row turns red"
    undone_by: str = "opening the link again"
    breaks: tuple[str, ...] = ("redis_disconnected",)
    limit_s: float = 180.0

    async def plan(self, lab: LabControl, rng: object) -> Plan:
        raise NotImplementedError

    async def inject(self, lab: LabControl, plan: Plan) -> None:
        raise NotImplementedError

    async def undo(self, lab: LabControl, plan: Plan) -> None:
        raise NotImplementedError


class FakeStage:
    """`asked` lists the methods called, `answers` are given back by name, `leave` ends the run once it `may_leave`."""

    def __init__(self, events: Iterable[AnyEvent] = (), chapters: Sequence[Chapter] = (), faults: Sequence[Fault] = ()):
        self.state = RunState()
        self.chapters = chapters
        self.faults = faults
        self.asked: list[str] = []
        self.answers: dict[str, str] = {}
        self.fails: Exception | None = None
        self.may_leave = asyncio.Event()
        self.may_leave.set()
        self.ended = False
        self._events = list(events)
        self._listener: Listener | None = None
        self._left = asyncio.Event()

    async def run(self, listener: Listener) -> None:
        self._listener = listener
        self.play(*self._events)
        if self.fails is not None:
            raise self.fails
        await self._left.wait()
        self.ended = True

    def play(self, *events: AnyEvent) -> None:
        assert self._listener is not None, "the application has not started the stage yet"
        for event in events:
            self.state = reduce(self.state, event)
            self._listener(self.state, event)

    def _answer(self, name: str) -> str:
        self.asked.append(name)
        return self.answers.get(name, "")

    async def leave(self) -> None:
        self.asked.append("leave")
        await self.may_leave.wait()
        self._left.set()

    async def forward(self) -> str:
        return self._answer("forward")

    async def back(self) -> str:
        return self._answer("back")

    async def inject(self, fault: str) -> str:
        return self._answer(f"inject {fault}")

    async def abort(self) -> str:
        return self._answer("abort")

    async def heal(self) -> str:
        return self._answer("heal")

    async def kill_switch(self) -> str:
        return self._answer("kill_switch")
