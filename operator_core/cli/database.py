"""What the commands that read the database share: the option, the connection, who is asking, and plain tables."""

from __future__ import annotations

import asyncio
import getpass
import unicodedata
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec
import typer

from operator_core.cli.options import state_of
from operator_core.db import Database
from operator_core.tickets import AGENT, MONITOR

DatabaseOption = Annotated[
    Path | None,
    typer.Option("--db", envvar="OPERATOR_DB", metavar="FILE", help="The database, if not the state folder's."),
]
Format = Literal["text", "json"]
FormatOption = Annotated[Format, typer.Option("--output", help="Readable text, or JSON.", show_choices=True)]

T = TypeVar("T")


def with_database(
    subject: str | None, state_dir: Path | None, db: Path | None, work: Callable[[Database], Awaitable[T]]
) -> T:
    """Run `work` on the database that the options mean. `DatabaseError` where there is none."""
    path = db or state_of(subject, state_dir).database

    async def run() -> T:
        async with await Database.open(path, create=False) as database:
            return await work(database)

    return asyncio.run(run())


def person() -> str:
    """Who runs this command, told apart from the daemons."""
    name = getpass.getuser()
    return f"user {name}" if name in (MONITOR, AGENT) else name


def local(at: datetime) -> str:
    return f"{at.astimezone():%Y-%m-%d %H:%M:%S}"


def echo_json(value: Any) -> None:
    typer.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def echo_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Columns as wide as what they hold; the last one is not padded, nor cut."""
    cells = [[one_line(cell) for cell in row] for row in (header, *rows)]
    widths = [max(map(len, column)) for column in list(zip(*cells, strict=True))[:-1]] + [0]
    for row in cells:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def one_line(text: str) -> str:
    return " ".join(harmless(text).split())


def harmless(text: str) -> str:
    """The text without what would steer a terminal: control characters but line ends and tabs are shown escaped."""
    return "".join(
        char if char in "\n\t" or unicodedata.category(char) not in ("Cc", "Cf", "Cs") else f"\\x{ord(char):02x}"
        for char in text
    )
