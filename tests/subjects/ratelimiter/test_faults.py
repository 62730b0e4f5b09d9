"""The faults on a real lab: what each breaks and what it leaves quiet, whom it hits, what its undo leaves alone.

The tests that restart a node come last: counters cannot be judged for the length of a window after that.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Collection
from typing import Any

import httpx
import psutil
import pytest
import pytest_asyncio
from redis.asyncio import Redis

from operator_protocols import Fault, LabError, Level, Plan
from subjects.ratelimiter.facts import facts_of
from subjects.ratelimiter.subject import SUBJECT
from tests.subjects.labs import Watched, Where, running_lab
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

FAULTS: dict[str, Fault] = {fault.name: fault for fault in SUBJECT.faults}
NODES = {"node-1", "node-2", "node-3"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Watched]:
    async with running_lab(SUBJECT, tmp_path_factory.mktemp("lab")) as running:
        yield running


class Injected:
    """A fault while the block runs; `target` is what it hit."""

    def __init__(self, lab: Watched, name: str) -> None:
        self._lab = lab
        self._fault = FAULTS[name]
        self._plan: Plan

    async def __aenter__(self) -> Injected:
        await self._lab.until_whole()
        self._plan = await self._fault.plan(self._lab.control, random.Random(2))
        await self._fault.inject(self._lab.control, self._plan)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._fault.undo(self._lab.control, self._plan)

    @property
    def target(self) -> str:
        return self._plan.target


async def never_broken(lab: Watched, names: Collection[str], looks: int = 4) -> set[Where]:
    """Look some times; none of these may stay broken. Gives what was unseen at the last look.

    One bad look is forgiven, as the monitor's delays do: on a busy machine a check can outlast its time-out, and a node
    that fails open then really allows it.
    """
    before = set[Where]()
    for _ in range(looks):
        broken = {(name, target) for name, target in await lab.broken() if name in names}
        assert not broken & before, broken
        before = broken
        await asyncio.sleep(0.4)
    return await lab.unseen()


@pytest_asyncio.fixture(loop_scope="module")
async def store(lab: Watched) -> AsyncIterator[Redis]:
    address = lab.control.endpoints["store"].ports["redis"]
    async with Redis(host=address.host, port=address.port, decode_responses=True) as client:
        yield client


async def ask(lab: Watched, method: str, service: str, port: str, path: str, json: Any = None) -> Any:
    async with httpx.AsyncClient(trust_env=False) as client:
        address = lab.control.endpoints[service].ports[port]
        response = await client.request(method, f"http://{address}{path}", json=json)
        response.raise_for_status()
        return response.json() if response.content else None


async def test_a_node_that_is_cut_off(lab: Watched) -> None:
    async with Injected(lab, "partition-node") as fault:
        broken = await lab.until_broken({"redis_disconnected", "ghost_allowing"})
        assert {("redis_disconnected", fault.target), ("ghost_allowing", fault.target)} <= broken
        assert not {target for _, target in broken} & (NODES - {fault.target})
        unseen = await never_broken(lab, {"node_down", "counter_drift"})
        assert ("counter_drift", "store") in unseen


async def test_a_store_that_is_killed(lab: Watched) -> None:
    async with Injected(lab, "kill-store"):
        broken = await lab.until_broken({"redis_disconnected", "ghost_allowing"})
        assert ("redis_disconnected", "store") in broken
        assert {target for name, target in broken if name == "ghost_allowing"} == NODES
        unseen = await never_broken(lab, {"node_down", "counter_drift"})
        assert {("redis_disconnected", node) for node in NODES} <= unseen
        assert ("counter_drift", "store") in unseen


async def test_a_store_that_was_flushed_makes_no_ghost_of_a_node(lab: Watched) -> None:
    """The canary's limit is lost with it: at most one look may show that, which opens no ticket."""
    await lab.until_whole()
    store = lab.control.endpoints["store"].ports["redis"]
    reader, writer = await asyncio.open_connection(store.host, store.port)
    writer.write(b"FLUSHALL\r\n")
    assert await reader.readline() == b"+OK\r\n"
    writer.close()
    await lab.look()
    await never_broken(lab, {"ghost_allowing", "node_down", "redis_disconnected"})
    await lab.control.stop("load")
    await lab.control.start("load")  # it sets its limits when it starts


