import asyncio
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from operator_core.db import Database, DatabaseError
from operator_core.db.database import APPLICATION_ID, VERSION


def _files(folder: Path) -> dict[str, bytes]:
    """What the files hold; SQLite may leave its index of shared memory and an empty log behind."""
    held = {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.endswith("-shm")}
    return {name: content for name, content in held.items() if content or not name.endswith("-wal")}


async def _make(path: Path) -> None:
    async with await Database.open(path) as db, db.transaction() as tx:
        for number in range(200):
            await tx.execute(
                "INSERT INTO tickets (subject, invariant, target, summary, state, opened_at, changed_at)"
                " VALUES ('s', 'i', ?, ?, 'open', '', '')",
                (str(number), "x" * 500),
            )


async def test_a_new_database_is_complete_and_private(tmp_path: Path) -> None:
    path = tmp_path / "operator.db"
    async with await Database.open(path) as db:
        (mode,) = await db.rows("PRAGMA journal_mode")
        (synchronous,) = await db.rows("PRAGMA synchronous")
        (foreign_keys,) = await db.rows("PRAGMA foreign_keys")
    assert (mode[0], synchronous[0], foreign_keys[0]) == ("wal", 2, 1)
    assert [entry.name for entry in tmp_path.iterdir()] == ["operator.db"], "no draft is left behind"
    assert path.stat().st_mode & 0o077 == 0


async def test_many_at_once_make_one_database(tmp_path: Path) -> None:
    path = tmp_path / "operator.db"
    opened = await asyncio.gather(*(Database.open(path) for _ in range(8)))
    for number, db in enumerate(opened):
        async with db.transaction() as tx:
            await tx.execute(
                "INSERT INTO tickets (subject, invariant, target, summary, state, opened_at, changed_at)"
                " VALUES ('s', 'i', ?, '', 'open', '', '')",
                (str(number),),
            )
    assert [tuple(row) for row in await opened[0].rows("SELECT count(*) FROM tickets")] == [(8,)]
    for db in opened:
        await db.aclose()


def _newer(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version={VERSION + 1}")
    connection.close()


def _foreign(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE songs (title TEXT)")
    connection.close()


def _scribble(path: Path, offset: int, length: int) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(b"\xa5" * length)


DAMAGE: dict[str, tuple[Callable[[Path], None], str]] = {
    "newer": (_newer, f"has version {VERSION + 1}"),
    "of another program": (_foreign, "was not made by Operator"),
    "not a database": (lambda path: path.write_bytes(b"Dear diary,\n" * 1000), "is not a database"),
    "empty": (lambda path: path.write_bytes(b""), "is empty"),
    "beginning overwritten": (lambda path: _scribble(path, 0, 100), "is not a database"),
    "middle overwritten": (lambda path: _scribble(path, path.stat().st_size // 2, 8192), "is damaged"),
    "cut": (lambda path: os.truncate(path, path.stat().st_size // 2), "is damaged"),
}


@pytest.mark.parametrize("case", DAMAGE)
async def test_what_cannot_be_used_is_left_as_it_is(case: str, tmp_path: Path) -> None:
    path = tmp_path / "operator.db"
    await _make(path)
    spoil, says = DAMAGE[case]
    spoil(path)
    before = _files(tmp_path)
    with pytest.raises(DatabaseError, match=says) as caught:
        await Database.open(path)
    assert "\n" not in str(caught.value) and str(path) in str(caught.value)
    assert _files(tmp_path) == before


def _head(path: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "operator_core.cli", "audit", "head", "--db", str(path)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize("case", ["newer", "of another program", "middle overwritten"])
async def test_the_command_refuses_it_with_one_sentence(case: str, tmp_path: Path) -> None:
    path = tmp_path / "operator.db"
    await _make(path)
    spoil, says = DAMAGE[case]
    spoil(path)
    before = _files(tmp_path)
    ended = await asyncio.to_thread(_head, path)
    assert ended.returncode == 2 and ended.stdout == ""
    assert says in ended.stderr and ended.stderr.count("\n") == 1
    assert _files(tmp_path) == before


async def test_a_file_that_vanished_takes_no_writes(tmp_path: Path) -> None:
    path = tmp_path / "operator.db"
    async with await Database.open(path) as db:
        path.rename(tmp_path / "elsewhere.db")
        with pytest.raises(DatabaseError, match="There is no database"):
            async with db.transaction():
                pytest.fail("a transaction began on a file that is gone")
        async with await Database.open(path):
            with pytest.raises(DatabaseError, match="was replaced"):
                await db.rows("SELECT 1")


async def test_without_create_nothing_is_made(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="There is no database"):
        await Database.open(tmp_path / "operator.db", create=False)
    assert list(tmp_path.iterdir()) == []


async def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="There is no folder"):
        await Database.open(tmp_path / "no" / "operator.db")
    with pytest.raises(DatabaseError, match="Is a directory"):
        await Database.open(tmp_path)


async def test_a_lock_that_lasts_is_said(tmp_path: Path) -> None:
    path = tmp_path / "operator.db"
    async with await Database.open(path, busy_s=0.05) as db:
        with sqlite3.connect(path, isolation_level=None) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(DatabaseError, match="is locked"):
                async with db.transaction():
                    pytest.fail("two writers at once")
            other.execute("ROLLBACK")
        other.close()
        async with db.transaction() as tx:
            await tx.execute("PRAGMA user_version")


async def test_a_transaction_that_is_cancelled_leaves_nothing(tmp_path: Path) -> None:
    async with await Database.open(tmp_path / "operator.db") as db:
        inside = asyncio.Event()

        async def write() -> None:
            async with db.transaction() as tx:
                await tx.execute(
                    "INSERT INTO tickets (subject, invariant, target, summary, state, opened_at, changed_at)"
                    " VALUES ('s', 'i', 't', '', 'open', '', '')"
                )
                inside.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(write())
        await inside.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await db.rows("SELECT * FROM tickets") == []


def test_the_application_id_spells_its_name() -> None:
    assert APPLICATION_ID.to_bytes(4, "big") == b"OPTR"
