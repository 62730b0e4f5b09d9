"""Starting a process that does not outlive the lab."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

PR_SET_PDEATHSIG = 1


async def spawn(argv: Sequence[str], *, env: Mapping[str, str], cwd: Path, stdout: int, stderr: int) -> Process:
    """Start `argv` as the leader of a session and process group of its own. On Linux the kernel kills it when the lab
    dies, however that comes. `OSError` where it cannot be started."""
    return await asyncio.create_subprocess_exec(
        *argv,
        stdin=DEVNULL,
        stdout=stdout,
        stderr=stderr,
        env=dict(env),
        cwd=cwd,
        start_new_session=True,
        preexec_fn=_die_with(os.getpid()) if sys.platform == "linux" else None,
    )


def _die_with(parent: int) -> Callable[[], None]:
    libc = ctypes.CDLL(None, use_errno=True)  # opened before the fork: the child must not take the loader's locks

    def in_child() -> None:
        libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL))
        if os.getppid() != parent:  # it died before the kernel knew
            os._exit(1)

    return in_child


def how_it_ended(returncode: int) -> str:
    """ "exit status 1", or "killed by SIGKILL"."""
    if returncode >= 0:
        return f"exit status {returncode}"
    try:
        return f"killed by {signal.Signals(-returncode).name}"
    except ValueError:  # a real-time signal has no name
        return f"killed by signal {-returncode}"
