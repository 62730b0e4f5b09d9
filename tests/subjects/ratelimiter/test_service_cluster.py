"""Several nodes over one store: one limit, one list of members, and ledgers that add up to what the store counts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
import redis

from tests.stores import RealStore
from tests.subjects.ratelimiter.nodes import Asked, node_here, node_process
from tests.waiting import until


@pytest.fixture
async def nodes(valkey: RealStore) -> AsyncIterator[list[Asked]]:
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(node_here(valkey, f"node-{n}", store_timeout_ms=5000)) for n in (1, 2, 3)
        ]


@pytest.mark.parametrize("algorithm", ["sliding_log", "gcra"])
async def test_exactly_the_limit_is_admitted_by_all_nodes_together(nodes: list[Asked], algorithm: str) -> None:
    await nodes[0].limit("alice", 50, 3600, algorithm=algorithm)
    answers = await asyncio.gather(*(nodes[n % 3].check("alice") for n in range(200)))
    assert sum(answer.status_code == 200 for answer in answers) == 50
    assert sum(answer.status_code == 429 for answer in answers) == 150


async def test_exactly_the_limit_is_admitted_by_processes(valkey: RealStore) -> None:
    patient = ("--store-timeout-ms", "5000", "--failure-mode", "closed")
    async with (
        node_process(valkey.address, "node-1", *patient) as one,
        node_process(valkey.address, "node-2", *patient) as two,
    ):
        await until(one.ready, what="node-1 to reach the store")
        await until(two.ready, what="node-2 to reach the store")
        await one.limit("alice", 40, 3600)
        answers = await asyncio.gather(*((one, two)[n % 2].check("alice") for n in range(120)))
        assert sorted({answer.status_code for answer in answers}) == [200, 429]
        assert sum(answer.status_code == 200 for answer in answers) == 40


async def test_a_limit_holds_on_every_node_at_once(nodes: list[Asked]) -> None:
    for limit in (1, 5, 2):
        await nodes[limit % 3].limit("alice", limit, 3600)
        assert [(await node.check("alice")).json()["limit"] for node in nodes] == [limit] * 3
    await nodes[0].http.delete("/v1/limits/alice")
    assert [(await node.check("alice")).json()["limit"] for node in nodes] == [100] * 3


async def test_a_dead_node_is_listed_as_down(valkey: RealStore) -> None:
    async def states(node: Asked) -> dict[str, str]:
        return {member["name"]: member["state"] for member in await node.get("/v1/nodes")}

    async with node_here(valkey, "node-1") as one:
        async with node_process(valkey.address, "node-2") as two:

            async def both_up() -> bool:
                return await states(one) == {"node-1": "up", "node-2": "up"}

            await until(both_up, what="both nodes to be up")
            address = str(two.address)

        async def other_down() -> bool:
            return await states(one) == {"node-1": "up", "node-2": "down"}

        await until(other_down, what="node-2 to be listed as down")
        dead = (await one.get("/v1/nodes"))[1]
        assert dead["address"] == address
        assert dead["last_seen_s"] > 3


async def reports(nodes: list[Asked], at: float | None = None) -> list[dict[str, Any]]:
    """The counter of alice, as each node reports it."""
    query = "key=alice" if at is None else f"key=alice&at={at:.6f}"
    every = await asyncio.gather(*(node.get(f"/v1/counters?{query}") for node in nodes))
    return [report["counters"][0] for report in every]


async def test_the_ledgers_add_up_to_the_count_at_every_moment(nodes: list[Asked]) -> None:
    """Judged while checks are on their way: what the store has counted is admitted, or it is open."""
    await nodes[0].limit("alice", 1000, 0.2)

    async def load(node: Asked) -> None:
        for _ in range(60):
            await node.check("alice")

    compared = 0
    async with asyncio.TaskGroup() as group:
        work = [group.create_task(load(node)) for node in nodes for _ in range(3)]
        while not all(task.done() for task in work):
            now = (await nodes[0].get("/v1/counters?key=alice"))["now"]
            for at in (now, now - 0.1):
                seen = await reports(nodes, at)
                admitted, unknown = sum(one["admitted"] for one in seen), sum(one["unknown"] for one in seen)
                assert len({one["count"] for one in seen}) == 1
                assert admitted <= seen[0]["count"] <= admitted + unknown
                compared += 1
    assert compared > 2
    seen = await reports(nodes)
    assert sum(one["unknown"] for one in seen) == 0


async def test_entries_behind_the_nodes_back_show(nodes: list[Asked], valkey: RealStore) -> None:
    await nodes[0].limit("alice", 10, 3600)
    for node in nodes:
        await node.check("alice")
    with redis.Redis(port=valkey.address.port) as client:
        client.zpopmin("rl:{alice}:log")
        seen = await reports(nodes)
        assert (seen[0]["count"], sum(one["admitted"] for one in seen)) == (2, 3)
        client.delete("rl:{alice}:log")
        assert (await reports(nodes))[0]["count"] == 0
    listed = [counter["key"] for counter in (await nodes[1].get("/v1/counters"))["counters"]]
    assert listed == ["alice"], "a counter that vanished is still asked for"


async def test_a_counter_that_was_reset_is_compared_from_then_on(nodes: list[Asked]) -> None:
    await nodes[0].limit("alice", 3, 3600)
    for node in nodes:
        await node.check("alice")
    reset = (await nodes[2].http.delete("/v1/counters/alice")).json()["reset_at"]
    assert (await nodes[1].check("alice")).json()["remaining"] == 2
    seen = await reports(nodes)
    assert [one["reset_at"] for one in seen] == [reset] * 3
    assert [one["count"] for one in seen] == [1, 1, 1]
    assert [one["admitted"] for one in seen] == [0, 1, 0]


async def test_another_window_begins_a_new_reckoning(nodes: list[Asked]) -> None:
    """The log holds no more than the old window asked for, so the new one cannot be compared before now."""
    await nodes[0].limit("alice", 5, 1.0)
    await nodes[1].check("alice")
    await nodes[0].limit("alice", 6, 1.0)
    unchanged = (await reports(nodes))[0]
    await nodes[0].limit("alice", 6, 60.0)
    changed = (await reports(nodes))[1]
    assert changed["reset_at"] > unchanged["reset_at"]
    assert (changed["count"], changed["admitted"]) == (0, 0)


async def test_an_outcome_that_was_never_learnt_is_unknown(valkey: RealStore) -> None:
    async with node_here(valkey, store_timeout_ms=100) as node:
        await node.check("somebody else")  # so the store has the script
        valkey.pause()
        await node.check("alice", cost=3)
        valkey.resume()
        await until(node.ready, what="the node to find its store again")
        seen = (await reports([node]))[0]
        assert (seen["admitted"], seen["unknown"]) == (0, 3)
        assert seen["count"] == 0


async def test_counters_are_those_last_active_first_and_can_be_cut(nodes: list[Asked]) -> None:
    for key in ("a", "b", "c", "a"):
        await nodes[0].check(key)

    async def listed(node: Asked, query: str = "") -> list[str]:
        return [counter["key"] for counter in (await node.get(f"/v1/counters{query}"))["counters"]]

    assert await listed(nodes[0]) == ["a", "c", "b"]
    assert await listed(nodes[0], "?limit=2") == ["a", "c"]
    assert await listed(nodes[1]) == ["a", "b", "c"], "what others counted is listed too"
    assert await listed(nodes[1], "?key=c&key=nobody") == ["c", "nobody"]
