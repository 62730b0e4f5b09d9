"""Which processes are the lab's: a record of each on disk, so that those of a lab that crashed can be ended."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

import msgspec
import psutil

from operator_core.lab.environment import RUN
from operator_core.processes import Identity, alive, identify, write_atomically


class ProcessRecord(msgspec.Struct, frozen=True):
    """StateDir.processes/NAME.json: the leader of a process group, and the run of the lab that started it."""

    name: str
    process: Identity
    argv: list[str]
    run: str


def record(folder: Path, name: str, pid: int, argv: list[str], run: str) -> Path | None:
    """Write it down; None where the process has ended already."""
    process = identify(pid)
    if process is None:
        return None
    path = folder / f"{name}.json"
    write_atomically(path, msgspec.json.encode(ProcessRecord(name, process, argv, run)))
    return path


def reap(folder: Path) -> list[str]:
    """Kill every process that is on record and all that belongs to the same runs, and drop the records; gives their
    names. A process that merely has a recorded pid by now, but started at another time, is left alone."""
    ended: list[str] = []
    runs: set[str] = set()
    for path in sorted(folder.glob("*.json")):
        with contextlib.suppress(msgspec.DecodeError):  # cut short by a power failure: its run is on the other records
            found = msgspec.json.decode(path.read_bytes(), type=ProcessRecord)
            runs.add(found.run)
            if alive(found.process):
                kill_group(found.process.pid)
                ended.append(found.name)
        path.unlink()
    return ended + sweep(runs)


def sweep(runs: set[str]) -> list[str]:
    """Kill what bears the mark of these runs in its environment, whoever its parent is; gives the names."""
    ended: list[str] = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):  # gone meanwhile, or another user's
            if process.pid != os.getpid() and process.environ().get(RUN) in runs:
                ended.append(process.name())
                process.kill()
    return ended


def kill_group(pid: int, number: int = signal.SIGKILL) -> None:
    """Signal the process group that `pid` leads, if any of it is left."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, number)
