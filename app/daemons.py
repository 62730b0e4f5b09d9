"""The demo's own processes: started as subprocesses, their event lines read, their end noticed and said."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence

import msgspec

from operator_core.events import AnyEvent, DaemonExited, DaemonName, DaemonStarted, Logged, decode

LINE_LIMIT = 16 * 1024 * 1024
STOP_GRACE_S = 15.0
"""How long a daemon may take to clean up before it is killed; the lab heals faults and stops services in it."""

Emit = Callable[[AnyEvent], None]


class Daemon:
    """One `operator ...` command that runs for as long as the demo does.

    It leads a session of its own, so that a Ctrl-C at the terminal reaches the demo alone, and it ends by itself when
    its standard input closes, so that it cannot outlive the demo however that ends.
    """

    def __init__(self, name: DaemonName, arguments: Sequence[str], env: Mapping[str, str], emit: Emit) -> None:
        self.name = name
        self._arguments = arguments
        self._env = env
        self._emit = emit
        self._process: asyncio.subprocess.Process | None = None
        self._watch: asyncio.Task[None] | None = None
        self._asked_to_stop = False
        self.last_words = ""
        """The last line on its standard error."""

    @property
    def running(self) -> bool:
        return self._watch is not None and not self._watch.done()

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "operator_core.cli",
            *self._arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=dict(self._env),
            limit=LINE_LIMIT,
            start_new_session=True,
        )
        self._emit(DaemonStarted(daemon=self.name, pid=self._process.pid))
        self._watch = asyncio.create_task(self._follow(self._process), name=f"follow {self.name}")

    async def ended(self) -> None:
        """Wait until it has ended, for whatever reason."""
        if self._watch is not None:
            await asyncio.shield(self._watch)

    async def stop(self) -> None:
        """Ask it to end, then end it. Comes back when it is gone and every line it wrote has been read."""
        if self._process is None or self._watch is None:
            return
        self._asked_to_stop = True
        assert self._process.stdin is not None
        self._process.stdin.close()
        for number in (signal.SIGTERM, signal.SIGKILL):
            done, _ = await asyncio.wait({self._watch}, timeout=STOP_GRACE_S)
            if done:
                break
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)
        await self._watch

    async def _follow(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None and process.stderr is not None
        await asyncio.gather(self._read_events(process.stdout), self._read_errors(process.stderr))
        status = await process.wait()
        self._emit(DaemonExited(daemon=self.name, status=status, expected=self._asked_to_stop))

    async def _read_events(self, stream: asyncio.StreamReader) -> None:
        async for line in stream:
            try:
                event = decode(line)
            except msgspec.DecodeError:
                text = line.decode(errors="replace").strip()[:500]
                event = Logged(source=self.name, level="warning", message=f"not an event: {text}")
            self._emit(event)

    async def _read_errors(self, stream: asyncio.StreamReader) -> None:
        async for line in stream:
            if text := line.decode(errors="replace").strip():
                self.last_words = text
                self._emit(Logged(source=self.name, level="warning", message=text))
