"""One at a time: a lock on a state folder that its holder's death releases, whatever the death was."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from operator_core.errors import UserError


@contextlib.contextmanager
def only_one(path: Path, sentence: str) -> Iterator[None]:
    """Hold the lock file `path` while the block runs. Where another process holds it, raise `UserError` with
    `sentence`, in which `{pid}` is that process: "A demo already runs here (pid {pid}); leave it with q first." """
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UserError(sentence.format(pid=_pid_in(path) or "unknown")) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)


def holder(path: Path) -> int | None:
    """The pid of the process that holds the lock, None if nobody does. 0 if it has not written its pid yet."""
    try:
        file = path.open("r")
    except FileNotFoundError:
        return None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _pid_in(path)
    return None


def _pid_in(path: Path) -> int:
    text = path.read_text().strip()
    return int(text) if text.isdigit() else 0