async def test_a_limit_that_was_deleted_by_hand(lab: Watched) -> None:
    await lab.until_whole()
    limits = await ask(lab, "GET", "load", "http", "/limits")
    await ask(lab, "DELETE", "node-2", "http", "/v1/limits/customer-001")
    broken = await lab.until_broken({"limit_lost"})
    assert ("limit_lost", "store") in broken
    await never_broken(lab, {"node_down", "redis_disconnected", "counter_drift", "ghost_allowing"})
    await ask(lab, "PUT", "node-3", "http", "/v1/limits/customer-001", limits["customer-001"])
    await lab.until_whole()


async def test_a_load_that_is_gone_hides_the_latency(lab: Watched) -> None:
    await lab.control.stop("load")
    try:
        unseen = await never_broken(lab, {"high_latency"})
        assert ("high_latency", "workload") in unseen
    finally:
        await lab.control.start("load")


async def test_a_link_that_was_slow_before_stays_as_slow(lab: Watched) -> None:
    await ask(lab, "PUT", "links", "admin", "/links/node-1", {"latency_ms": 3})
    fault = FAULTS["slow-store"]
    plan = await fault.plan(lab.control, random.Random(1))
    await fault.inject(lab.control, plan)
    slow = [link["latency_ms"] for link in await ask(lab, "GET", "links", "admin", "/links")]
    await fault.undo(lab.control, plan)
    after = [link["latency_ms"] for link in await ask(lab, "GET", "links", "admin", "/links")]
    await ask(lab, "PUT", "links", "admin", "/links/node-1", {"latency_ms": 0})
    assert slow == [200, 200, 200]
    assert after == [3, 0, 0]


async def test_a_partition_survives_neither_its_undo_nor_a_restart_of_the_links(lab: Watched) -> None:
    fault = FAULTS["partition-node"]
    plan = await fault.plan(lab.control, random.Random(1))
    await fault.inject(lab.control, plan)
    assert (await ask(lab, "GET", "links", "admin", f"/links/{plan.target}"))["state"] == "cut"
    await lab.control.kill("links")
    await fault.undo(lab.control, plan)
    assert lab.control.running("links")
    assert {link["state"] for link in await ask(lab, "GET", "links", "admin", "/links")} == {"open"}


async def test_settings_that_were_put_right_otherwise_are_left_alone(lab: Watched) -> None:
    fault = FAULTS["misconfigured-node"]
    plan = await fault.plan(lab.control, random.Random(1))
    before = await ask(lab, "GET", plan.target, "http", "/v1/config")
    await fault.inject(lab.control, plan)
    wrong = await ask(lab, "GET", plan.target, "http", "/v1/config")
    assert wrong["failure_mode"] != before["failure_mode"]
    assert wrong["default_limit"]["limit"] > before["default_limit"]["limit"]
    own_way = before["default_limit"] | {"limit": before["default_limit"]["limit"] - 1}
    await ask(lab, "PUT", plan.target, "http", "/v1/config", {"default_limit": own_way})
    await fault.undo(lab.control, plan)
    assert await ask(lab, "GET", plan.target, "http", "/v1/config") == before | {"default_limit": own_way}
    await ask(lab, "PUT", plan.target, "http", "/v1/config", before)


async def test_a_node_with_other_settings(lab: Watched) -> None:
    async with Injected(lab, "misconfigured-node") as fault:
        assert await lab.until_broken({"ghost_allowing"}) == {("ghost_allowing", fault.target)}
        await never_broken(lab, {"node_down", "redis_disconnected", "counter_drift"})


