"""The real monitor process, on a subject that reads what the test writes into a file."""

import asyncio
import contextlib
import json
import os
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import psutil
import pytest

from operator_core.db import Database
from operator_core.events import (
    AnyEvent,
    Blind,
    InvariantState,
    Logged,
    MonitorStarted,
    Observed,
    TicketChanged,
    decode,
)
from operator_core.lab.wire import LabFile
from operator_core.tickets import Ticket, Tickets
from operator_protocols import Address
from tests.waiting import until

SUBJECT = "tests.operator_core.monitor.filesubject:SUBJECT"
INTERVAL_S = 0.1


class World:
    """The state folder, the watched file, and the monitor on them."""

    def __init__(self, folder: Path) -> None:
        self.root = folder
        self.file = folder / "world.json"
        self.state = folder / "file"
        self.db = self.state / "operator.db"
        self.lab_file = self.state / "lab" / "lab.json"
        self.process: asyncio.subprocess.Process | None = None
        self.events: list[AnyEvent] = []
        self.errors = ""
        self._readers: asyncio.Future[object] | None = None

    def is_(self, **facts: object) -> None:
        draft = self.file.with_suffix(".new")
        draft.write_text(json.dumps(facts))
        draft.replace(self.file)

    def lab_runs(self, pid: int = 1) -> None:
        """Say that the process `pid` is a lab; 1 has run for long."""
        self.lab_file.parent.mkdir(parents=True, exist_ok=True)
        world = LabFile.Service("world", "file", "It", {"http": Address("127.0.0.1", 1)})
        started = psutil.Process(pid).create_time()
        lab = LabFile(pid, started, "", "file", "processes", "no sandbox", [world])
        self.lab_file.write_bytes(msgspec.json.encode(lab))

    async def start(self, *options: str) -> None:
        arguments = ["monitor", "run", "--subject", SUBJECT, "--state-dir", str(self.root), "--output", "jsonl"]
        if "--interval" not in options:
            arguments += ["--interval", str(INTERVAL_S)]
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "operator_core.cli", *arguments, *options),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "WATCHED_FILE": str(self.file)},
        )
        self._readers = asyncio.gather(self._read_events(), self._read_errors())

    async def _read_events(self) -> None:
        assert self.process and self.process.stdout
        async for line in self.process.stdout:
            self.events.append(decode(line))

    async def _read_errors(self) -> None:
        assert self.process and self.process.stderr
        self.errors = (await self.process.stderr.read()).decode()

    async def ended(self) -> int:
        assert self.process and self._readers
        async with asyncio.timeout(15):
            await self._readers
            return await self.process.wait()

    async def end(self) -> None:
        if self.process and self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()
            await self.ended()

    def tickets(self) -> list[tuple[str, str, str]]:
        """State, actor and note of each ticket event."""
        return [(each.state, each.actor, each.note) for each in self.events if isinstance(each, TicketChanged)]

    def count(self, kind: type[AnyEvent]) -> int:
        return sum(isinstance(event, kind) for event in self.events)

    async def says(self, what: str, number: int = 1) -> None:
        """Wait until tickets took this state so often."""
        await until(lambda: sum(state == what for state, *_ in self.tickets()) >= number, 15, f"a ticket {what}")

    async def looks(self, number: int = 8) -> None:
        """Wait for so many more looks, seen or blind."""
        before = self.count(Observed) + self.count(Blind)
        await until(lambda: self.count(Observed) + self.count(Blind) >= before + number, 15, "more looks")

    @contextlib.asynccontextmanager
    async def store(self) -> AsyncIterator[Tickets]:
        async with await Database.open(self.db, create=False) as db:
            yield Tickets(db, "file")

    async def ticket(self, number: int = 1) -> Ticket:
        async with self.store() as tickets:
            return await tickets.get(number)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = World(tmp_path)
    world.is_()
    world.lab_runs()
    try:
        yield world
    finally:
        await world.end()


