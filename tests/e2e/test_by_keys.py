"""The application on a terminal, driven by keys as a presenter does, from the first chapter to the clean exit."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import struct
import sys
import termios
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from operator_core.events import AnyEvent, ChapterEntered, CountdownTick, DaemonExited, FaultInjected
from operator_core.state import RunState, reduce
from tests.e2e.shows import Show
from tests.waiting import until

pytestmark = pytest.mark.e2e


class OnTerminal(Show):
    def __init__(self, root: Path, columns: int, rows: int) -> None:
        super().__init__(root)
        self.master, self._slave = pty.openpty()
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.drawn = b""

    async def start(self, *options: str) -> None:
        env = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES")}
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "operator_demo", "ratelimiter", "--agent", "scripted", *options),
            stdin=self._slave,
            stdout=self._slave,
            stderr=self._slave,
            start_new_session=True,
            env={**env, "TERM": "xterm-256color", "OPERATOR_STATE_DIR": str(self.root)},
        )
        os.close(self._slave)
        asyncio.get_running_loop().add_reader(self.master, self._read_terminal)

    def _read_terminal(self) -> None:
        try:
            self.drawn += os.read(self.master, 65536)
        except OSError:  # the application has closed its side
            asyncio.get_running_loop().remove_reader(self.master)

    def press(self, key: str) -> None:
        os.write(self.master, key.encode())

    @property
    def state(self) -> RunState:
        state = RunState()
        for event in self.events():
            state = reduce(state, event)
        return state

    async def comes(self, what: str, *kinds: type[AnyEvent]) -> None:
        await until(lambda: all(self.seen(kind) for kind in kinds), within_s=60, what=what)

    async def ended(self) -> int:
        assert self.process is not None
        async with asyncio.timeout(60):
            return await self.process.wait()


@pytest.fixture(params=[(160, 48), (80, 24)], ids=["160x48", "80x24"])
async def show(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[OnTerminal]:
    show = OnTerminal(tmp_path, *request.param)
    yield show
    if show.process is not None and show.process.returncode is None:
        show.process.kill()
        await show.process.wait()
    asyncio.get_running_loop().remove_reader(show.master)
    os.close(show.master)


async def test_the_whole_show_by_keys(show: OnTerminal) -> None:
    await show.start("--fault", "kill-store")
    await until(lambda: show.state.healthy, within_s=60, what="a healthy cluster")
    for chapter, key in ((1, " "), (2, "\r"), (3, "\x1b[C")):
        show.press(key)
        await until(lambda chapter=chapter: show.state.chapter == chapter, within_s=20, what=f"chapter {chapter + 1}")
    await show.comes("the countdown", CountdownTick)
    await show.comes("the fault", FaultInjected)
    await until(lambda: bool(show.state.incident and show.state.incident.verified), within_s=60, what="the repair")
    for chapter in (4, 5, 6):
        show.press(" ")
        await until(lambda chapter=chapter: show.state.chapter == chapter, within_s=20, what=f"chapter {chapter + 1}")
    show.press("\x1b[D")
    await until(lambda: show.state.chapter == 5, within_s=20, what="a step back")
    assert sum(isinstance(event, FaultInjected) for event in show.events()) == 1
    assert sum(isinstance(event, ChapterEntered) for event in show.events()) == 8
    assert b"verified" in show.drawn
    show.press("q")
    assert await show.ended() == 0
    assert {event.daemon for event in show.events() if isinstance(event, DaemonExited) and event.expected} == {
        "lab",
        "monitor",
        "agent",
    }
    assert show.left_behind() == []


async def test_the_kill_switch_by_key(show: OnTerminal) -> None:
    await show.start("--fault", "hang-node")
    await until(lambda: show.state.mode == "execute", within_s=60, what="the agent")
    show.press("k")
    await until(lambda: show.state.mode == "observe", within_s=20, what="the mode observe")
    show.press("\x03")
    assert await show.ended() == 0
    assert show.left_behind() == []
