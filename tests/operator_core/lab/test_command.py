"""`operator lab` and `operator reset` as people call them."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import psutil
import pytest

from operator_core.daemon import DaemonRecord
from operator_core.errors import UserError
from operator_core.lock import holder, only_one
from operator_core.processes import Identity, identify
from tests.operator_core.lab.conftest import Labs
from tests.waiting import until

Cli = Callable[..., Awaitable[tuple[int, str, str]]]


async def test_up_and_down_and_what_is_between(labs: Labs, cli: Cli) -> None:
    assert await cli("lab", "ps") == (
        2,
        "",
        f"No lab is running in {labs.state.root}; start one with: operator lab up\n",
    )
    status, out, _ = await cli("lab", "up")
    assert status == 0
    assert "lab: stove up, by lab\n" in out
    assert out.splitlines()[-1].startswith("lab: ready after ")
    try:
        status, out, _ = await cli("lab", "up")
        assert (status, "runs here already (pid" in out) == (0, True)
        status, out, _ = await cli("lab", "ps")
        header, first, *_ = out.splitlines()
        assert header.split("  ")[0] == "NAME"
        assert " ".join(header.split()) == "NAME ROLE STATE PID UPTIME ADDRESSES TITLE LAST EXIT"
        name, role, state, pid, _, address = first.split()[:6]
        assert (name, role, state) == ("kettle-1", "kettle", "up")
        assert psutil.pid_exists(int(pid))
        assert address.startswith("http=127.0.0.1:")
        status, out, _ = await cli("lab", "stop", "kettle-1", "kettle-2")
        assert (status, out) == (0, "kettle-1 is stopped.\nkettle-2 is stopped.\n")
        assert "stopped  -" in (await cli("lab", "ps"))[1]
        assert (await cli("lab", "start", "kettle-1"))[1] == "kettle-1 is up.\n"
        assert (await cli("lab", "start", "kettle-2"))[1] == "kettle-2 is up.\n"
        assert (await cli("lab", "logs", "kettle-1", "-n", "1"))[1] == "boiling\n"
        assert await cli("lab", "exec", "echo out; echo err >&2; exit 7") == (7, "out\n", "err\n")
        assert await cli("lab", "exec", "--", "echo", "a  b") == (0, "a  b\n", "")
        assert (await cli("lab", "exec", "--limit", "0.2", "sleep 600"))[0] == 124
        assert "kill\n    A kettle goes wrong." in (await cli("lab", "inject", "--list"))[1]
        status, out, _ = await cli("lab", "inject", "pause")
        target = out.split()[0]
        assert out == f"{target} suffers pause.\n"
        assert (await cli("lab", "heal"))[1] == f"Undone: pause on {target}.\n"
        assert (await cli("lab", "heal"))[1] == "No fault is injected.\n"
        status, _, err = await cli("lab", "heal", OPERATOR_ACTOR="agent")
        assert (status, "is for people" in err) == (2, True)
        status, _, err = await cli("reset")
        assert (status, "operator lab down" in err) == (2, True)
    finally:
        assert await cli("lab", "down") == (0, "The lab is down.\n", "")
    assert labs.left() == []
    assert (await cli("lab", "logs", "kettle-1", "-n", "1"))[1] == "boiling\n"


async def test_a_lab_that_cannot_start_in_the_background(labs: Labs, cli: Cli) -> None:
    status, out, _ = await cli("lab", "up", "--option", "broken=stove")
    assert status == 1
    assert out.splitlines()[-1].startswith("stove ended while it started: exit status 1: the element is burnt out")
    assert labs.left() == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["lab", "boil"], "No such command 'boil'"),
        (["lab", "kill"], "Missing argument 'NAME'"),
        (["lab", "ps", "--frobnicate"], "--frobnicate"),
        (["lab", "ps", "--subject", "teapot"], "There is no subject 'teapot'; choose one of"),
        (["lab", "ps", "--subject", "tests.nowhere:SUBJECT"], "There is no subject at 'tests.nowhere:SUBJECT'"),
        (["lab", "ps", "--subject", "os:sep"], "does not keep to"),
        (["lab", "run", "--option", "milk"], "--option 'milk' is not NAME=VALUE"),
        (["lab", "run", "--option", "milk=1"], "A toy has no option milk"),
        (["lab", "run", "--seed", "many"], "'--seed'"),
        (["lab", "run", "--output", "smoke"], "smoke"),
        (["lab", "run", "--die-with-parent"], "needs a pipe"),
        (["lab", "inject"], "Say which fault"),
        (["lab", "logs", "teapot"], "There is no log of 'teapot'"),
        (["lab", "ps", "--state-dir", "/dev/null/x"], "cannot be written"),
    ],
)
async def test_bad_input(cli: Cli, arguments: list[str], says: str) -> None:
    status, out, err = await cli(*arguments)
    assert (status, out) == (2, "")
    assert says in err
    assert err.count("\n") == 1


async def test_logs_are_followed_over_a_cut(labs: Labs, cli: Cli) -> None:
    log = labs.state.logs / "kettle-1.log"
    log.write_text("one\ntwo\n")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "operator_core.cli", "lab", "logs", "kettle-1", "-n", "1", "-f"),
        *("--subject", "tests.operator_core.toy:SUBJECT", "--state-dir", str(labs.root)),
        stdout=subprocess.PIPE,
    )
    assert process.stdout
    try:
        async with asyncio.timeout(30):
            assert await process.stdout.readline() == b"two\n"
            with log.open("a") as service:
                service.write("three\n")
            assert await process.stdout.readline() == b"three\n"
            log.write_text("4\n")
            assert await process.stdout.readline() == b"4\n"
            process.send_signal(signal.SIGINT)
            assert await process.wait() == 130
    finally:
        if process.returncode is None:
            process.kill()


async def test_reset_ends_what_a_crash_left_and_clears(labs: Labs, cli: Cli) -> None:
    lab = await labs.start()
    await lab.client.inject("kill")
    lab.process.send_signal(signal.SIGKILL)
    await lab.ended()
    orphan = await asyncio.create_subprocess_exec("sleep", "600")
    stranger = await asyncio.create_subprocess_exec("sleep", "600")
    parent = Identity(os.getpid(), 1.0)  # long gone
    for name, process, off in (("monitor", orphan, 0.0), ("agent", stranger, -50.0)):
        found = identify(process.pid)
        assert found
        record = DaemonRecord(name, Identity(found.pid, found.started + off), parent)
        (labs.state.daemons / f"{name}.json").write_bytes(msgspec.json.encode(record))
    with sqlite3.connect(labs.state.database) as database:
        database.execute("CREATE TABLE tickets (id)")
    database.close()
    (labs.state.outputs / "1.txt").write_text("kept")
    try:
        status, out, err = await cli("reset", "--keep-audit")
        assert (status, err) == (0, "")
        assert "Ended the monitor daemon" in out
        assert "1 injected fault" in out
        assert await orphan.wait() == -signal.SIGTERM
        assert stranger.returncode is None
        assert sorted(path.name for path in labs.state.root.iterdir()) == ["operator.db", "outputs"]
        status, out, err = await cli("reset")
        assert (status, err) == (0, "")
        assert list(labs.state.root.iterdir()) == []
    finally:
        stranger.kill()
    assert labs.left() == []


async def test_reset_leaves_a_running_demo_alone(labs: Labs, cli: Cli) -> None:
    with only_one(labs.state.root / "demo.lock", "{pid}"):
        status, _, err = await cli("reset")
    assert status == 2
    assert err == f"A demo is running in {labs.state.root} (pid {os.getpid()}); leave it with q, then reset.\n"
    assert labs.state.faults.is_dir()


async def test_reset_keeps_a_damaged_database_aside(labs: Labs, cli: Cli) -> None:
    labs.state.database.write_bytes(b"SQLite format 3\0" + b"tea" * 5000)
    status, out, _ = await cli("reset")
    assert status == 0
    (kept,) = labs.state.root.iterdir()
    assert kept.name.startswith("operator.db.damaged-")
    assert str(kept) in out
    assert kept.read_bytes().endswith(b"teatea")


async def test_a_lock_tells_who_holds_it_and_goes_with_its_holder(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    code = (
        "import sys, time; from pathlib import Path; from operator_core.lock import only_one\n"
        "with only_one(Path(sys.argv[1]), 'held by {pid}'): print('held', flush=True); time.sleep(600)"
    )
    held = await asyncio.create_subprocess_exec(sys.executable, "-c", code, str(lock), stdout=subprocess.PIPE)
    assert held.stdout
    assert await held.stdout.readline() == b"held\n"

    with pytest.raises(UserError, match=f"held by {held.pid}"), only_one(lock, "held by {pid}"):
        pass
    assert holder(lock) == held.pid
    held.kill()
    await held.wait()
    await until(lambda: holder(lock) is None, what="the lock to be free")
    with only_one(lock, ""):
        assert holder(lock) == os.getpid()
