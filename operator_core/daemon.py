"""The frame of a daemon: it runs one coroutine, says what happens on standard output, and ends cleanly.

It ends when the coroutine returns, on SIGTERM, SIGINT or SIGHUP, when nobody reads its output any more, and, if asked
to die with its parent, when standard input comes to its end. All of these but the first cancel the coroutine, once:
what it holds is released by its own `finally` and `async with`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import stat
import sys
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import msgspec

from operator_core.errors import UserError
from operator_core.events import Event
from operator_core.output import Output, emitter
from operator_core.paths import StateDir
from operator_core.processes import Identity, identify, write_atomically

SOCKET_PATH_LIMIT = 100
"""What a unix socket's path may measure on every system that we run on."""


class DaemonRecord(msgspec.Struct, frozen=True):
    """A running daemon on disk (StateDir.daemons/NAME.json), so that one left behind can be found. `parent` is the
    process that it dies with, None if it was started to stay."""

    name: str
    process: Identity
    parent: Identity | None


class Daemon:
    """What the coroutine of a daemon is given."""

    def __init__(self, output: Output) -> None:
        self._write = emitter(output)
        self._deaf = False
        self._task: asyncio.Task[int] | None = None
        self.reason = ""
        """Why it is ending ("SIGTERM", "its parent ended"); empty while it runs."""

    def emit(self, event: Event) -> None:
        """Say it on standard output. Once nobody listens, the daemon ends and this does nothing."""
        if self._deaf:
            return
        try:
            self._write(event)
        except BrokenPipeError:
            self._deaf = True
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            self.end("nobody reads its output")

    def end(self, reason: str) -> None:
        """Cancel the coroutine. Only the first call counts, so a clean-up is never cut short by a second."""
        if not self.reason:
            self.reason = reason
            if self._task is not None:
                self._task.cancel()

    async def _run(self, main: Callable[[Daemon], Coroutine[Any, Any, int]], die_with_parent: bool) -> int:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, self.end, number.name)
        if die_with_parent:
            await self._watch_standard_input()
        self._task = asyncio.create_task(main(self))
        try:
            return await self._task
        except asyncio.CancelledError:
            if self.reason:
                return 0
            raise

    async def _watch_standard_input(self) -> None:
        mode = os.fstat(sys.stdin.fileno()).st_mode
        if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
            raise UserError("--die-with-parent needs a pipe from the parent as standard input.")
        await asyncio.get_running_loop().connect_read_pipe(lambda: _UntilEnd(self), sys.stdin)


class _UntilEnd(asyncio.Protocol):
    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon

    def connection_lost(self, exc: Exception | None) -> None:
        self._daemon.end("its parent ended")


def run(
    name: str,
    state: StateDir,
    main: Callable[[Daemon], Coroutine[Any, Any, int]],
    *,
    output: Output,
    die_with_parent: bool,
) -> int:
    """Run `main(daemon)` to its end and give the exit status: its own, or 0 where it was told to end."""
    daemon = Daemon(output)
    with _recorded(name, state, die_with_parent):
        return asyncio.run(daemon._run(main, die_with_parent))


@contextlib.contextmanager
def _recorded(name: str, state: StateDir, die_with_parent: bool) -> Iterator[None]:
    me = identify(os.getpid())
    assert me is not None
    record = DaemonRecord(name, me, identify(os.getppid()) if die_with_parent else None)
    path = state.daemons / f"{name}.json"
    write_atomically(path, msgspec.json.encode(record))
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def socket_folder() -> Iterator[Path]:
    """A new folder, ours alone, whose path is short enough for a unix socket; gone after the block."""
    base = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    if len(base) + len("/operator-xxxxxxxx/control") > SOCKET_PATH_LIMIT or not os.access(base, os.W_OK):
        base = "/tmp"
    with tempfile.TemporaryDirectory(prefix="operator-", dir=base, ignore_cleanup_errors=True) as folder:
        yield Path(folder)
