"""The load generator against real nodes, and its schedule."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import sys
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import redis.asyncio as redis

from operator_protocols import Address
from subjects.ratelimiter.load.traffic import HOT_KEYS, arrivals, make_keys
from tests.stores import HOST, RealStore, free_port
from tests.subjects.ratelimiter.nodes import NodeProcess, node_process
from tests.waiting import until

RATE = 120.0


def test_a_seed_sends_the_same_again() -> None:
    keys = make_keys(RATE, 200)
    one, other, third = (list(itertools.islice(arrivals(RATE, keys, random.Random(seed)), 500)) for seed in (1, 1, 2))
    assert one == other != third


def test_the_rate_is_steady_with_bursts_in_it() -> None:
    keys = make_keys(RATE, 200)
    minute = list(itertools.takewhile(lambda each: each[0] < 60, arrivals(RATE, keys, random.Random(1))))
    assert [at for at, _ in minute] == sorted(at for at, _ in minute)
    assert len(minute) == pytest.approx(60 * RATE, rel=0.05)
    by_tenth = Counter(int(at * 10) for at, _ in minute)
    assert max(by_tenth.values()) > 2 * RATE / 10
    assert min(by_tenth[n] for n in range(590)) > 0
    hot = {key.name for key in keys[:HOT_KEYS]}
    assert {key.name for key in keys if key.limit < key.weight * RATE * (1 - 0.15) * key.window_s} == hot


@contextlib.asynccontextmanager
async def load(*nodes: Address, flags: tuple[str, ...] = ()) -> AsyncIterator[httpx.AsyncClient]:
    address = Address(HOST, free_port())
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "subjects.ratelimiter.load", "--port", str(address.port), "--seed", "1"),
        *itertools.chain.from_iterable(("--node", str(node)) for node in nodes),
        *flags,
        stdin=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with httpx.AsyncClient(base_url=f"http://{address}", trust_env=False) as http:
            yield http
        process.terminate()
        _, errors = await process.communicate()
        assert process.returncode == 0
        assert "Traceback" not in errors.decode()
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def stats_of(http: httpx.AsyncClient) -> dict[str, Any]:
    try:
        stats: dict[str, Any] = (await http.get("/stats")).json()
    except httpx.TransportError:
        return {"running_s": 0.0, "allowed_per_s": 0.0, "errors_per_s": 0.0, "keys": []}
    return stats


@contextlib.asynccontextmanager
async def two_nodes(store: RealStore) -> AsyncIterator[tuple[NodeProcess, NodeProcess]]:
    """Patient ones that fail closed, so that a slow machine makes no wrong answer."""
    flags = ("--store-timeout-ms", "5000", "--failure-mode", "closed")
    async with (
        node_process(store.address, "node-1", *flags) as one,
        node_process(store.address, "node-2", *flags) as two,
    ):
        await until(one.ready, what="node-1 to reach the store")
        await until(two.ready, what="node-2 to reach the store")
        yield one, two


async def test_it_tells_right_from_wrong(valkey: RealStore) -> None:
    """First all is well; then a counter is filled behind the nodes' back; then a node dies."""
    async with two_nodes(valkey) as (one, two), load(one.address, two.address) as http:
        key = "customer-001"

        async def judged() -> bool:
            stats = await stats_of(http)
            return stats["running_s"] > 6 and any(key["denied_per_s"] for key in stats["keys"])

        await until(judged, within_s=30, what="keys over their limit, and refusals to be judged")
        stats = await stats_of(http)
        assert stats["target_per_s"] == RATE
        assert 0 < stats["p50_ms"] <= stats["p99_ms"]
        assert stats["allowed_per_s"] > 0
        assert (stats["wrongly_allowed_total"], stats["wrongly_refused_total"]) == (0, 0)

        now = (await one.get(f"/v1/counters?key={key}"))["now"]
        async with redis.Redis(port=valkey.address.port) as client:
            await client.zadd(f"rl:{{{key}}}:log", {f"stray-{n}": (now + 3) * 1e6 for n in range(2000)})

        async def wrongly_refused() -> bool:
            return bool((await stats_of(http))["wrongly_refused_total"] > 0)

        await until(wrongly_refused, within_s=20, what="wrong refusals to be counted")

        two.process.kill()

        async def errors() -> bool:
            return bool((await stats_of(http))["errors_per_s"] > 0)

        await until(errors, what="errors to show")


async def test_limits_are_set_once_and_one_that_is_lost_shows(valkey: RealStore) -> None:
    async with two_nodes(valkey) as (one, two), load(one.address, two.address) as http:
        hottest = "customer-001"

        async def sending() -> bool:
            return bool((await stats_of(http))["running_s"] > 0.5)

        await until(sending, what="the load to begin")
        assert len(await one.get("/v1/limits")) == 200
        (await one.http.delete(f"/v1/limits/{hottest}")).raise_for_status()

        async def wrongly_allowed() -> bool:
            return bool((await stats_of(http))["wrongly_allowed_total"] > 0)

        await until(wrongly_allowed, within_s=20, what="the lost limit to show")
        assert (await one.http.get(f"/v1/limits/{hottest}")).status_code == 404


async def test_it_does_not_slow_down_for_nodes_that_hang(valkey: RealStore) -> None:
    """Everything that is due and gets no answer is an error, as many as were to be sent."""
    async with two_nodes(valkey) as (one, two), load(one.address, two.address) as http:

        async def sending() -> bool:
            return bool((await stats_of(http))["running_s"] > 0.5)

        await until(sending, what="the load to begin")
        one.pause()
        two.pause()

        async def only_errors() -> bool:
            stats = await stats_of(http)
            return bool(stats["errors_per_s"] > 0.5 * RATE and stats["operations_per_s"] == 0)

        await until(only_errors, within_s=15, what="errors at the rate of the load")
        assert (await stats_of(http))["p99_ms"] is None
        one.resume()
        two.resume()

        async def healed() -> bool:
            stats = await stats_of(http)
            return bool(stats["errors_per_s"] == 0 and stats["allowed_per_s"] > 0)

        await until(healed, within_s=15, what="checks to be answered again")
