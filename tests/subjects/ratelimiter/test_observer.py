"""What the observer makes of parts that refuse, hang, hang up and answer wrongly: real sockets, no lab."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from operator_protocols import Address, Endpoint, Endpoints, Level, Violation
from subjects.ratelimiter.facts import facts_of
from subjects.ratelimiter.invariants import INVARIANTS
from subjects.ratelimiter.observer import HELD_UP_S, LabObserver
from subjects.ratelimiter.probes import Trouble, store_time
from subjects.ratelimiter.store import store_command
from tests.waiting import until

HOST = "127.0.0.1"
TIMEOUT_S = 0.4

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """As a process that hangs: accepts, and never answers."""
    while await reader.read(65536):
        pass
    writer.close()


async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readline()
    writer.close()


async def answer_nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readline()
    writer.write(b"HTTP/1.1 500 Oh\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
    writer.close()


@contextlib.asynccontextmanager
async def listening(handler: Handler) -> AsyncIterator[Address]:
    server = await asyncio.start_server(handler, HOST, 0)
    try:
        yield Address(HOST, server.sockets[0].getsockname()[1])
    finally:
        server.close()


def nobody() -> Address:
    with socket.create_server((HOST, 0)) as free:
        return Address(HOST, free.getsockname()[1])


def lab(store: Address, admin: Address, load: Address, **nodes: Address) -> Endpoints:
    return Endpoints(
        (
            Endpoint("store", "store", {"redis": store}),
            Endpoint("links", "network", {"admin": admin}),
            *(Endpoint(name, "node", {"http": address}) for name, address in nodes.items()),
            Endpoint("load", "load", {"http": load}),
        )
    )


async def test_each_way_of_not_answering_is_told_apart_and_none_takes_longer_than_the_time_out() -> None:
    async with listening(hold) as hung, listening(hang_up) as rude, listening(answer_nonsense) as wrong:
        observer = LabObserver(
            lab(nobody(), nobody(), nobody(), dead=nobody(), hung=hung, rude=rude, wrong=wrong), TIMEOUT_S
        )
        began = time.monotonic()
        seen = await observer.observe()
        assert time.monotonic() - began < TIMEOUT_S + HELD_UP_S
        await observer.aclose()
    rows = {row.name: row for row in seen.services}
    assert {name: row.state for name, row in rows.items()} == {
        "store": "down",
        "links": "down",
        "dead": "down",
        "hung": "hung",
        "rude": "failing",
        "wrong": "failing",
        "load": "down",
    }
    assert all(row.level is Level.BAD for row in rows.values())
    assert seen.workload is None
    node_down = next(invariant for invariant in INVARIANTS if invariant.name == "node_down")
    said = {found.target: found.summary for found in node_down.check(seen) if isinstance(found, Violation)}
    assert "refuses connections" in said["dead"]
    assert "no answer" in said["hung"]
    assert "without an answer" in said["rude"]
    assert "status 500" in said["wrong"]
    for node in facts_of(seen)["nodes"].values():
        assert node["store_reached"] is None
        assert node["config"] is None
        assert node["checks_per_s"] is None
        assert {canary["verdict"] for canary in node["canaries"].values()} == {"unseen"}


async def test_a_store_that_hangs_is_not_one_that_is_down() -> None:
    async with listening(hold) as hung, listening(answer_nonsense) as wrong:
        for address, state in ((hung, "hung"), (wrong, "failing"), (nobody(), "down")):
            clock = await store_time(address, TIMEOUT_S)
            assert isinstance(clock, Trouble)
            assert clock.state == state


async def test_the_clock_of_a_real_store(tmp_path: Path) -> None:
    address = nobody()
    process = await asyncio.create_subprocess_exec(
        *store_command(address.port, tmp_path), stdout=asyncio.subprocess.DEVNULL
    )

    async def tells_the_time() -> bool:
        clock = await store_time(address, TIMEOUT_S)
        return isinstance(clock, float) and abs(clock - time.time()) < 60

    try:
        await until(tells_the_time, what="the store to tell the time")
    finally:
        process.kill()
        await process.wait()


async def test_a_monitor_that_was_held_up_itself_says_so_and_judges_nothing() -> None:
    async with listening(hold) as hung:
        observer = LabObserver(lab(nobody(), nobody(), nobody(), node=hung), TIMEOUT_S)
        looking = asyncio.ensure_future(observer.observe())
        await asyncio.sleep(0)
        time.sleep(TIMEOUT_S + HELD_UP_S + 0.1)  # noqa: ASYNC251  (that is the point: nothing else runs)
        with pytest.raises(TimeoutError, match="held the monitor up"):
            await looking
        await observer.aclose()
