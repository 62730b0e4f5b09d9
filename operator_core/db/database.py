"""Opening the database, and short transactions on it.

A file that is not ours, is of a newer version, or is damaged is looked at read-only and left as it is. A new database
is made complete under another name and then linked into place, so that nobody ever sees half of one.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import aiosqlite

from operator_core.errors import UserError

APPLICATION_ID = int.from_bytes(b"OPTR", "big")
VERSION = 1
BUSY_S = 5.0
"""How long a lock of another process is waited for."""
CHECK_UP_TO_BYTES = 64 * 1024 * 1024
"""A file up to this size is checked throughout before it is used; a larger one when its pages are read."""

_SCHEMA = Path(__file__).with_name("schema.sql")


class DatabaseError(UserError):
    """The database cannot be used, now or for good: locked, gone, full, damaged. A daemon may try again."""


def stamp(at: datetime) -> str:
    """A time as the database keeps it: UTC, of one width, so that texts compare as the times do."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


class Database:
    """One connection. Writes are in WAL mode with `synchronous=FULL`: what is committed is on disk, whatever dies.

    Coroutines share it: transactions and reads run one after another.
    """

    def __init__(self, path: Path, connection: aiosqlite.Connection, identity: tuple[int, int]) -> None:
        self.path = path
        self._connection = connection
        self._identity = identity
        self._lock = asyncio.Lock()

    @classmethod
    async def open(cls, path: Path, *, create: bool = True, busy_s: float = BUSY_S) -> Self:
        """Open the file, made first if there is none and `create`. `DatabaseError` says in a sentence why not.
        `busy_s`: how long each use waits for other processes."""
        path = path.expanduser().absolute()
        with _errors(path):
            identity = await asyncio.to_thread(_prepare, path, create, busy_s)
            connection = await aiosqlite.connect(f"{_uri(path)}?mode=rw", uri=True, isolation_level=None)
            try:
                connection.row_factory = sqlite3.Row
                for pragma in (f"busy_timeout={busy_s * 1000:.0f}", "foreign_keys=ON", "synchronous=FULL"):
                    await connection.execute(f"PRAGMA {pragma}")
            except BaseException:
                await connection.close()
                raise
        return cls(path, connection, identity)

    async def aclose(self) -> None:
        await self._connection.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[aiosqlite.Connection]:
        """Write: all of the block or nothing, on disk when it is left. `DatabaseError` if it could not be."""
        async with self._lock:
            with _errors(self.path):
                self._same_file()
                try:
                    await self._connection.execute("BEGIN IMMEDIATE")
                    yield self._connection
                    await self._connection.execute("COMMIT")
                except BaseException:
                    await self._connection.rollback()
                    raise

    async def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[sqlite3.Row]:
        async with self._lock:
            with _errors(self.path):
                self._same_file()
                return list(await self._connection.execute_fetchall(sql, parameters))

    def _same_file(self) -> None:
        """A file that was removed would still take writes, and lose them."""
        found = self.path.stat()
        if (found.st_dev, found.st_ino) != self._identity:
            raise DatabaseError(f"The database {self.path} was replaced by another file while it was in use.")


def _prepare(path: Path, create: bool, busy_s: float) -> tuple[int, int]:
    """Make the file or look at it without changing it; gives its device and inode."""
    if create and not path.exists():
        _create(path)
    found = path.stat()
    with path.open("rb") as file:
        header = file.read(100)
    if header[:16] != b"SQLite format 3\0":
        what = "is not a database, or its beginning is damaged" if header else "is empty"
        raise DatabaseError(f"The file {path} {what}; move it away, or choose another with --db.")
    _check_kind(path, int.from_bytes(header[68:72], "big"), int.from_bytes(header[60:64], "big"))
    with contextlib.closing(sqlite3.connect(f"{_uri(path)}?mode=ro", uri=True, timeout=busy_s)) as connection:
        # Once more: what was written last may not be in the main file yet.
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        _check_kind(path, application, version)
        if found.st_size <= CHECK_UP_TO_BYTES:
            (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            if verdict != "ok":
                raise sqlite3.DatabaseError(verdict.splitlines()[-1])
    return found.st_dev, found.st_ino


def _check_kind(path: Path, application: int, version: int) -> None:
    if application != APPLICATION_ID:
        raise DatabaseError(f"The database {path} was not made by Operator; choose another with --db.")
    if version > VERSION:
        raise DatabaseError(
            f"The database {path} has version {version}, and this Operator knows versions up to {VERSION}; "
            "use a newer Operator, or choose another file with --db."
        )


def _create(path: Path) -> None:
    if not path.parent.is_dir():
        raise DatabaseError(
            f"There is no folder {path.parent} for the database; make it, or choose another file with --db."
        )
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(handle)
    try:
        with contextlib.closing(sqlite3.connect(name, isolation_level=None)) as connection:
            connection.executescript(
                f"BEGIN; PRAGMA application_id={APPLICATION_ID}; PRAGMA user_version={VERSION};"
                f"{_SCHEMA.read_text(encoding='utf-8')} COMMIT;"
            )
            connection.execute("PRAGMA journal_mode=WAL")
        with contextlib.suppress(FileExistsError):  # another process was faster, with the same schema
            os.link(name, path)
    finally:
        Path(name).unlink(missing_ok=True)


def _uri(path: Path) -> str:
    return f"file:{quote(str(path))}"


@contextlib.contextmanager
def _errors(path: Path) -> Iterator[None]:
    """What SQLite and the file system raise, as a sentence."""
    try:
        yield
    except FileNotFoundError as error:
        raise DatabaseError(
            f"There is no database {path}: nothing ran here yet, or it was moved; choose another with --db."
        ) from error
    except OSError as error:
        raise DatabaseError(f"The database {path} cannot be used: {error.strerror or error}.") from error
    except sqlite3.IntegrityError:
        raise  # a rule of the schema, so a mistake of the caller
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise DatabaseError(f"The database {path} is locked by another process; try again.") from error
        raise DatabaseError(f"The database {path} cannot be used: {error}.") from error
    except sqlite3.DatabaseError as error:
        raise DatabaseError(
            f"The database {path} is damaged ({error}); it is left as it is: move it away, or choose another with --db."
        ) from error
