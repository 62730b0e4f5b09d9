"""The logs of services: files that they append to, kept from growing without bound."""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

LARGEST = 8 * 1024 * 1024
KEPT = 1024 * 1024
LOOK_EVERY_S = 5.0
FOLLOW_EVERY_S = 0.2


def set_aside(log: Path) -> None:
    """Begin a new log; the one of the run before stays as NAME.log.1."""
    with contextlib.suppress(FileNotFoundError):
        log.replace(log.with_name(f"{log.name}.1"))


def last_lines(log: Path, count: int) -> list[str]:
    """The end of a log; empty if there is none."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - KEPT))
            lines = file.read().decode(errors="replace").splitlines()
    except FileNotFoundError:
        return []
    return lines[-count:] if count else []


def following(log: Path, position: int) -> Iterator[str]:
    """What is appended after `position`, as it comes, for ever; from the beginning where the log was cut or is new."""
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    while True:
        size = log.stat().st_size if log.exists() else 0
        if size < position:
            position = 0
        if size > position:
            with log.open("rb") as file:
                file.seek(position)
                piece = file.read(KEPT)
            position += len(piece)
            yield decoder.decode(piece)
        else:
            time.sleep(FOLLOW_EVERY_S)


async def keep_small(logs: list[Path]) -> None:
    """Cut each log to its end, KEPT bytes, when it has become larger than LARGEST; for ever."""
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        for log in logs:
            with contextlib.suppress(FileNotFoundError):
                if log.stat().st_size > LARGEST:
                    cut(log)


def cut(log: Path) -> None:
    """Keep the end. Whoever writes goes on appending to the same file; a line written in this moment may be lost."""
    with log.open("rb") as file:
        file.seek(-KEPT, os.SEEK_END)
        file.readline()
        end = file.read()
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND)
    try:
        os.ftruncate(descriptor, 0)
        os.write(descriptor, end)
    finally:
        os.close(descriptor)
