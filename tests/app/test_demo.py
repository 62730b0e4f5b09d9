"""The live demo behind the screen: real daemons, and what the keys of a presenter ask of them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.demo import Demo, Settings
from chapters import Chapter
from operator_core.events import AnyEvent, CountdownTick, FaultInjected, FaultUndone, ModeChanged
from operator_core.paths import StateDir
from operator_core.registry import load_subject
from tests.waiting import until

pytestmark = pytest.mark.e2e

SHOW = [
    Chapter("healthy", "", until=("healthy",)),
    Chapter("fault", "", fault=True, countdown=2, until=("injected",)),
    Chapter("end", "", until=("verified",)),
]


class Live:
    def __init__(self, demo: Demo) -> None:
        self.demo = demo
        self.events: list[AnyEvent] = []

    def count(self, kind: type[AnyEvent]) -> int:
        return sum(isinstance(event, kind) for event in self.events)

    async def healthy(self) -> None:
        await until(lambda: self.demo.state.healthy, within_s=40, what="a healthy cluster")

    async def verified(self, incident: int) -> None:
        state = self.demo.state
        await until(
            lambda: (
                (state := self.demo.state).incidents == incident
                and state.incident is not None
                and state.incident.verified
            ),
            within_s=60,
            what=f"incident {incident} verified; {state.live_tickets}",
        )


@contextlib.asynccontextmanager
async def live(folder: Path, agent: str = "scripted") -> AsyncIterator[Live]:
    state_dir = StateDir.of("ratelimiter", folder)
    settings = Settings(
        subject=load_subject("ratelimiter"),
        deployment="processes",
        agent=agent,
        mode=None,
        fault="kill-node",
        chapters=SHOW,
        state_root=folder,
        database=state_dir.database,
        seed=1,
    )
    running = Live(Demo(settings, state_dir))
    task = asyncio.create_task(running.demo.run(lambda state, event: running.events.append(event)))
    try:
        yield running
    finally:
        await running.demo.leave()
        async with asyncio.timeout(40):
            await task


async def test_nothing_is_injected_twice_and_a_stopped_countdown_can_begin_again(tmp_path: Path) -> None:
    async with live(tmp_path, agent="none") as show:
        demo = show.demo
        assert "Waiting until every invariant holds" in await demo.forward()
        await show.healthy()
        assert await demo.forward() == ""
        assert demo.state.countdown is not None
        assert "countdown is running" in await demo.forward()
        assert "countdown is running" in await demo.inject("kill-store")
        assert "nothing was injected" in await demo.abort()
        assert demo.state.countdown is None
        assert await demo.back() == ""
        assert await demo.forward() == ""  # the chapter's fault is still to come
        await until(lambda: show.count(FaultInjected) == 1, what="the fault")
        assert await demo.back() == ""
        assert await demo.forward() == ""
        assert demo.state.countdown is None
        assert await demo.forward() == ""
        assert "Waiting until the monitor has resolved every ticket" in await demo.forward()
        assert await demo.forward() == "That was the last chapter; q leaves."
    assert show.count(FaultInjected) == 1
    assert sum(isinstance(event, CountdownTick) and event.aborted for event in show.events) == 1
    assert show.count(FaultUndone) == 1  # by the end of the demo: nobody repaired it
    assert demo.state.incident is not None and not demo.state.incident.verified


async def test_a_second_fault_on_the_same_target_after_the_first_was_repaired(tmp_path: Path) -> None:
    async with live(tmp_path) as show:
        demo = show.demo
        await show.healthy()
        for incident in (1, 2):
            assert await demo.inject("kill-store") == ""
            await show.verified(incident)
            assert show.count(FaultUndone) == incident - 1
        assert "There is no fault 'tea'." in await demo.inject("tea")


async def test_the_kill_switch_and_heal_from_the_stage(tmp_path: Path) -> None:
    async with live(tmp_path) as show:
        demo = show.demo
        await show.healthy()
        await until(lambda: demo.state.mode == "execute", within_s=30, what="the agent")
        assert await demo.inject("hang-store") == ""
        await until(lambda: demo.state.session is not None, within_s=30, what="a session")
        assert await demo.kill_switch() == ""
        await until(lambda: demo.state.mode == "observe", what="the mode observe")
        assert show.count(ModeChanged) == 1
        assert await demo.heal() == ""
        await until(lambda: demo.state.healthy, within_s=30, what="health after the heal")
        assert demo.state.incident is not None and demo.state.incident.undone_by == "heal"
