"""The proxy as a process, with real sockets on both sides."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest

from tests.waiting import until

HOST = "127.0.0.1"


@dataclass
class Proxy:
    admin: httpx.AsyncClient
    port: int
    other_port: int
    process: asyncio.subprocess.Process

    async def set(self, name: str = "one", **settings: object) -> None:
        (await self.admin.put(f"/links/{name}", json=settings)).raise_for_status()

    async def link(self, name: str = "one") -> dict[str, object]:
        shown: dict[str, object] = (await self.admin.get(f"/links/{name}")).json()
        return shown

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(HOST, self.port)


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server((HOST, 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


@pytest.fixture
async def upstream() -> AsyncIterator[int]:
    """Answers each line with the line in upper case."""

    async def shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(line.upper())
        writer.close()

    server = await asyncio.start_server(shout, HOST, 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


@pytest.fixture
async def proxy(upstream: int) -> AsyncIterator[Proxy]:
    admin, one, other, nobody = free_ports(4)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "subjects.links", "--admin", f"{HOST}:{admin}"),
        *("--link", "one", f"{HOST}:{one}", f"{HOST}:{upstream}"),
        *("--link", "other", f"{HOST}:{other}", f"{HOST}:{nobody}"),
    )
    async with httpx.AsyncClient(base_url=f"http://{HOST}:{admin}", trust_env=False) as client:

        async def answers() -> bool:
            try:
                return (await client.get("/healthz")).is_success
            except httpx.TransportError:
                return False

        try:
            await until(answers, what="the proxy to answer")
            yield Proxy(client, one, other, process)
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, line: bytes) -> bytes:
    writer.write(line)
    async with asyncio.timeout(10):
        return await reader.readline()


async def silent(reader: asyncio.StreamReader, seconds: float = 0.3) -> bool:
    """Nothing comes, and the connection is not closed either."""
    try:
        async with asyncio.timeout(seconds):
            await reader.read(1)
    except TimeoutError:
        return True
    return False


async def aborted(reader: asyncio.StreamReader) -> bool:
    try:
        async with asyncio.timeout(10):
            return await reader.read() == b""
    except ConnectionResetError:
        return True


async def test_an_open_link_carries_both_ways(proxy: Proxy) -> None:
    reader, writer = await proxy.connect()
    assert await say(reader, writer, b"hello\n") == b"HELLO\n"
    shown = await proxy.link()
    assert (shown["state"], shown["latency_ms"], shown["connections"]) == ("open", 0, 1)
    writer.close()

    async def gone() -> bool:
        return (await proxy.link())["connections"] == 0

    await until(gone, what="the closed connection to be forgotten")


async def test_much_is_carried_whole_and_in_order(proxy: Proxy) -> None:
    reader, writer = await proxy.connect()
    lines = [b"line %d\n" % number for number in range(50_000)]
    await proxy.set(latency_ms=20)

    async def send() -> None:
        for line in lines:
            writer.write(line)
            await writer.drain()

    sending = asyncio.ensure_future(send())
    async with asyncio.timeout(30):
        got = [await reader.readline() for _ in lines[:25_000]]
        await proxy.set(latency_ms=0)  # what comes now must not overtake what is held back
        got += [await reader.readline() for _ in lines[25_000:]]
        await sending
    assert got == [line.upper() for line in lines]


async def test_a_cut_link_is_a_black_hole_for_old_and_new_connections_and_aborts_them_when_opened(
    proxy: Proxy,
) -> None:
    old = await proxy.connect()
    assert await say(*old, b"before\n") == b"BEFORE\n"
    await proxy.set(state="cut")
    new = await proxy.connect()
    for reader, writer in (old, new):
        writer.write(b"into the void\n")
        assert await silent(reader)
    assert (await proxy.link())["connections"] == 2

    await proxy.set(state="open")
    for reader, _ in (old, new):
        assert await aborted(reader)
    fresh = await proxy.connect()
    assert await say(*fresh, b"after\n") == b"AFTER\n"


async def test_a_connection_that_is_closed_during_a_cut_is_let_go(proxy: Proxy) -> None:
    old = await proxy.connect()
    assert await say(*old, b"before\n") == b"BEFORE\n"
    await proxy.set(state="cut")
    new = await proxy.connect()
    for _, writer in (old, new):
        writer.close()

    async def gone() -> bool:
        return (await proxy.link())["connections"] == 0

    await until(gone, what="the connections to be let go")


async def test_what_a_slow_link_holds_back_vanishes_when_it_is_cut(proxy: Proxy) -> None:
    reader, writer = await proxy.connect()
    await proxy.set(latency_ms=400)
    writer.write(b"slow\n")
    await proxy.set(state="cut")
    assert await silent(reader, 1.0)


async def test_latency_is_added_to_the_round_trip_and_taken_away(proxy: Proxy) -> None:
    reader, writer = await proxy.connect()
    await proxy.set(latency_ms=300)
    clock = asyncio.get_running_loop().time
    began = clock()
    assert await say(reader, writer, b"slow\n") == b"SLOW\n"
    assert clock() - began >= 0.3
    await proxy.set(latency_ms=0)
    quickest = 1.0
    for _ in range(20):
        began = clock()
        await say(reader, writer, b"fast\n")
        quickest = min(quickest, clock() - began)
    assert quickest < 0.3


async def test_links_are_apart_and_an_upstream_that_is_not_there_ends_the_connection(proxy: Proxy) -> None:
    await proxy.set("other", state="cut", latency_ms=5)
    assert (await proxy.link())["state"] == "open"
    assert [link["state"] for link in (await proxy.admin.get("/links")).json()] == ["open", "cut"]
    await proxy.set("other", state="open")
    reader, _ = await asyncio.open_connection(HOST, proxy.other_port)
    assert await aborted(reader)


BAD_SETTINGS = (
    *(b"", b"[]", b"{}", b"{", b'{"state": "closed"}', b'{"state": ["open"]}', b'{"colour": "red"}'),
    *(b'{"latency_ms": -1}', b'{"latency_ms": "fast"}', b'{"latency_ms": NaN}', b'{"latency_ms": true}'),
)


async def test_a_bad_setting_is_refused_with_a_sentence_and_changes_nothing(proxy: Proxy) -> None:
    before = await proxy.link()
    for body in BAD_SETTINGS:
        answer = await proxy.admin.put("/links/one", content=body)
        assert answer.status_code == 400, body
        assert answer.json()["error"].endswith("."), body
    assert await proxy.link() == before


async def test_an_unknown_link_is_named(proxy: Proxy) -> None:
    answer = await proxy.admin.get("/links/three")
    assert answer.status_code == 404
    assert "three" in answer.json()["error"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--admin", "nowhere", "--link", "a", "127.0.0.1:1", "127.0.0.1:2"],
        ["--admin", "127.0.0.1:99999", "--link", "a", "127.0.0.1:1", "127.0.0.1:2"],
        ["--admin", "127.0.0.1:1", "--link", "a", "127.0.0.1:0", "127.0.0.1:2"],
    ],
)
def test_a_bad_address_is_one_sentence_and_exit_status_2(arguments: list[str]) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "subjects.links", *arguments], capture_output=True, text=True, timeout=30
    )
    assert run.returncode == 2
    assert len(run.stderr.splitlines()) == 1
    assert "Traceback" not in run.stderr


def test_a_port_that_is_taken_is_one_sentence_and_exit_status_2() -> None:
    with socket.create_server((HOST, 0)) as taken:
        address = f"{HOST}:{taken.getsockname()[1]}"
        run = subprocess.run(
            [sys.executable, "-m", "subjects.links", "--admin", address, "--link", "a", address, address],
            capture_output=True,
            text=True,
            timeout=30,
        )
    assert run.returncode == 2
    assert len(run.stderr.splitlines()) == 1
    assert address.rpartition(":")[2] in run.stderr


async def test_it_ends_cleanly_on_sigterm_with_connections_open(proxy: Proxy) -> None:
    reader, writer = await proxy.connect()
    assert await say(reader, writer, b"hello\n") == b"HELLO\n"
    proxy.process.terminate()
    async with asyncio.timeout(5):
        await proxy.process.wait()
    assert await aborted(reader)
