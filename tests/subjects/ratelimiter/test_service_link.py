"""A node whose network to the store is cut, or slow."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest

from operator_protocols import Address
from tests.stores import HOST, RealStore, free_port
from tests.subjects.ratelimiter.nodes import Asked, node_here
from tests.waiting import until


@dataclass
class Link(RealStore):
    """Stands where the store is, for a node: its address is the near end of the link."""

    admin: int = 0

    async def set(self, **settings: object) -> None:
        async with httpx.AsyncClient(base_url=f"http://{HOST}:{self.admin}", trust_env=False) as http:
            (await http.put("/links/node-1", json=settings)).raise_for_status()


@pytest.fixture
async def link(valkey: RealStore) -> AsyncIterator[Link]:
    near = Link(valkey.data_dir, Address(HOST, free_port()), valkey.process, admin=free_port())
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "subjects.links", "--admin", f"{HOST}:{near.admin}"),
        *("--link", "node-1", str(near.address), str(valkey.address)),
        stdin=asyncio.subprocess.DEVNULL,
    )
    try:

        async def up() -> bool:
            with contextlib.suppress(httpx.TransportError):
                await near.set(state="open")
                return True
            return False

        await until(up, what="the link")
        yield near
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


@pytest.fixture
async def node(link: Link) -> AsyncIterator[Asked]:
    async with node_here(link, store_timeout_ms=2000) as asked:
        await asked.limit("alice", 1, 3600)
        await asked.check("alice")
        yield asked


async def test_a_slow_way_is_slow_but_right(link: Link, node: Asked) -> None:
    await link.set(latency_ms=300)
    answers = await asyncio.gather(*(node.check("alice") for _ in range(5)))
    assert {(answer.status_code, answer.json()["decided_by"]) for answer in answers} == {(429, "store")}


async def test_a_cut_way_is_noticed_and_found_again_soon(link: Link, node: Asked) -> None:
    await node.config(store_timeout_ms=150)
    await link.set(state="cut")
    ghosts = await asyncio.gather(*(node.check("alice") for _ in range(5)))
    assert {(answer.status_code, answer.json()["decided_by"]) for answer in ghosts} == {(200, "open")}
    assert not await node.ready()
    await node.config(store_timeout_ms=2000)
    await link.set(state="open")
    await until(node.ready, within_s=5, what="the node to find its store again")
    assert (await node.check("alice")).status_code == 429
