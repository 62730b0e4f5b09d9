"""Clearing up after a demo that crashed: its processes, its faults, its state."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sqlite3
import time
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from operator_core.daemon import DaemonRecord
from operator_core.errors import UserError
from operator_core.lab.server import forget_last_lab
from operator_core.lock import holder
from operator_core.paths import StateDir
from operator_core.processes import alive

END_WITHIN_S = 10.0
LOOK_EVERY_S = 0.05


def reset(state: StateDir, *, keep_audit: bool) -> list[str]:
    """End what is left of a demo, and clear its state; gives what was done, as sentences. `UserError`, and nothing
    is touched, while a demo or a daemon runs that was not left behind."""
    demo_lock = state.root / "demo.lock"
    if (pid := holder(demo_lock)) is not None:
        raise UserError(f"A demo is running in {state.root} (pid {pid}); leave it with q, then reset.")
    daemons = [_read(file) for file in sorted(state.daemons.glob("*.json"))]
    running = [daemon for daemon in daemons if alive(daemon.process)]
    for daemon in running:
        if daemon.parent is None or alive(daemon.parent):
            end = "operator lab down" if daemon.name == "lab" else f"kill {daemon.process.pid}"
            raise UserError(f"The {daemon.name} daemon is running (pid {daemon.process.pid}); end it first with: {end}")
    done = [_end(daemon) for daemon in running]
    done += [f"Ended {name}, which a lab had left running." for name in forget_last_lab(state)]
    faults = len(list(state.faults.glob("*.json")))
    if faults:
        done.append(f"Forgot {faults} injected fault{'s' if faults > 1 else ''}, together with what they had broken.")
    if aside := _set_aside_if_damaged(state.database):
        done.append(f"The database is damaged; it is kept as {aside}.")
    kept = () if keep_audit else (state.outputs, *_database_files(state.database))
    for path in (state.lab, state.logs, state.daemons, state.root / "agent.json", demo_lock, *kept):
        _remove(path)
    done.append(f"Cleared {state.root}{', but for the audit' if keep_audit else ''}.")
    return done


def _read(file: Path) -> DaemonRecord:
    try:
        return msgspec.json.decode(file.read_bytes(), type=DaemonRecord)
    except msgspec.DecodeError as error:
        raise UserError(
            f"{file} is damaged ({error}); look for a daemon that still runs, and remove the file."
        ) from error


def _end(daemon: DaemonRecord) -> str:
    """SIGTERM, and SIGKILL to what does not heed it. Its parent has died, and it should have ended by itself."""
    pid = daemon.process.pid
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
        os.kill(pid, signal.SIGCONT)
    deadline = time.monotonic() + END_WITHIN_S
    while alive(daemon.process):
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
        time.sleep(LOOK_EVERY_S)
    return f"Ended the {daemon.name} daemon (pid {pid})."


def _database_files(database: Path) -> tuple[Path, ...]:
    return tuple(database.with_name(database.name + suffix) for suffix in ("", "-wal", "-shm"))


def _set_aside_if_damaged(database: Path) -> Path | None:
    if not database.exists() or _sound(database):
        return None
    name = f"{database.name}.damaged-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    for file in _database_files(database):
        if file.exists():
            file.rename(file.with_name(file.name.replace(database.name, name, 1)))
    return database.with_name(name)


def _sound(database: Path) -> bool:
    try:
        with contextlib.closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
            return bool(connection.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok")
    except sqlite3.DatabaseError:
        return False


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
