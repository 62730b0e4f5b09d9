"""`operator tickets`, as it is called."""

import asyncio
import getpass
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from operator_core.cli import main
from operator_core.db import Database
from operator_core.tickets import Tickets

Run = Callable[..., tuple[int, str, str]]
SUBJECT = "tests.operator_core.monitor.filesubject:SUBJECT"


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return tmp_path / "operator.db"


@pytest.fixture
def run(db: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["tickets", *arguments, "--subject", SUBJECT, "--db", str(db)])
        output = capsys.readouterr()
        return int(ended.value.code or 0), output.out, output.err

    return run


async def _fill(db: Path) -> None:
    async with await Database.open(db) as database:
        tickets = Tickets(database, "file")
        await tickets.open_or_touch("node_down", "node-1", "node-1 does not answer \x1b[2J")
        await tickets.open_or_touch("node_down", "node-2", "node-2 does not answer")
        await tickets.resolve(2, "monitor", "held for 2 s")


def _filled(db: Path) -> None:
    asyncio.run(_fill(db))


def test_list_shows_what_is_live(db: Path, run: Run) -> None:
    _filled(db)
    status, out, _ = run("list")
    assert status == 0 and "node-1" in out and "node-2" not in out
    assert "\x1b" not in out and "\\x1b[2J" in out, "nothing from elsewhere steers the terminal"
    assert "node-2" in run("list", "--all")[1]
    assert [ticket["target"] for ticket in json.loads(run("list", "--state", "resolved", "--output", "json")[1])] == [
        "node-2"
    ]


def test_show_tells_the_history(db: Path, run: Run) -> None:
    _filled(db)
    _, out, _ = run("show", "2")
    assert "node_down node-2, resolved" in out and "held for 2 s" in out and "monitor" in out
    shown = json.loads(run("show", "2", "--output", "json")[1])
    assert [event["state"] for event in shown["history"]] == ["open", "resolved"]


def test_a_person_acts_under_a_name(db: Path, run: Run) -> None:
    _filled(db)
    assert run("hold", "1", "--note", "mine")[:2] == (0, "Ticket 1 is held.\n")
    assert run("unhold", "1")[0] == 0
    assert run("resolve", "1", "--note", "planned work")[0] == 0
    history = json.loads(run("show", "1", "--output", "json")[1])["history"]
    assert [(event["state"], event["actor"]) for event in history[1:]] == [
        (state, getpass.getuser()) for state in ("held", "open", "resolved")
    ]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("show", "9"), "There is no ticket 9."),
        (("hold", "2"), "Ticket 2 is resolved already."),
        (("unhold", "1"), "Ticket 1 is open, not held."),
        (("list", "--state", "odd"), "odd"),
        (("show", "one"), "NUMBER"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(db: Path, run: Run, arguments: tuple[str, ...], says: str) -> None:
    _filled(db)
    status, out, err = run(*arguments)
    assert (status, out) == (2, "") and says in err and err.count("\n") == 1


def test_without_a_database(run: Run) -> None:
    status, _, err = run("list")
    assert status == 2 and "There is no database" in err
