"""Which process is meant: a pid alone may be another's by now, a pid with its start time is not."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import msgspec
import psutil

CLOCK_STEP_S = 1.0
"""The start time is reckoned from the boot time, which moves a little when the clock is set."""


class Identity(msgspec.Struct, frozen=True):
    """A process by its pid and its start time (seconds since the epoch, as psutil's `create_time` gives it)."""

    pid: int
    started: float


def identify(pid: int) -> Identity | None:
    """The process that has this pid now; None if there is none, or nothing of it but its exit status."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return Identity(pid, process.create_time())
    except psutil.NoSuchProcess:
        return None


def alive(identity: Identity) -> bool:
    """Whether this very process still runs."""
    found = identify(identity.pid)
    return found is not None and abs(found.started - identity.started) < CLOCK_STEP_S


def write_atomically(path: Path, data: bytes, *, durable: bool = False) -> None:
    """Replace the file in one step; `durable` makes it outlive a power cut."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("wb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            draft.unlink()
        raise
    if durable:
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