async def test_from_a_violation_to_its_end(world: World) -> None:
    await world.start()
    await until(lambda: world.count(Observed) > 0, 15, "the first look")
    assert isinstance(world.events[0], MonitorStarted) and world.events[0].invariants == ("sound",)
    world.is_(broken={"door": "the door is open"})
    await world.says("open")
    world.is_()
    await world.says("resolved")
    assert [state for state, *_ in world.tickets()] == ["open", "resolved"]
    states = [(each.target, each.state) for each in world.events if isinstance(each, InvariantState)]
    assert states == [("door", "broken"), ("door", "whole")]
    looks = [each for each in world.events if isinstance(each, Observed)]
    assert any(each.broken == ("sound door",) for each in looks)
    ticket = await world.ticket()
    assert (ticket.state, ticket.summary, ticket.occurrences) == ("resolved", "the door is open", 1)


async def test_blind_closes_nothing(world: World) -> None:
    world.is_(broken={"door": "open"})
    await world.start()
    await world.says("open")
    world.is_(fail="no route to the world")
    await until(lambda: world.count(Blind) >= 10, 15, "blindness")
    blind = [each for each in world.events if isinstance(each, Blind)]
    assert "no route to the world" in blind[0].error
    assert [each.for_s for each in blind] == sorted(each.for_s for each in blind)
    assert (await world.ticket()).state == "open"
    world.is_(unseen={"door": "cannot be made out"})
    await world.looks(10)
    assert (await world.ticket()).state == "open"
    world.is_()
    await world.says("resolved")


async def test_a_look_that_hangs_is_blindness_and_does_not_pile_up(world: World) -> None:
    world.is_(hang=60)
    await world.start()
    await until(lambda: world.count(Blind) >= 3, 15, "blindness")
    world.is_()
    await until(lambda: world.count(Observed) >= 1, 15, "sight")
    assert any("took too long" in each.error for each in world.events if isinstance(each, Blind))


async def test_it_waits_for_a_lab_and_says_so(world: World) -> None:
    world.lab_file.unlink()
    await world.start()
    await until(lambda: world.count(Blind) >= 2, 15, "blindness")
    assert world.count(Observed) == 0
    world.lab_runs()
    await until(lambda: world.count(Observed) >= 1, 15, "sight")


@pytest.fixture
async def young_process() -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec("sleep", "600")
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_a_lab_that_is_still_starting_opens_no_tickets(
    world: World, young_process: asyncio.subprocess.Process
) -> None:
    world.lab_runs(young_process.pid)
    world.is_(broken={"door": "not there yet"})
    await world.start()
    await world.looks(10)
    assert world.tickets() == []
    world.is_()
    await world.looks(3)
    world.is_(broken={"door": "open"})
    await world.says("open")


async def test_a_lab_that_is_gone_is_blindness(world: World, young_process: asyncio.subprocess.Process) -> None:
    world.lab_runs(young_process.pid)
    await world.start()
    await until(lambda: world.count(Observed) > 0, 15, "the first look")
    young_process.kill()
    await young_process.wait()
    world.is_(broken={"door": "open"})
    await until(lambda: world.count(Blind) > 3, 15, "blindness")
    assert world.tickets() == []


async def test_a_concluded_repair_is_verified_or_handed_back(world: World) -> None:
    world.is_(broken={"door": "open"})
    await world.start()
    await world.says("open")
    async with world.store() as tickets:
        claimed = await tickets.claim("agent-1", 60)
        assert claimed
        await tickets.conclude(claimed.id, "agent-1", "verifying", "closed it")
        await world.says("open", 2)
        back = await tickets.get(claimed.id)
        assert (back.hand_backs, back.still_broken) == (1, "open")
        assert await tickets.claim("agent-1", 60)
        world.is_()
        await world.looks(10)
        assert (await tickets.get(claimed.id)).state == "claimed", "the agent is still at it"
        await tickets.conclude(claimed.id, "agent-1", "verifying", "closed it")
        await world.says("resolved")
    actors = {actor for _, actor, _ in world.tickets()}
    assert actors == {"monitor"}, "what the agent does it says itself"


