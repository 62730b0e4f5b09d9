import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from operator_core.db import Database
from operator_core.errors import UserError
from operator_core.tickets import AGENT, MAX_HAND_BACKS, MONITOR, Ticket, TicketLost, Tickets


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 1, 31, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(microseconds=1)
        return self.now

    def pass_s(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def tickets(tmp_path: Path, clock: Clock) -> AsyncIterator[Tickets]:
    async with await Database.open(tmp_path / "operator.db") as db:
        yield Tickets(db, "toy", clock)


async def _open(tickets: Tickets, target: str = "a") -> Ticket:
    return await tickets.open_or_touch("node_down", target, f"{target} does not answer")


async def _verifying(tickets: Tickets) -> Ticket:
    claimed = await tickets.claim("agent-1", 30)
    assert claimed
    return await tickets.conclude(claimed.id, "agent-1", "verifying", "started it")


async def test_one_live_ticket_an_invariant_and_target(tickets: Tickets) -> None:
    first = await _open(tickets)
    assert (await _open(tickets)) == first, "still the same breakage"
    await tickets.mark_whole(first.id)
    again = await _open(tickets)
    assert (again.id, again.occurrences, again.whole) == (first.id, 2, False)
    assert (await _open(tickets, "b")).id != first.id
    assert await tickets.resolve(first.id, MONITOR, "held for 2 s")
    assert (await _open(tickets)).id not in (first.id,)


async def test_claim_takes_the_oldest_that_is_broken(tickets: Tickets) -> None:
    healing, second, third = [(await _open(tickets, name)).id for name in "abc"]
    await tickets.mark_whole(healing)
    assert [(await tickets.claim("x", 30)).id for _ in "ab"] == [second, third]  # type: ignore[union-attr]
    assert await tickets.claim("x", 30) is None


async def test_a_lease_that_ran_out_is_taken_over(tickets: Tickets, clock: Clock) -> None:
    await _open(tickets)
    claimed = await tickets.claim("first", 30)
    assert claimed
    clock.pass_s(20)
    await tickets.renew(claimed.id, "first", 30)
    clock.pass_s(29)
    assert await tickets.claim("second", 30) is None
    clock.pass_s(2)
    taken = await tickets.claim("second", 30)
    assert taken and (taken.id, taken.agent, taken.attempt) == (claimed.id, "second", 1)
    with pytest.raises(TicketLost, match="second"):
        await tickets.renew(claimed.id, "first", 30)
    with pytest.raises(TicketLost, match="second"):
        await tickets.conclude(claimed.id, "first", "verifying", "late")
    assert (await tickets.history(claimed.id))[-1].note == "taken over from first, whose lease ran out"


async def test_release_makes_it_free_at_once(tickets: Tickets) -> None:
    await _open(tickets)
    claimed = await tickets.claim("first", 30)
    assert claimed
    released = await tickets.release(claimed.id, "first", "the agent was stopped")
    assert released.state == "open" and released.lease_until is None
    assert await tickets.claim("second", 30)


async def test_handed_back_until_a_person_has_to_go_on(tickets: Tickets) -> None:
    await _open(tickets)
    for count in range(1, MAX_HAND_BACKS):
        concluded = await _verifying(tickets)
        back = await tickets.hand_back(concluded.id, f"still down, look {count}")
        assert back and (back.state, back.attempt) == ("open", count + 1)
        assert back.still_broken == f"still down, look {count}"
    concluded = await _verifying(tickets)
    back = await tickets.hand_back(concluded.id, "still down")
    assert back and back.state == "escalated"
    assert await tickets.claim("agent-2", 30) is None


async def test_escalated_is_not_opened_again(tickets: Tickets) -> None:
    await _open(tickets)
    claimed = await tickets.claim("x", 30)
    assert claimed
    await tickets.conclude(claimed.id, "x", "escalated", "no idea")
    await tickets.mark_whole(claimed.id)
    again = await _open(tickets)
    assert (again.id, again.state, again.occurrences) == (claimed.id, "escalated", 2)
    assert await tickets.claim("x", 30) is None
    resolved = await tickets.resolve(claimed.id, MONITOR, "held for 2 s")
    assert resolved and resolved.state == "resolved"


async def test_only_what_is_being_verified_is_handed_back(tickets: Tickets) -> None:
    ticket = await _open(tickets)
    assert await tickets.hand_back(ticket.id, "still down") is None
    assert (await tickets.get(ticket.id)).hand_backs == 0


async def test_the_monitor_does_not_resolve_under_an_agents_hands(tickets: Tickets, clock: Clock) -> None:
    ticket = await _open(tickets)
    await tickets.claim("x", 30)
    assert await tickets.resolve(ticket.id, MONITOR, "held") is None
    clock.pass_s(31)
    assert await tickets.resolve(ticket.id, MONITOR, "held"), "the agent is gone"


async def test_a_person_holds(tickets: Tickets) -> None:
    ticket = await _open(tickets)
    await tickets.claim("x", 30)
    await tickets.hold(ticket.id, "ada", "I am on it")
    with pytest.raises(TicketLost, match="held"):
        await tickets.renew(ticket.id, "x", 30)
    assert await tickets.claim("x", 30) is None
    with pytest.raises(UserError, match="held already"):
        await tickets.hold(ticket.id, "ada")
    freed = await tickets.unhold(ticket.id, "ada")
    assert freed.state == "open"
    with pytest.raises(UserError, match="not held"):
        await tickets.unhold(ticket.id, "ada")
    await tickets.hold(ticket.id, "ada")
    assert await tickets.resolve(ticket.id, MONITOR, "held for 2 s"), "the monitor resolves what is held"
    with pytest.raises(UserError, match="resolved already"):
        await tickets.resolve(ticket.id, "ada", "")
    with pytest.raises(UserError, match="no ticket 99"):
        await tickets.hold(99, "ada")


async def test_history_says_who_and_when(tickets: Tickets) -> None:
    ticket = await _open(tickets)
    await _verifying(tickets)
    await tickets.resolve(ticket.id, MONITOR, "held for 2 s")
    history = await tickets.history(ticket.id)
    assert [(event.actor, event.state) for event in history] == [
        (MONITOR, "open"),
        (AGENT, "claimed"),
        (AGENT, "verifying"),
        (MONITOR, "resolved"),
    ]
    assert [event.at for event in history] == sorted(event.at for event in history)
    assert all(event.at.tzinfo for event in history)
    changes = await tickets.changes_since(history[1].id)
    assert [change.state for _, change in changes] == ["verifying", "resolved"]
    assert changes[0][1].target == "a" and changes[0][1].at == history[2].at


async def test_subjects_do_not_mix(tmp_path: Path) -> None:
    async with await Database.open(tmp_path / "operator.db") as db:
        one, other = Tickets(db, "one"), Tickets(db, "other")
        await _open(one)
        await _open(other)
        assert len(await one.find()) == 1
        claimed = await one.claim("x", 30)
        assert claimed and claimed.subject == "one"
        assert await one.claim("x", 30) is None


CLAIMER = """
import asyncio, sys
from pathlib import Path
from operator_core.db import Database
from operator_core.tickets import Tickets

async def main():
    async with await Database.open(Path(sys.argv[1])) as db:
        tickets = Tickets(db, "toy")
        print("ready", flush=True)
        sys.stdin.readline()
        while ticket := await tickets.claim(sys.argv[2], 60):
            print(ticket.id, flush=True)

asyncio.run(main())
"""


def _claimer(path: Path, name: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", CLAIMER, str(path), name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


async def test_processes_that_claim_at_once_never_share_a_ticket(tickets: Tickets, tmp_path: Path) -> None:
    opened = [(await _open(tickets, f"node-{number}")).id for number in range(60)]
    claimers = [_claimer(tmp_path / "operator.db", name) for name in ("one", "two", "three")]
    try:
        for claimer in claimers:
            assert claimer.stdout and claimer.stdout.readline() == "ready\n"
        for claimer in claimers:
            assert claimer.stdin
            claimer.stdin.write("go\n")
            claimer.stdin.flush()
        outputs = [(await asyncio.to_thread(claimer.communicate, timeout=30))[0] for claimer in claimers]
    finally:
        for claimer in claimers:
            claimer.kill()
            claimer.wait()
    claimed = [int(number) for output in outputs for number in output.split()]
    assert sorted(claimed) == opened
