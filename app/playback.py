"""A run that was recorded, as a stage: its events at once, and then it stands still until somebody leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from app.stage import Listener
from chapters import Chapter
from operator_core.events import AnyEvent
from operator_core.state import RunState, reduce
from operator_protocols import Fault

RECORDED = "This is a recording: nothing can be changed in it."


class Playback:
    def __init__(self, events: Iterable[AnyEvent], chapters: Sequence[Chapter]) -> None:
        self.state = RunState()
        self.chapters = chapters
        self.faults: Sequence[Fault] = ()
        self._events = events
        self._left = asyncio.Event()

    async def run(self, listener: Listener) -> None:
        for event in self._events:
            self.state = reduce(self.state, event)
            listener(self.state, event)
        await self._left.wait()

    async def leave(self) -> None:
        self._left.set()

    async def forward(self) -> str:
        return RECORDED

    async def back(self) -> str:
        return RECORDED

    async def inject(self, fault: str) -> str:
        return RECORDED

    async def abort(self) -> str:
        return RECORDED

    async def heal(self) -> str:
        return RECORDED

    async def kill_switch(self) -> str:
        return RECORDED