async def test_what_persons_do_is_told_once(world: World) -> None:
    world.is_(broken={"door": "open"})
    await world.start()
    await world.says("open")
    for verb in ("hold", "unhold"):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "operator_core.cli", "tickets", verb, "1", "--subject", SUBJECT),
            *("--state-dir", str(world.root), "--note", f"a {verb}"),
        )
        assert await process.wait() == 0
        await until(lambda verb=verb: f"a {verb}" in [note for *_, note in world.tickets()], 15, verb)  # type: ignore[misc]
    await world.looks(3)
    assert [(state, note) for state, _, note in world.tickets()] == [
        ("open", "opened"),
        ("held", "a hold"),
        ("open", "a unhold"),
    ]


async def test_a_restart_goes_on_with_the_tickets_on_record(world: World) -> None:
    world.is_(broken={"door": "open"})
    await world.start()
    await world.says("open")
    await world.end()  # SIGKILL
    world.events.clear()
    await world.start()
    await world.looks(5)
    assert world.tickets() == [("open", "monitor", "still on record")]
    world.is_()
    await world.says("resolved")
    assert (await world.ticket()).occurrences == 1


async def test_a_locked_database_is_said_and_waited_for(world: World) -> None:
    await world.start()
    await world.looks(2)
    with contextlib.closing(sqlite3.connect(world.db, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        world.is_(broken={"door": "open"})
        await until(lambda: world.count(Logged) >= 1, 15, "the trouble to be said")
        await world.looks(5)
        assert world.tickets() == []
        other.execute("ROLLBACK")
    await world.says("open")
    await until(lambda: world.count(Logged) >= 2, 15, "the end of the trouble to be said")
    trouble, relief = [each for each in world.events if isinstance(each, Logged)]
    assert (trouble.level, "locked" in trouble.message) == ("error", True)
    assert (relief.level, "usable again" in relief.message) == ("info", True)


async def test_a_database_that_vanished_is_not_made_anew(world: World) -> None:
    world.is_(broken={"door": "open"})
    await world.start()
    await world.says("open")
    elsewhere = world.root / "elsewhere"
    elsewhere.mkdir()
    for file in world.state.glob("operator.db*"):
        file.rename(elsewhere / file.name)
    world.is_()
    await until(lambda: world.count(Logged) >= 1, 15, "the trouble to be said")
    await world.looks(5)
    assert not world.db.exists() and ("resolved" not in [state for state, *_ in world.tickets()])
    for file in elsewhere.iterdir():
        file.rename(world.db.with_name(file.name))
    await world.says("resolved")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_cleanly(world: World, number: signal.Signals) -> None:
    await world.start()
    await world.looks(2)
    assert world.process
    world.process.send_signal(number)
    assert await world.ended() == 0
    assert world.errors == ""


async def test_it_dies_with_its_parent(world: World) -> None:
    await world.start("--die-with-parent")
    await world.looks(2)
    assert world.process and world.process.stdin
    world.process.stdin.close()
    assert await world.ended() == 0


@pytest.mark.parametrize("interval", ["0", "-1", "nan"])
async def test_a_bad_interval(world: World, interval: str) -> None:
    await world.start("--interval", interval)
    assert await world.ended() == 2
    assert "between" in world.errors and world.errors.count("\n") == 1
    assert world.events == []


async def test_a_database_it_cannot_use(world: World) -> None:
    world.state.mkdir(exist_ok=True)
    world.db.write_bytes(b"Dear diary,\n" * 500)
    await world.start()
    assert await world.ended() == 2
    assert "is not a database" in world.errors and world.errors.count("\n") == 1
    assert world.db.read_bytes() == b"Dear diary,\n" * 500
