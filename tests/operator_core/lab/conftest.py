"""A lab of the toy subject, run as the demo runs it: `operator lab run`, its events read from its output."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import psutil
import pytest

from operator_core.events import Event, LabReady, ServiceChanged, decode
from operator_core.lab.client import LabClient
from operator_core.paths import StateDir
from tests.waiting import until

ROOT = Path(__file__).parents[3]
SUBJECT = "tests.operator_core.toy:SUBJECT"
START_WITHIN_S = 30
E = TypeVar("E", bound=Event)


class RunningLab:
    """The process `operator lab run`, what it said, and a client of it."""

    def __init__(self, process: asyncio.subprocess.Process, state: StateDir) -> None:
        self.process = process
        self.state = state
        self.events: list[Event] = []
        self.errors = ""
        self._reading = [asyncio.create_task(self._read_events()), asyncio.create_task(self._read_errors())]

    @property
    def client(self) -> LabClient:
        return LabClient.open(self.state)

    def said(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    def states(self, name: str) -> list[str]:
        return [event.state for event in self.said(ServiceChanged) if event.name == name]

    async def pid(self, name: str) -> int:
        (pid,) = [row.pid for row in await self.client.ps() if row.name == name]
        assert pid is not None
        return pid

    async def until_ready(self) -> None:
        await until(lambda: self.said(LabReady) or self.process.returncode is not None, START_WITHIN_S, "a ready lab")
        assert self.said(LabReady), self.errors

    async def end(self, number: int = signal.SIGTERM) -> int:
        """Signal it, and give its exit status."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)
        return await self.ended()

    async def ended(self) -> int:
        async with asyncio.timeout(START_WITHIN_S):
            await asyncio.gather(*self._reading)
            return await self.process.wait()

    async def _read_events(self) -> None:
        assert self.process.stdout
        async for line in self.process.stdout:
            self.events.append(decode(line))

    async def _read_errors(self) -> None:
        assert self.process.stderr
        self.errors = (await self.process.stderr.read()).decode()


class Labs:
    """Starts labs in one state folder, and knows every process that is left of them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.state = StateDir.of("toy", root)
        self._started: list[RunningLab] = []

    async def begin(self, *arguments: str) -> RunningLab:
        """As it is being started."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "operator_core.cli", "lab", "run", "--output", "jsonl"),
            *("--subject", SUBJECT, "--state-dir", str(self.root), "--seed", "1", *arguments),
            cwd=ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "ANTHROPIC_API_KEY": "secret"},
        )
        lab = RunningLab(process, self.state)
        self._started.append(lab)
        return lab

    async def start(self, *arguments: str) -> RunningLab:
        lab = await self.begin(*arguments)
        await lab.until_ready()
        return lab

    def left(self) -> list[str]:
        """Processes that live on the state folder, but for the labs themselves: their command lines."""
        servers = {lab.process.pid for lab in self._started if lab.process.returncode is None}
        return [" ".join(each.cmdline()) for each in self.processes() if each.pid not in servers]

    def processes(self) -> list[psutil.Process]:
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.environ().get("OPERATOR_STATE_DIR") == str(self.root):
                    found.append(process)
        return found

    async def aclose(self) -> None:
        for lab in self._started:
            if lab.process.returncode is None:
                await lab.end()
        for process in self.processes():
            process.kill()


@pytest.fixture
async def labs(tmp_path: Path) -> AsyncIterator[Labs]:
    labs = Labs(tmp_path)
    try:
        yield labs
    finally:
        await labs.aclose()


@pytest.fixture
async def lab(labs: Labs) -> RunningLab:
    return await labs.start()


@pytest.fixture
def cli(tmp_path: Path) -> Callable[..., Awaitable[tuple[int, str, str]]]:
    """`await cli("lab", "ps")` gives exit status, standard output and standard error of the `operator` command."""

    async def call(*arguments: str, **env: str) -> tuple[int, str, str]:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "operator_core.cli", *arguments),
            cwd=ROOT,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "OPERATOR_SUBJECT": SUBJECT, "OPERATOR_STATE_DIR": str(tmp_path), **env},
        )
        async with asyncio.timeout(60):
            out, err = await process.communicate()
        assert process.returncode is not None
        return process.returncode, out.decode(), err.decode()

    return call