async def test_the_janitor_can_be_found_from_the_store_and_ends_with_the_undo(lab: Watched, store: Redis) -> None:
    """The evidence that an agent has: the name of a client that should not be there, with its process id."""
    await lab.until_whole(judged=True)
    fault = FAULTS["drift-counters"]
    plan = await fault.plan(lab.control, random.Random(1))
    strangers: list[str] = []

    async def seen() -> bool:
        nonlocal strangers
        strangers = [client["name"] for client in await store.client_list() if "janitor" in client["name"]]
        return bool(strangers)

    await fault.inject(lab.control, plan)
    try:
        await until(seen, what="the janitor to connect")
        janitor = psutil.Process(int(strangers[0].partition(":")[2]))
        await lab.until_broken({"counter_drift"})
    finally:
        await fault.undo(lab.control, plan)
    assert not janitor.is_running()
    assert await lab.broken() == set()  # counters that were wrong were started afresh, and do not age out


async def test_a_janitor_that_was_ended_is_no_trouble_to_the_undo(lab: Watched, store: Redis) -> None:
    fault = FAULTS["drift-counters"]
    plan = await fault.plan(lab.control, random.Random(1))
    await fault.inject(lab.control, plan)

    async def ended() -> bool:
        for client in await store.client_list():
            if "janitor" in client["name"]:
                psutil.Process(int(client["name"].partition(":")[2])).kill()
                return True
        return False

    await until(ended, what="the janitor to be found and ended")
    await fault.undo(lab.control, plan)
    await lab.until_whole()


async def test_a_healthy_lab_under_load_is_whole_and_everything_can_be_judged(lab: Watched) -> None:
    await lab.control.stop("load")
    await lab.control.start("load")  # it counts damage from its start
    await lab.until_whole(looks=10, judged=True)
    assert lab.seen is not None
    assert {row.level for row in lab.seen.services} == {Level.OK}
    assert facts_of(lab.seen)["drift"]["compared"] > 5
    assert lab.seen.workload is not None
    assert lab.seen.workload.operations_per_s > 0
    assert lab.seen.workload.damage == {"wrongly allowed": 0, "wrongly refused": 0, "errors": 0}


async def test_a_node_that_does_not_answer(lab: Watched) -> None:
    async with Injected(lab, "kill-node") as fault:
        broken = await lab.until_broken({"node_down"})
        assert {(name, target) for name, target in broken if name != "high_latency"} == {("node_down", fault.target)}
        unseen = await never_broken(lab, {"redis_disconnected", "ghost_allowing", "counter_drift"})
        assert {
            ("redis_disconnected", fault.target),
            ("ghost_allowing", fault.target),
            ("counter_drift", "store"),
        } <= unseen


async def test_the_target_is_chosen_by_the_seed_among_those_that_run(lab: Watched) -> None:
    fault = FAULTS["kill-node"]
    targets = {(await fault.plan(lab.control, random.Random(seed))).target for seed in range(20)}
    assert targets == {"node-1", "node-2", "node-3"}
    assert (await fault.plan(lab.control, random.Random(7))) == (await fault.plan(lab.control, random.Random(7)))
    await lab.control.stop("node-2")
    targets = {(await fault.plan(lab.control, random.Random(seed))).target for seed in range(20)}
    await lab.control.start("node-2")
    assert targets == {"node-1", "node-3"}


async def test_what_does_not_run_cannot_be_broken(lab: Watched) -> None:
    await lab.control.stop("load")
    await lab.control.stop("store")
    with pytest.raises(LabError, match=r"\.$"):
        await FAULTS["kill-store"].plan(lab.control, random.Random(1))
    await lab.control.start("store")
    await lab.control.stop("links")
    for name in ("partition-node", "slow-store"):
        with pytest.raises(LabError, match=r"\.$"):
            await FAULTS[name].plan(lab.control, random.Random(1))
    await lab.control.start("links")
    await lab.control.start("load")


async def test_a_hung_node_that_was_killed_since_runs_again_after_the_undo(lab: Watched) -> None:
    fault = FAULTS["hang-node"]
    plan = await fault.plan(lab.control, random.Random(1))
    await fault.inject(lab.control, plan)
    await lab.control.kill(plan.target)
    await fault.undo(lab.control, plan)
    assert lab.control.running(plan.target)
