"""A node whose store is lost, hangs, forgets, or comes back."""

from __future__ import annotations

import asyncio
import time

import pytest
import redis

from tests.stores import RealStore
from tests.subjects.ratelimiter.nodes import Asked, node_here, node_process
from tests.waiting import until


async def test_a_store_that_forgot_the_scripts_gets_them_again(valkey: RealStore) -> None:
    async with node_here(valkey) as node:
        await node.limit("alice", 2, 3600)
        assert (await node.check("alice")).status_code == 200
        with redis.Redis(port=valkey.address.port) as client:
            client.script_flush()
        answers = await asyncio.gather(*(node.check("alice") for _ in range(5)))
        assert sorted(answer.status_code for answer in answers) == [200, 429, 429, 429, 429]
        assert {answer.json()["decided_by"] for answer in answers} == {"store"}


async def test_limits_and_counters_outlive_the_store(valkey: RealStore) -> None:
    async with node_here(valkey) as node:
        await node.limit("alice", 1, 3600)
        assert (await node.check("alice")).status_code == 200
        await valkey.kill()
        assert (await node.check("alice")).json()["decided_by"] == "open"
        await valkey.start()
        await until(node.ready, within_s=5, what="the node to find its store again")
        refused = await node.check("alice")
        assert (refused.status_code, refused.json()["decided_by"]) == (429, "store")


async def test_a_hung_store_costs_each_of_many_checks_its_time_out(valkey: RealStore) -> None:
    """Were they to wait for each other, forty checks of 300 ms would take twelve seconds."""
    async with node_here(valkey, store_timeout_ms=300) as node:
        valkey.pause()
        began = time.monotonic()
        answers = await asyncio.gather(*(node.check(f"key-{n}") for n in range(40)))
        took = time.monotonic() - began
        assert {answer.json()["decided_by"] for answer in answers} == {"open"}
        assert 0.25 < took < 4.0
        valkey.resume()
        await until(node.ready, within_s=5, what="the node to find its store again")
        assert (await node.check("key-1")).json()["decided_by"] == "store"


async def test_what_was_given_up_does_not_count_when_the_store_runs_on(valkey: RealStore) -> None:
    """Else a store that hung would come back with its limits used up by checks that were refused."""
    async with node_here(valkey, store_timeout_ms=50, failure_mode="closed") as node:
        await node.limit("alice", 5, 3600)
        await node.check("somebody else")  # so the store has the script
        valkey.pause()
        answers = await asyncio.gather(*(node.check("alice") for _ in range(10)))
        assert {answer.status_code for answer in answers} == {503}
        valkey.resume()
        await node.config(store_timeout_ms=2000)
        await until(node.ready, within_s=5, what="the node to find its store again")
        assert (await node.check("alice")).json()["remaining"] == 4


async def test_after_a_long_hang_the_node_works_again(valkey: RealStore) -> None:
    """Long enough for the node to give its connection up."""
    async with node_here(valkey, store_timeout_ms=100) as node:
        valkey.pause()

        async def given_up() -> bool:
            await node.check("alice")
            return "cannot be reached" in (await node.http.get("/readyz")).json()["store"]

        await until(given_up, within_s=10, what="the connection to be given up")
        valkey.resume()
        await until(node.ready, within_s=5, what="the node to find its store again")
        await node.config(store_timeout_ms=2000)
        assert (await node.check("alice")).json()["decided_by"] == "store"


@pytest.mark.parametrize("lost", ["killed", "hung"])
async def test_closed_refuses_with_reduced_capacity(valkey: RealStore, lost: str) -> None:
    async with node_here(valkey, store_timeout_ms=100, failure_mode="closed") as node:
        if lost == "hung":
            valkey.pause()
        else:
            await valkey.kill()
        refused = await node.check("alice")
        assert refused.status_code == 503
        assert refused.json()["type"].endswith("#temporary-reduced-capacity")
        assert refused.json()["decided_by"] == "closed"
        assert int(refused.headers["Retry-After"]) >= 1
        metrics = (await node.http.get("/metrics")).text
        assert 'ratelimiter_checks_total{decided_by="closed",node="node-1",outcome="error"} 1.0' in metrics
        assert 'ratelimiter_store_up{node="node-1"} 0.0' in metrics


async def test_local_counts_by_itself_with_the_limit_it_knew(valkey: RealStore) -> None:
    async with node_here(valkey, failure_mode="local") as node:
        await node.limit("alice", 3, 3600)
        await node.check("alice")
        await valkey.kill()
        answers = [await node.check("alice") for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert {answer.json()["decided_by"] for answer in answers} == {"local"}
        assert answers[0].headers["RateLimit"] == '"limit";r=2;t=3600'
        assert "Retry-After" in answers[3].headers


async def test_local_nodes_share_a_limit(valkey: RealStore) -> None:
    async with node_here(valkey, "node-2") as other:
        await until(lambda: sees(other, "node-2"), what="the first sign of life of node-2")
        async with node_here(valkey, "node-1", failure_mode="local") as node:
            await until(lambda: sees(node, "node-1", "node-2"), what="node-1 to know both members")
            await node.limit("alice", 6, 3600)
            await node.check("alice")
            await valkey.kill()
            answers = [(await node.check("alice")).status_code for _ in range(4)]
            assert answers == [200, 200, 200, 429]


async def sees(node: Asked, *names: str) -> bool:
    return [member["name"] for member in await node.get("/v1/nodes") if member["state"] == "up"] == list(names)


async def test_questions_that_need_the_store_get_503_without_it(valkey: RealStore) -> None:
    async with node_here(valkey) as node:
        await valkey.kill()
        for path in ("/v1/limits", "/v1/limits/alice", "/v1/counters", "/v1/nodes"):
            lost = await node.http.get(path)
            assert lost.status_code == 503
            assert lost.json()["type"].endswith("#temporary-reduced-capacity")
        assert (await node.http.put("/v1/limits/alice", json={"limit": 1, "window_s": 1})).status_code == 503


async def test_a_node_starts_without_its_store(valkey: RealStore) -> None:
    await valkey.kill()
    async with node_process(valkey.address, "node-1") as node:
        assert not await node.ready()
        assert (await node.check("alice")).json()["decided_by"] == "open"
        await valkey.start()
        await until(node.ready, within_s=5, what="the node to find its store")
        assert (await node.check("alice")).json()["decided_by"] == "store"


async def test_an_error_of_the_store_is_not_taken_for_an_answer(valkey: RealStore) -> None:
    async with node_here(valkey, failure_mode="closed") as node:
        with redis.Redis(port=valkey.address.port) as client:
            client.set("rl:{alice}:log", "not a sorted set")
        assert (await node.check("alice")).status_code == 503
        assert (
            'ratelimiter_store_errors_total{kind="reply",node="node-1"} 1.0' in (await node.http.get("/metrics")).text
        )
        assert (await node.check("bob")).status_code == 200
